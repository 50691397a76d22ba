"""Evidence that a registry of format 1 names in the log of versions: it is read, and a judging role goes on from it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.evidence.reading import read_ledger
from registry import Model, Registry
from registry.errors import StaleDecision
from registry.exchange.bundle import bundle
from registry.log.log import Draft
from registry.maintenance.verify import verify
from registry.model.evidence import Manifest, ScoredNight, manifest_of
from tests.clocks import FixedClock
from tests.registry.actors import a_model, counted_ids
from tests.registry.bundles import the_script
from tests.registry.format_1 import REGISTRY


@pytest.fixture
def model(tmp_path: Path) -> Model:
    place = shutil.copytree(REGISTRY, tmp_path / "format-1")
    clock = FixedClock(datetime(2026, 3, 2, tzinfo=UTC))
    return Registry(place, clock=clock, new_id=counted_ids()).model("nightly")


def last_judged(model: Model) -> int:
    """The entry of the versions log that the last decision of a night rests on."""
    return int(next(entry for entry in model.acts() if "evidence" in entry.body).body["evidence"]["entry"])


def scored(model: Model, night: str, through: str) -> int:
    entry = model.score(ScoredNight(b"scores", night, through, 92), fold=lambda files: files[-1], author="night")
    return entry.n


def test_the_evidence_is_what_the_last_decision_rests_on(model: Model) -> None:
    entry = model.scored()
    assert entry is not None and (entry.log, entry.n) == ("versions", last_judged(model))
    assert model.manifest() == manifest_of(entry) and read_ledger(model).live_nights[-1] == "2024-06-07"


def test_a_scored_entry_that_no_decision_rests_on_is_not_looked_at(model: Model) -> None:
    """Who may register wrote it after the last night."""
    before, through = model.manifest(), "2030-01-01T00:00:00.000000Z"
    manifest = Manifest(through, nights={"2030-01-01": before.files[-1]})
    body = {"night": "2030-01-01", "bars": 0, "manifest": manifest.to_dict()}
    forged = model.versions.append(
        lambda head, n, time: Draft("scored", body, {"watermark": {"through": through, "entry": n}}), author="eve"
    )
    head = model.versions.head()
    assert head is not None and head.state["watermark"]["entry"] == forged.n
    assert model.manifest() == before


def test_the_first_night_after_it_is_named_in_the_decisions_log_and_names_all_there_was(model: Model) -> None:
    before = model.manifest()
    n = scored(model, "2024-06-10", "2024-06-10T20:30:00.000000Z")
    entry = model.scored()
    assert entry is not None and (entry.log, entry.n) == ("decisions", n)
    after = model.manifest()
    assert (after.backfill, after.months) == (before.backfill, before.months)
    assert [*after.nights] == [*before.nights, "2024-06-10"]
    assert verify(model).findings == ()
    first = next(entry for entry in model.acts() if "evidence" in entry.body)
    assert model.scored_by(first) == model.versions.read(last_judged(model)), "a past decision finds what it saw"


def test_two_first_nights_after_it_do_not_lose_each_others_scores(model: Model) -> None:
    other = Registry(model.store, clock=model.access.clock, new_id=counted_ids(2)).model("nightly")
    since = model.manifest()
    scored(other, "2024-06-10", "2024-06-10T20:30:00.000000Z")
    with pytest.raises(StaleDecision, match="another run added evidence"):
        model.score(
            ScoredNight(b"mine", "2024-06-10", "2024-06-10T20:45:00.000000Z", 93),
            fold=lambda files: files[-1],
            author="night",
            since=since,
        )


def test_a_decision_of_format_1_is_bundled_and_its_bundle_holds(model: Model) -> None:
    script, checked = the_script(), 0
    for entry in model.acts():
        if "evidence" in entry.body:
            told = script.check_bundle(bundle(model, entry.n), entry.digest, {})
            assert any("right on" in line for line in told) and told[-1] == "the bundle holds"
            checked += 1
    assert checked == 5


def test_without_a_decision_there_is_no_evidence(tmp_path: Path) -> None:
    model = a_model()
    body = {"night": "2024-05-02", "bars": 0, "manifest": Manifest("2024-05-02").to_dict()}
    model.versions.append(
        lambda head, n, time: Draft("scored", body, {"watermark": {"through": "2024-05-02", "entry": n}}), author="eve"
    )
    assert model.scored() is None and model.manifest() == Manifest()
    model.freeze(author="ann", reason="audit")
    assert model.scored() is None
