"""A night that was dated in the future stops those after it until a person repairs it: then nights and report go on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from flows.errors import NightRefused
from flows.monitoring.health import champion_since
from flows.report.gathering import gather
from registry import Night
from registry.clock import SystemClock
from registry.log import log
from registry.maintenance.verify import verify
from registry.model import repair
from tests.flows.nights import Nights, at

pytestmark = pytest.mark.usefixtures("quickly_calibrated")


def promote_next_year(nights: Nights) -> str:
    """The challenger made champion by a night that has not come, as versions before this one let it; that night."""
    now = nights.clock.now()
    future = Night(f"{now + timedelta(days=365):%Y-%m-%d}", now + timedelta(days=365))
    model = nights.model
    champion = model.champion()
    other = next(version for version in model.history() if version.record.version != champion.version)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "_SKEW", timedelta(days=1000))
        patch.setattr(repair, "check_has_come", lambda night, now: None)
        record = model.decision_record(model.decisions.read(champion.decision))
        body = {"sentence": "promoted", "record": record}
        model.promote(other, expected=champion, author="night", body=body, night=future)
    return future.day


def test_nights_and_report_go_on_after_a_repair(tmp_path: Path, june: Path) -> None:
    nights = Nights(tmp_path, june)
    nights.clock.moment = SystemClock().now()  # a repair compares it with the folder's
    nights(at(3), accept_unskilled=True)
    day = promote_next_year(nights)
    champion = nights.model.champion()
    assert champion is not None and champion.night == day
    with pytest.raises(NightRefused, match=day):
        nights(at(4))
    repaired = nights.model.repair(author="ann", reason="the feed was a year ahead")
    assert [(entry.log, entry.state["night"]) for entry in repaired] == [("decisions", "2024-06-03")]
    outcome = nights(at(4))
    assert (outcome.night, nights.model.champion()) == ("2024-06-04", champion)
    assert nights.decision().after == repaired[0].state["evidence_after"]
    assert champion_since(nights.model, champion) == repaired[0].state["evidence_after"] < day
    data = gather(nights.job(at(4)), nights.model, nights.dataset(at(4)), at(4))
    assert data.production is not None and data.production.version == champion.version
    assert verify(nights.model).clean
