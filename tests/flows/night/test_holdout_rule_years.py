"""One look at named years: judged where nobody was trained, kept apart from the nights' evidence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import write_sample
from flows.errors import BarsMissing
from flows.gate import Decision
from registry.clock import read_time
from registry.model.evidence import Manifest
from tests.flows.nights import Nights

SPRING = datetime(2024, 3, 1, 22, tzinfo=UTC)
"""The close of New York's trading day in winter."""

LATER = datetime(2024, 3, 4, 22, tzinfo=UTC)
YEARS = {"train": (2023,), "holdout": (2024,)}


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of 2023 and the first months of 2024."""
    return write_sample(tmp_path_factory.mktemp("years"), first=date(2023, 8, 1), last=date(2024, 3, 29))


@pytest.fixture
def nights(bars: Path, tmp_path: Path) -> Nights:
    return Nights(tmp_path, bars)


def record(nights: Nights) -> Decision:
    model = nights.model
    entry = model.decisions.head()
    assert entry is not None
    found = model.decision_record(entry)
    assert found is not None
    return Decision.from_dict(found)


def test_named_years_are_trained_on_and_judged_on(nights: Nights) -> None:
    outcome = nights(SPRING, **YEARS, accept_unskilled=True)
    assert outcome.action == "promoted" and outcome.night == "2024-03-01"
    decision, data = record(nights), nights.dataset(SPRING)
    judged = data.years(2024) & data.counted
    assert (decision.rule, decision.data.bars) == ("holdout", int(judged.sum()))
    assert (decision.data.first_day, decision.data.last_day) == ("2024-01-02", "2024-03-01")
    version = nights.model.version("v1").record
    assert version.measured_on is not None and version.measured_on["rule"] == "holdout"
    assert version.measured_on["fingerprint"] == data.fingerprint(judged)
    assert version.rows == int(data.years(2023).sum()) - (1 if not_known_before(nights) else 0)


def not_known_before(nights: Nights) -> bool:
    """Whether the last label of 2023 is known only from the first judged bar on: it is then left out of training."""
    data = nights.dataset(SPRING)
    first = data.bars.frame.index[data.years(2024) & data.counted][0]
    return bool(data.known_at[data.years(2023)].max() > first)


def test_nothing_is_trained_on_a_label_of_the_years_judged_on(nights: Nights) -> None:
    nights(SPRING, **YEARS)
    for version in nights.model.history():
        known_at = pd.Timestamp(read_time(str(version.record.known_at)))
        assert known_at <= pd.Timestamp(read_time(str((version.record.measured_on or {})["first"])))


def test_one_look_keeps_no_evidence(nights: Nights) -> None:
    nights(SPRING, **YEARS)
    assert nights.model.manifest() == Manifest()
    assert [entry.kind for entry in nights.model.versions.walk()] == ["registered", "registered"]


def test_a_champion_is_judged_beside_the_candidates_on_the_same_bars(nights: Nights) -> None:
    nights(SPRING, **YEARS, accept_unskilled=True)
    outcome = nights(LATER, **YEARS)
    assert outcome.rows[0].status == "champion" and outcome.rows[0].version == "v1"
    assert {row.bars for row in outcome.rows} == {outcome.rows[0].bars}
    assert record(nights).champion in ("v1", "line", "line (v1)")


def test_a_champion_trained_on_the_bars_to_judge_on_is_not_judged_there(
    nights: Nights, snapshot: SnapshotAssertion
) -> None:
    nights(SPRING, train_days=365, accept_unskilled=True)
    champion = nights.model.champion()
    assert champion is not None
    outcome = nights(LATER, **YEARS)
    assert outcome.action == "held"
    assert f"{champion.version} was trained on all but 1" in outcome.sentence and " 20" in outcome.sentence
    assert outcome.sentence == snapshot
    entry = nights.model.decisions.head()
    assert entry is not None and entry.body["reason"] == "too few days" and "record" not in entry.body


def test_a_champion_trained_on_part_of_them_is_judged_on_the_rest(nights: Nights) -> None:
    """One of the nightly rule saw the last month; the two before it remain."""
    nights(SPRING, train_days=30, accept_unskilled=True)
    champion = nights.model.champion()
    assert champion is not None
    nights(LATER, **YEARS)
    decision, data = record(nights), nights.dataset(LATER)
    begun = pd.Timestamp(read_time(str(nights.model.version(champion.version).record.trained_from)))
    known = pd.Timestamp(read_time(str(champion.known_at)))
    opens = pd.DatetimeIndex(data.bars.frame.index)
    judged = data.years(2024) & data.counted & ~np.asarray((opens >= begun) & (opens < known))
    assert decision.data.bars == int(judged.sum()) < int((data.years(2024) & data.counted).sum())


def test_the_nights_after_one_look_gather_evidence_against_its_champion(nights: Nights) -> None:
    nights(SPRING, **YEARS, accept_unskilled=True)
    nights(LATER)
    nights(datetime(2024, 3, 5, 22, tzinfo=UTC))
    assert [each.stream for each in nights.sheets[-1].streams][-1] == "version:v1"
    assert nights.decision().after == "2024-03-01"


@pytest.mark.parametrize(
    ("years", "says"),
    [
        ({"train": (2023,), "holdout": (2025,)}, "2025"),
        ({"train": (2021,), "holdout": (2024,)}, "2021"),
        ({"train": (2024,), "holdout": (2023,)}, "bars to train on before the holdout begins"),
    ],
)
def test_years_that_cannot_be_judged_are_refused_before_anything_is_written(
    nights: Nights, years: dict[str, tuple[int, ...]], says: str
) -> None:
    with pytest.raises(BarsMissing, match=says):
        nights(SPRING, **years)
    assert nights.keys() == []
