"""The whole night, without Prefect, on simulated bars."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.errors import BarsMissing, NightRefused, RecipeRefused, RequestRefused
from flows.gate.nightly.policy import GatePolicy
from flows.job.request import request
from flows.night import nightly_rule
from flows.night.run import PLAIN, Steps, run_night
from registry import Model
from registry.errors import InvalidName, StaleDecision
from tests.flows.nights import YEAR_FILE, Nights, at, killed_at


@pytest.fixture
def nights(fresh: Nights) -> Nights:
    return fresh


def test_the_first_night_registers_every_recipe_and_chooses_a_champion(nights: Nights) -> None:
    outcome = nights(at(3))
    assert [row.version for row in outcome.rows if row.version] == ["v1", "v2"]
    assert [version.record.recipe for version in nights.model.history()] == ["line", "bayes"]
    assert [entry.kind for entry in nights.model.versions.walk()] == ["registered", "registered"]
    assert [entry.kind for entry in nights.model.decisions.walk()] == ["promoted", "scored"]
    assert (outcome.action, outcome.decision, outcome.night) == ("promoted", 2, "2024-06-03")
    assert outcome.champion is not None and outcome.champion.version == "v1" and outcome.champion.simulated
    assert [row.status for row in outcome.rows if row.version] == ["promoted", "held"]
    assert outcome.simulated
    record = nights.model.version("v1").record
    assert record.simulated and record.night == "2024-06-03" and record.rows > 1000
    assert record.known_at is not None and record.measured_on is not None
    assert record.measured_on["last"] < record.known_at <= "2024-06-03T21:00:00.000000Z"


def test_the_same_night_again_adds_nothing_and_says_so(nights: Nights) -> None:
    first = nights(at(3))
    before = nights.content()
    again = nights(at(3))
    assert again.already_decided and not first.already_decided
    assert nights.content() == before
    assert (again.sentence, again.action) == (first.sentence, first.action)
    assert [(row.version, row.accuracy, row.status) for row in again.rows] == [
        (row.version, row.accuracy, row.status) for row in first.rows if row.version
    ]


def test_a_night_does_its_steps_in_order_and_one_decided_before_leaves_out_the_work(nights: Nights) -> None:
    called: list[str] = []

    def recorded(name: str) -> Any:
        def step(*values: Any) -> Any:
            called.append(name)
            return getattr(PLAIN, name)(*values)

        return step

    names = [step.name for step in dataclasses.fields(Steps)]
    steps = Steps(**{name: recorded(name) for name in names})
    for expected in (names, ["load", "look_up", "report"]):
        called.clear()
        run_night(nights.job(at(3)), steps, clock=nights.clock)
        assert called == expected


def test_a_later_night_is_judged_against_the_champion_it_finds(nights: Nights) -> None:
    first = nights(at(3))
    assert first.champion is not None and first.champion.decision == 2
    second = nights(at(4))
    assert second.decision == 4
    assert nights.model.decisions.read(4).body["against"] == [first.champion.version, 2]
    assert nights.decision().champion == first.champion.version
    [champion] = [row for row in second.rows if row.status == "champion"]
    assert champion.version == first.champion.version
    assert champion.bars is not None and champion.bars < 96  # one day less the rollover hour


def test_a_night_before_the_last_decided_one_is_refused(nights: Nights, snapshot: SnapshotAssertion) -> None:
    nights(at(4))
    before = nights.keys()
    with pytest.raises(NightRefused, match=r"2024-06-03 .* m \(2024-06-04\)") as refused:
        nights(at(3))
    assert str(refused.value) == snapshot
    assert nights.keys() == before


def test_a_first_night_killed_after_any_write_is_completed_by_a_plain_rerun(nights: Nights, tmp_path: Path) -> None:
    nights(at(3))
    expected = [(version.record.recipe, version.record.sha256) for version in nights.model.history()]
    kept = []
    for write in itertools.chain([1], itertools.count(3)):  # the second is the probe, which never succeeds
        part = Nights(tmp_path / f"{write}", nights.data)
        with killed_at(write) as ended:
            part(at(3))
        kept += ended
        part(at(3))
        model = part.model
        assert [(version.record.recipe, version.record.sha256) for version in model.history()] == expected, ended
        assert [entry.kind for entry in model.decisions.walk()] == ["promoted", "scored"], ended
        assert [sheet.opens.tolist() for sheet in part.sheets] == [sheet.opens.tolist() for sheet in nights.sheets]
        if not ended:
            break
    assert len(kept) == 9  # format, two of evidence and their entry, two versions with an archive each, the decision


def test_bars_and_labels_after_as_of_change_nothing_byte_for_byte(nights: Nights, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    shutil.copytree(nights.data, planted)
    lines = (planted / YEAR_FILE).read_text().splitlines()
    last = next(number for number, line in enumerate(lines) if line.startswith("2024-06-04 16:45"))  # closes at as-of
    future = [",".join([line.split(",")[0], "9", "9", "9", "9", *line.split(",")[5:]]) for line in lines[last + 1 :]]
    (planted / YEAR_FILE).write_text("\n".join([*lines[: last + 1], *future]) + "\n")

    results = []
    for name, data in (("first", nights.data), ("second", planted)):
        each = Nights(tmp_path / name, data)
        outcomes = [each(at(day)) for day in (3, 4)]
        results.append(([(outcome.sentence, outcome.rows) for outcome in outcomes], each.content()))
    assert results[0] == results[1]
    assert len(results[0][1]) == 9 + 7  # the second night has no format and no backfill


def test_dry_run_writes_nothing(nights: Nights) -> None:
    outcome = nights(at(3), dry_run=True)
    assert outcome.dry_run and outcome.decision is None
    assert nights.keys() == []
    assert not any(row.version for row in outcome.rows)


def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate finds the second recipe better."""
    real = nightly_rule.judge_nightly

    def judged(*given: Any, **values: Any) -> Any:
        found, best = real(*given, **values), values["candidates"][1]
        return dataclasses.replace(
            found, action="promoted", winner=best.name, winner_version=best.version, reason="better", sentence="better"
        )

    monkeypatch.setattr(nightly_rule, "judge_nightly", judged)


def test_a_frozen_champion_is_not_replaced_and_the_night_says_why(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(at(3))
    nights.model.freeze(author="ann", reason="holiday")
    eager(monkeypatch)
    outcome = nights(at(4))
    assert outcome.action == "held"
    assert "promote v4" in outcome.sentence and "holiday" in outcome.sentence
    assert [row.status for row in outcome.rows if row.version] == ["champion", "held", "held"]
    assert nights.model.champion().decision == 2  # type: ignore[union-attr]  # None would fail as well
    head = nights.model.decisions.head()
    assert head is not None and head.body["reason"] == "frozen"


def test_a_champion_changed_while_the_night_was_judged_is_judged_again(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(at(3))
    acts = [lambda: nights.model.force("v2", author="ann", reason="looks better")]
    hold = Model.hold

    def overtaken(model: Model, **values: Any) -> Any:
        if acts:
            acts.pop()()
        return hold(model, **values)

    monkeypatch.setattr(Model, "hold", overtaken)
    nights(at(4))
    assert nights.decision().champion == "v2"
    assert [entry.kind for entry in nights.model.acts()] == ["held", "promoted", "promoted"]


def test_a_night_that_a_person_keeps_overtaking_gives_up_and_can_be_run_again(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    nights(at(3))
    hold, turns = Model.hold, itertools.cycle(["v2", "v1"])

    def overtaken(model: Model, **values: Any) -> Any:
        nights.model.force(next(turns), author="ann", reason="cannot decide")
        return hold(model, **values)

    with monkeypatch.context() as patch:
        patch.setattr(Model, "hold", overtaken)
        with pytest.raises(StaleDecision, match="3 times") as refused:
            nights(at(4))
        assert str(refused.value) == snapshot
    assert nights(at(4)).action == "held"
    assert [version.record.version for version in nights.model.history()] == ["v1", "v2", "v3", "v4"]


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"recipes": ("lime",)}, RecipeRefused, "lime"),
        ({"as_of": datetime(2001, 1, 1, tzinfo=UTC)}, BarsMissing, "no bar"),
        ({"as_of": datetime(2024, 1, 1, 23, tzinfo=UTC)}, BarsMissing, "add newer bars"),
        ({"train": (2023,), "holdout": (2031,)}, BarsMissing, "2031"),
        ({"model": "../other"}, InvalidName, "model name"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(
    nights: Nights, values: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        nights(**values)
    assert nights.keys() == []


@pytest.mark.parametrize("number", [2, 3])
def test_more_recipes_than_are_remembered_are_refused_since_the_first_would_never_be_scored(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, number: int, snapshot: SnapshotAssertion
) -> None:
    names = [f"bayes_{at}" for at in range(number)]
    table = 'estimator = "sklearn.naive_bayes.GaussianNB"\nfeatures = ["rsi_14"]\nparameters = { var_smoothing = %s }\n'
    nights.recipes.write_text("".join(f"[{name}]\n{table % f'{at + 1}e-8'}" for at, name in enumerate(names)))
    monkeypatch.setattr("flows.night.steps.RECIPES_KEPT", 2)
    monkeypatch.setattr("registry.model.transitions.RECIPES_KEPT", 2)
    if number == 3:
        with pytest.raises(RequestRefused, match=r"3 recipes: .* 2") as refused:
            nights(at(3), recipes=tuple(names), backfill=False)
        assert str(refused.value) == snapshot
        assert nights.keys() == []
        return
    for day in (3, 4):
        nights(at(day), recipes=tuple(names), backfill=False)
    assert [each.name for each in nights.sheets[-1].streams] == names


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
        ({"backfill_days": -1}, "backfill_days"),
        ({"train_days": 29}, "train_days"),
    ],
)
def test_a_request_that_makes_no_sense_says_which_field(values: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestRefused, match=says):
        request(**values)


def test_a_policy_of_old_by_which_no_night_can_be_judged_ends_the_night_before_it_trains(second: Nights) -> None:
    old = {**GatePolicy().to_dict(), "windows": [3]}
    second.model.set_policy(old, author="ann", reason="an older version let it pass")
    before = second.keys()
    with pytest.raises(RequestRefused, match=r"\[3\] has fewer than 5 days.*set-policy"):
        second(at(4))
    assert second.keys() == before
