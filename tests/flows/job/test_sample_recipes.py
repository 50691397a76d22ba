"""The sample leaves out the recipe that takes most of a newcomer's time; whoever names it has it."""

from __future__ import annotations

from pathlib import Path

from flows.job.plan import Job, plan
from flows.job.request import request
from flows.recipes.catalogue import NAMES
from flows.settings import Settings


def planned(sample: Path, data: Path | None = None, **asked: object) -> Job:
    settings = Settings(sample=str(sample), data=None if data is None else str(data))
    return plan(request(**asked), settings)


def names(job: Job) -> list[str]:
    return [recipe.name for recipe in job.recipes]


def test_the_sample_trains_every_shipped_recipe_but_the_slow_one_and_says_which(sample: Path) -> None:
    job = planned(sample)
    assert names(job) == [name for name in NAMES if name != "rf_deep"]
    assert job.left_out == ("rf_deep",)


def test_a_recipe_that_is_named_is_trained_on_the_sample_too(sample: Path) -> None:
    job = planned(sample, recipes=["rf_deep"])
    assert (names(job), job.left_out) == (["rf_deep"], ())


def test_so_is_one_that_a_person_forces(sample: Path) -> None:
    job = planned(sample, force={"promote": "rf_deep", "author": "ada", "reason": "to see it"})
    assert (names(job), job.left_out) == ([*NAMES], ())


def test_own_bars_are_given_every_shipped_recipe(sample: Path, tmp_path: Path) -> None:
    job = planned(tmp_path / "unused", data=sample)
    assert (names(job), job.left_out) == ([*NAMES], ())
