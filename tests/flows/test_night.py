"""The whole night, without Prefect, on simulated bars."""

from __future__ import annotations

import itertools
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clocks import FixedClock

from flows.errors import BarsMissing, NightRefused, RecipeRefused, RequestRefused
from flows.night import run
from flows.outcome import Outcome
from flows.settings import RetrainRequest, Settings, request
from registry import Registry
from registry.clock import Clock
from registry.store.folder import FolderStore

FAST = ("rf_shallow", "logistic")
AS_OF = datetime(2024, 6, 5, 21, 0, tzinfo=UTC)
LATER = datetime(2024, 6, 6, 21, 0, tzinfo=UTC)


class Nights:
    """Runs nights of one model into one registry, with ids that count and a clock that is passed in."""

    def __init__(self, data: Path, registry: Path | str, clock: Clock) -> None:
        self.data = data
        self.registry = str(registry)
        self.clock = clock
        self.numbers = itertools.count(1)

    def __call__(self, as_of: datetime | None = AS_OF, **values: Any) -> Outcome:
        asked = RetrainRequest(as_of=as_of, recipes=FAST, train_days=60, holdout_days=30).model_copy(update=values)
        settings = Settings(data=str(self.data), registry=self.registry, model="m", cores=2)
        return run(asked, settings, clock=self.clock, new_id=lambda: f"{next(self.numbers):032x}")

    @property
    def model(self) -> Any:
        return Registry(self.registry, clock=self.clock).model("m")

    def keys(self) -> list[str]:
        return Registry(self.registry).store.list("")


@pytest.fixture
def nights(sample: Path, tmp_path: Path, fixed_clock: Clock) -> Nights:
    return Nights(sample, tmp_path / "registry", fixed_clock)


def everything(folder: str) -> dict[str, bytes]:
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_first_night_registers_every_recipe_and_decides_once(nights: Nights) -> None:
    outcome = nights()
    assert [row.version for row in outcome.rows if row.version] == ["v1", "v2"]
    assert [version.record.recipe for version in nights.model.history()] == list(FAST)
    assert outcome.decision == 1
    assert outcome.night == "2024-06-05"
    assert outcome.simulated
    record = nights.model.version("v1").record
    assert record.simulated and record.night == "2024-06-05" and record.rows > 1000
    assert record.known_at is not None and record.known_at <= record.measured_on["first"]


def test_the_same_night_again_adds_nothing_and_says_so(nights: Nights) -> None:
    first = nights()
    before = nights.keys()
    again = nights()
    assert again.already_decided and not first.already_decided
    assert nights.keys() == before
    assert again.sentence == first.sentence
    assert [(row.version, row.accuracy) for row in again.rows] == [
        (row.version, row.accuracy) for row in first.rows if row.version
    ]


def test_a_later_night_is_judged_against_the_champion_it_finds(nights: Nights) -> None:
    first = nights(accept_unskilled=True)
    assert first.champion is not None and first.champion.decision == 1
    second = nights(as_of=LATER)
    assert second.decision == 2
    entry = nights.model.decisions.read(2)
    assert entry.body["against"] == [first.champion.version, 1]
    record = nights.model.decision_record(entry)
    assert record["champion"] == first.champion.version
    assert [row.version for row in second.rows if row.status == "champion"] in ([], [first.champion.version])


def test_a_night_before_the_last_decided_one_is_refused(nights: Nights) -> None:
    nights(as_of=LATER)
    before = nights.keys()
    with pytest.raises(NightRefused, match="2024-06-05 is not later than the last decided one of m \\(2024-06-06\\)"):
        nights(as_of=AS_OF)
    assert nights.keys() == before


def test_a_night_killed_after_any_write_is_completed_by_a_plain_rerun(nights: Nights, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    nights()
    whole = nights.model
    expected = [(version.record.recipe, version.record.sha256) for version in whole.history()]
    original = FolderStore.create
    for stop in range(1, 9):
        part = Nights(nights.data, tmp_path / f"killed-{stop}", nights.clock)
        created = itertools.count(1)

        def create(store: Any, key: str, data: bytes, *, at: int = stop, counter: Any = created) -> None:
            original(store, key, data)
            if next(counter) == at:
                raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FolderStore, "create", create)
            try:
                part()
            except Killed:
                pass
        part()
        model = part.model
        assert [(version.record.recipe, version.record.sha256) for version in model.history()] == expected
        assert [entry.n for entry in model.decisions.walk()] == [1]


def test_bars_and_labels_after_as_of_change_nothing_byte_for_byte(sample: Path, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    shutil.copytree(sample, planted)
    path = planted / "GBPUSD_M15_2024_features.csv"
    lines = path.read_text().splitlines()
    stamp = next(i for i, line in enumerate(lines) if line.startswith("2024-06-05 16:45"))  # closes at as-of
    future = [",".join([line.split(",")[0], "9", "9", "9", "9", *line.split(",")[5:]]) for line in lines[stamp + 1 :]]
    path.write_text("\n".join([*lines[: stamp + 1], *future]) + "\n")

    results = []
    for name, data in (("first", sample), ("second", planted)):
        nights = Nights(data, tmp_path / name, FixedClock())
        outcome = nights()
        results.append((outcome.sentence, outcome.rows, everything(nights.registry)))
    assert results[0] == results[1]
    assert len(results[0][2]) == 6  # format, two artifacts, two versions, one decision


def test_dry_run_writes_nothing(nights: Nights) -> None:
    outcome = nights(dry_run=True)
    assert outcome.dry_run and outcome.decision is None
    assert nights.keys() == []
    assert not any(row.version for row in outcome.rows)


def test_a_frozen_champion_is_not_replaced_and_the_night_says_why(nights: Nights, monkeypatch: Any) -> None:
    nights(accept_unskilled=True)
    nights.model.freeze(author="ann", reason="holiday")
    import flows.night as night

    real = night.judge_holdout

    def eager(**values: Any) -> Any:
        import dataclasses

        found = real(**values)
        other = next(s.name for s in values["candidates"] if s.name != values["champion"].name)
        return dataclasses.replace(found, action="promoted", winner=other, reason="better")

    monkeypatch.setattr(night, "judge_holdout", eager)
    outcome = nights(as_of=LATER)
    assert outcome.action == "held"
    assert "frozen" in outcome.sentence and "holiday" in outcome.sentence
    assert nights.model.champion().decision == 1


def test_a_champion_trained_on_the_bars_to_judge_on_is_not_judged_there(nights: Nights) -> None:
    nights(as_of=LATER, accept_unskilled=True)
    model = nights.model
    record = model.champion()
    assert record is not None
    outcome = nights(as_of=datetime(2024, 6, 7, 21, tzinfo=UTC), holdout_days=120, train_days=30)
    assert outcome.decision == 2
    assert "was trained on all but" in outcome.sentence or outcome.rows[0].bars < outcome.rows[-1].bars


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"recipes": ("rf_shalow",)}, RecipeRefused, "rf_shalow"),
        ({"as_of": datetime(2001, 1, 1, tzinfo=UTC)}, BarsMissing, "as-of|no bar"),
        ({"train": (2022,), "holdout": (2031,)}, BarsMissing, "2031"),
        ({"model": "../other"}, Exception, "model name"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(
    nights: Nights, values: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        nights(**values)
    assert nights.keys() == []


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"as_of": "yesterday"}, "as_of"),
        ({"recipes": ("a", "a")}, "named twice"),
        ({"train": (2022,)}, "both train and holdout"),
        ({"train": (2022,), "holdout": (2022,)}, "both trained on and judged on"),
        ({"labels": "tomorrow"}, "labels"),
        ({"gate": "open"}, "gate"),
        ({"holdout_days": 3}, "holdout_days"),
    ],
)
def test_a_request_that_makes_no_sense_says_which_field(values: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestRefused, match=says):
        request(**values)
