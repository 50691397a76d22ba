"""The form of a manual run, as the Prefect server keeps it: what is refused before a run is made."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from flows.errors import RequestRefused
from flows.job.request import Advanced, Force, RetrainRequest, request
from flows.retrain import retrain

RELEASE = {"wires": "column:rsi_14, recipe:rf_deep", "author": "ada", "reason": "known before the bar closes"}
FORCE = {"promote": "rf_deep", "author": "ada", "reason": "the vendor's outage is over"}


@cache
def schema() -> dict[str, Any]:
    """What the server is told of the flow's parameters."""
    return parameter_schema(retrain.fn).model_dump_for_openapi()


def refusals(asked: dict[str, Any]) -> list[str]:
    """What the server has against these values, before it makes a run of them."""
    return [f"{error.json_path}: {error.message}" for error in validate({"request": asked}, schema())]


def fields(model: str) -> dict[str, Any]:
    shown: dict[str, Any] = schema()["definitions"][model]["properties"]
    return dict(sorted(shown.items(), key=lambda each: each[1]["position"]))


def test_what_is_asked_most_comes_first_and_the_rest_is_advanced() -> None:
    assert list(fields("RetrainRequest")) == ["as_of", "recipes", "dry_run", "force", "release", "advanced"]
    assert list(fields("Force")) == ["promote", "author", "reason"]
    assert set(fields("Advanced")) == set(Advanced.model_fields)


@pytest.mark.parametrize("model", ["RetrainRequest", "Force", "Release", "Advanced"])
def test_every_field_has_a_title_and_says_what_it_is(model: str) -> None:
    for name, shown in fields(model).items():
        assert shown["title"] and len(shown["description"]) > 20, name


def test_gate_score_and_budget_are_no_fields_of_a_run() -> None:
    assert not {"score", "budget", "cut", "cadence", "policy"} & {*fields("RetrainRequest"), *fields("Advanced")}


def test_the_known_recipes_are_the_choices() -> None:
    choices = fields("RetrainRequest")["recipes"]["items"]["enum"]
    assert choices[:2] == ["rf_shallow", "rf_deep"] and len(choices) == 6


def test_recipes_of_a_file_are_choices_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "recipes.toml"
    file.write_text('[mine]\nestimator = "sklearn.naive_bayes.GaussianNB"\nfeatures = ["rsi_14"]\n')
    monkeypatch.setenv("RETRAIN_RECIPES_FILE", str(file))
    assert RetrainRequest.model_json_schema()["properties"]["recipes"]["items"]["enum"][-1] == "mine"
    file.write_text("not TOML")  # the run refuses it with all its words; here any name may be typed
    assert "enum" not in RetrainRequest.model_json_schema()["properties"]["recipes"]["items"]


def test_no_field_asks_for_a_type_but_the_groups_that_may_stay_closed() -> None:
    asking = [
        name for model in ("RetrainRequest", "Advanced") for name, shown in fields(model).items() if "anyOf" in shown
    ]
    assert asking == ["force", "release", "advanced"]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"as_of": None, "recipes": None, "force": None, "advanced": None},
        {"as_of": "2024-12-31T22:00:00Z", "recipes": ["rf_deep", "logistic"], "dry_run": True},
        {"release": RELEASE},
        {"force": FORCE, "advanced": {"train_days": 30, "model": "gbpusd_m15.v2"}},
        {"advanced": {"train": [2022], "holdout": [2024], "labels": "notebook", "registry": "s3://b/p"}},
    ],
)
def test_good_values_pass_the_server_and_the_flow(asked: dict[str, Any]) -> None:
    assert refusals(asked) == []
    RetrainRequest.model_validate(asked)


@pytest.mark.parametrize(
    ("asked", "where", "words"),
    [
        ({"recipes": ["rf_dep"]}, "recipes[0]", "'rf_dep' is not one of ['rf_shallow', 'rf_deep'"),
        ({"force": {**FORCE, "reason": ""}}, "force", "should be non-empty"),
        ({"force": {"promote": "v1", "author": "ada"}}, "force", "'reason' is a required property"),
        ({"advanced": {"train_days": 3}}, "advanced", "3 is less than the minimum of 30"),
        ({"advanced": {"train_days": "long"}}, "advanced", "'long' is not of type 'integer'"),
        ({"advanced": {"model": "Cable M15"}}, "advanced", "'Cable M15' does not match"),
        ({"advanced": {"labels": "next"}}, "advanced", "is not one of ['next_bar', 'notebook']"),
        ({"budget": 0.5}, "request", "'budget' was unexpected"),
        ({"train_days": 60}, "request", "'train_days' was unexpected"),
    ],
)
def test_a_bad_value_is_refused_before_a_run_is_made(asked: dict[str, Any], where: str, words: str) -> None:
    found = validate({"request": asked}, schema())
    told = [f"{error.json_path} {error.message}" for each in found for error in (each, *(each.context or ()))]
    assert any(where in each and words in each for each in told), told


@pytest.mark.parametrize(
    ("asked", "where", "words"),
    [
        ({"force": {**FORCE, "reason": ""}}, "force.reason", "'' should be non-empty"),
        ({"force": {**FORCE, "author": "two\nlines"}}, "force.author", "does not match"),
        ({"force": {**FORCE, "promote": "x" * 101}}, "force.promote", "is too long"),
        ({"release": {**RELEASE, "reason": ""}}, "release.reason", "'' should be non-empty"),
        ({"release": {**RELEASE, "wires": ""}}, "release.wires", "'' should be non-empty"),
        ({"force": {**FORCE, "budget": 1}}, "force", "'budget' was unexpected"),
        ({"advanced": {"model": "Cable M15"}}, "advanced.model", "'Cable M15' does not match"),
    ],
)
def test_what_is_wrong_in_a_group_is_told_at_its_field_and_nothing_else_is_told(
    asked: dict[str, Any], where: str, words: str
) -> None:
    (found,) = validate({"request": asked}, schema())
    assert (found.json_path, words in found.message) == (f"$.request.{where}", True), found


def test_who_leaves_the_reason_of_a_force_empty_sends_an_empty_one() -> None:
    shown = schema()["definitions"]["Force"]
    assert shown["required"] == ["promote", "author", "reason"], "the form does not call them optional"
    assert [field["default"] for field in shown["properties"].values()] == [""] * 3


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"dry_run": True, "force": FORCE}, "a dry run writes nothing, so it forces nothing"),
        ({"force": {**FORCE, "author": "  "}}, "author must be one printable line"),
        ({"force": {**FORCE, "reason": "two\nlines"}}, "reason must be one printable line"),
        ({"force": {"promote": "v1"}}, "force.author: Field required; force.reason: Field required"),
        ({"train": (2022,)}, "name the years of both train and holdout"),
        ({"train": (2022,), "holdout": (2022,)}, "2022 would be both trained on and judged on"),
        ({"recipes": ("line", "line")}, "recipes: something is named twice"),
        ({"as_of": "2024-12-31T22:00"}, "as_of: Input should have timezone info"),
        ({"seed": 1, "advanced": {"seed": 1}}, "seed stand beside 'advanced'"),
    ],
)
def test_the_flow_refuses_what_a_schema_cannot_say(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        request(**asked)
    assert words in str(refused.value)


def test_advanced_fields_go_by_their_own_names_in_python() -> None:
    assert RetrainRequest(train_days=60, seed=3).advanced == Advanced(train_days=60, seed=3)


def test_what_is_kept_of_a_run_is_what_differs_and_says_the_same() -> None:
    asked = request(recipes=("rf_deep",), train_days=60, force=Force(**FORCE))
    kept = asked.model_dump(mode="json")
    assert kept == {"recipes": ["rf_deep"], "advanced": {"train_days": 60}, "force": FORCE}
    assert RetrainRequest.model_validate(kept) == asked and refusals(kept) == []
