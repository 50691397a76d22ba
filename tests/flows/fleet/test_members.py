"""What ``fleet.toml`` may say, and that whatever else it says is refused before any model is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.fleet.members import FleetRefused, read_fleet
from flows.settings import Settings

TWO = """
at_once = 2

[defaults]
registry = "s3://models/production"
cores = 1

[models.a]
data = "bars/a"

[models.b]
data = "bars/b"
cores = 2
recipes = ["logistic"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "fleet.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_model_has_the_environment_then_the_defaults_then_its_own(tmp_path: Path) -> None:
    settings = Settings(author="cron", registry="elsewhere", cores=8)
    fleet = read_fleet(written(tmp_path, TWO), settings)
    a, b = fleet.members
    assert fleet.at_once == 2
    assert (a.name, a.settings.model, a.settings.data, a.settings.registry) == (
        "a",
        "a",
        "bars/a",
        "s3://models/production",
    )
    assert (a.settings.author, a.settings.cores, a.recipes) == ("cron", 1, ())
    assert (b.settings.cores, b.recipes) == (2, ("logistic",))


def test_the_variables_of_a_process_are_what_the_file_says(tmp_path: Path) -> None:
    _, b = read_fleet(written(tmp_path, TWO), Settings()).members
    assert b.variables == {
        "RETRAIN_REGISTRY": "s3://models/production",
        "RETRAIN_CORES": "2",
        "RETRAIN_DATA": "bars/b",
        "RETRAIN_MODEL": "b",
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("models = 3", id="models is no table"),
        pytest.param("[models]", id="no model"),
        pytest.param("[models]\na = 3", id="a model is no table"),
        pytest.param("[models.'../a']", id="a name that is none"),
        pytest.param("[model.a]", id="a misspelt table"),
        pytest.param("[models.a]\ndat = 'x'", id="a misspelt setting"),
        pytest.param("[models.a]\nmodel = 'b'", id="a second name"),
        pytest.param("[models.a]\ncores = 0", id="a value that is not allowed"),
        pytest.param("[models.a]\ndata = ['x']", id="a list"),
        pytest.param("[models.a]\ncores = true", id="a truth"),
        pytest.param("[models.a]\nrecipes = 'logistic'", id="recipes are no list"),
        pytest.param("[models.a]\nrecipes = [1]", id="a recipe that is no name"),
        pytest.param("at_once = 0\n[models.a]", id="none at once"),
        pytest.param("at_once = 1.5\n[models.a]", id="a half at once"),
        pytest.param("at_once = true\n[models.a]", id="truth at once"),
        pytest.param("[models.a", id="no TOML"),
        pytest.param("pooled = 0.05\n[models.a]\n[models.b]", id="pooled is no table"),
        pytest.param("[pooled]\nbudgt = 0.05\n[models.a]\n[models.b]", id="a misspelt budget"),
        pytest.param("[pooled]\nbudget = 5\n[models.a]\n[models.b]", id="a budget that is no probability"),
        pytest.param("[pooled]\nbudget = true\n[models.a]\n[models.b]", id="a budget that is truth"),
        pytest.param("[pooled]\nbudget = 0.0001\n[models.a]\n[models.b]", id="a budget that nothing resolves"),
        pytest.param("[pooled]\n[models.a]", id="a pool of one"),
        pytest.param("[pooled]\n[models.a]\nbudget = 0.01\n[models.b]", id="a pool and a budget"),
    ],
)
def test_a_file_that_says_something_else_is_refused(
    text: str, tmp_path: Path, snapshot: SnapshotAssertion, request: pytest.FixtureRequest
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(FleetRefused) as refused:
        read_fleet(path, Settings())
    assert str(refused.value).replace(str(tmp_path), "here") == snapshot(name=request.node.callspec.id)


def test_a_pool_gives_each_model_its_share_of_one_budget(tmp_path: Path) -> None:
    fleet = read_fleet(written(tmp_path, f"{TWO}\n[pooled]"), Settings(budget=0.2))
    assert (fleet.budget, fleet.share) == (0.05, 0.01875)
    assert [member.settings.budget for member in fleet.members] == [0.01875, 0.01875]
    assert fleet.members[0].variables["RETRAIN_BUDGET"] == "0.01875"
    plain = read_fleet(written(tmp_path, TWO), Settings())
    assert plain.budget is None and plain.share is None and "RETRAIN_BUDGET" not in plain.members[0].variables


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FleetRefused, match="RETRAIN_FLEET"):
        read_fleet(tmp_path / "none.toml", Settings())
    path = tmp_path / "fleet.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FleetRefused, match="cannot be read"):
        read_fleet(path, Settings())
