"""New bars are scored beside the fits; what a night leaves and raises is as if one came after the other."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.errors import NightRefused, RecipeRefused
from flows.evidence.collect import Evidence
from flows.night import holdout_rule, nightly_rule, suspicion
from flows.night.run import PLAIN, Steps, run_night
from flows.night.state import NightContext, TrainedCandidate, Verdict
from flows.recipes import BASELINES
from registry.errors import StoreUnavailable
from tests.flows.nights import Nights, at

SECONDS = 30.0


def run(nights: Nights, steps: Steps) -> None:
    run_night(nights.job(at(4)), steps, clock=nights.clock)


def test_bars_are_scored_beside_the_fits(second: Nights) -> None:
    scoring, fitting = threading.Event(), threading.Event()

    def gather(night: NightContext) -> Evidence | None:
        scoring.set()
        assert fitting.wait(SECONDS), "fits begin while bars are scored"
        return PLAIN.gather(night)

    def train_all(night: NightContext) -> Sequence[TrainedCandidate]:
        fitting.set()
        assert scoring.wait(SECONDS), "bars are scored while recipes are fitted"
        return PLAIN.train_all(night)

    run(second, replace(PLAIN, gather=gather, train_all=train_all))
    assert [entry.kind for entry in second.model.decisions.walk()][:2] == ["held", "scored"]


def test_a_first_night_fits_after_its_walk_forward(second: Nights, tmp_path: Path) -> None:
    called: list[str] = []

    def step(name: str, night: NightContext) -> object:
        called.append(f"{name} begins")
        done = getattr(PLAIN, name)(night)
        called.append(f"{name} ends")
        return done

    fresh = Nights(tmp_path / "fresh", second.data)
    steps = {name: partial(step, name) for name in ("gather", "train_all")}
    run(fresh, replace(PLAIN, **steps))  # type: ignore[arg-type]  # each step has a type of its own
    assert called == ["gather begins", "gather ends", "train_all begins", "train_all ends"]


def test_of_two_errors_that_of_the_scores_is_raised(second: Nights) -> None:
    fitted = threading.Event()

    def refused(night: NightContext) -> Evidence | None:
        assert fitted.wait(SECONDS)
        raise NightRefused("the evidence reaches further than the bars")

    def broken(night: NightContext) -> Sequence[TrainedCandidate]:
        fitted.set()
        raise RecipeRefused("recipe line cannot be trained")

    with pytest.raises(NightRefused):
        run(second, replace(PLAIN, gather=refused, train_all=broken))


def test_where_a_recipe_cannot_be_trained_the_scores_are_kept(second: Nights) -> None:
    def broken(night: NightContext) -> Sequence[TrainedCandidate]:
        raise RecipeRefused("recipe line cannot be trained")

    with pytest.raises(RecipeRefused):
        run(second, replace(PLAIN, train_all=broken))
    newest = second.model.decisions.head()
    assert newest is not None and (newest.kind, newest.body["night"]) == ("scored", "2024-06-04")


def test_what_judging_asks_is_answered_beside_the_fits_and_once(
    second: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(module: Any, name: str) -> None:
        real = getattr(module, name)

        def answer(*given: Any, **named: Any) -> object:
            asked.append(name)
            return real(*given, **named)

        monkeypatch.setattr(module, name, answer)

    second(at(4))
    for module, name in ((suspicion, "recompute"), (suspicion, "tripped_columns"), (nightly_rule, "score_sides")):
        counted(module, name)

    def judge(night: NightContext, *given: Any) -> Verdict:
        assert sorted(asked) == ["recompute", *["score_sides"] * 3, "tripped_columns"]  # two recipes and the champion
        return PLAIN.judge(night, *given)

    run_night(second.job(at(5)), replace(PLAIN, judge=judge), clock=second.clock)
    assert len(asked) == 5


def test_what_cannot_be_answered_ahead_stops_the_night_where_it_is_needed(
    second: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise StoreUnavailable("the store does not answer")

    monkeypatch.setattr(suspicion, "recompute", unreachable)
    with pytest.raises(StoreUnavailable):
        second(at(4))
    assert len(second.model.history()) == 4  # tonight's are registered: judging needed it


def test_the_references_of_a_holdout_are_scored_beside_the_fits(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[str] = []
    real = holdout_rule.baseline

    def noted(name: str, *given: Any) -> Any:
        scored.append(name)
        return real(name, *given)

    monkeypatch.setattr(holdout_rule, "baseline", noted)
    night = Nights(tmp_path, sample).context(at(4), train=(2023,), holdout=(2024,))
    assert PLAIN.gather(night) is None
    before = list(scored)
    assert set(before) == set(BASELINES)
    holdout_rule.references(night)
    assert scored == before
