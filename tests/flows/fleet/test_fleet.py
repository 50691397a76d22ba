"""The nights of several models as a person starts them, and what one screen and one page say of them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.errors import BarsRejected
from flows.fleet.members import Fleet, Member, read_fleet
from flows.fleet.nights import run_nights
from flows.fleet.overview import FleetRow, write_page
from flows.job.plan import Job
from flows.operations.alerts.conditions import FileMemory
from flows.settings import Settings
from registry import Model, Registry
from tests.clocks import FixedClock
from tests.flows.nights import RECIPES, short_bars

NOW = FixedClock().now()


@pytest.fixture(scope="module")
def fleet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models on short bars and one whose bars are not there; the first night of each was run."""
    here = tmp_path_factory.mktemp("fleet")
    (here / "recipes.toml").write_text(RECIPES)
    short_bars(here / "bars")
    path = here / "fleet.toml"
    path.write_text(f"""
at_once = 2
[defaults]
registry = "{here}/registry"
recipes_file = "{here}/recipes.toml"
recipes = ["line"]
data = "{here}/bars"
[models.lines]
[models.bayes]
recipes = ["bayes"]
[models.broken]
data = "{here}/nowhere"
""")
    return path


@pytest.fixture(scope="module")
def told(fleet_file: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETRAIN_FLEET", str(fleet_file))
        patch.delenv("PREFECT_API_URL", raising=False)
        return CliRunner().invoke(
            app, ["run", "--all", "--json", "--no-prefect", "--no-backfill", "--as-of", "2024-06-05T21:00Z"]
        )


def test_each_model_has_its_night_and_one_that_fails_stops_no_other(told: Any, fleet_file: Path) -> None:
    assert told.exit_code == 1
    nights = {night["model"]: night for night in json.loads(told.stdout)}
    assert {name: night["ended"] for name, night in nights.items()} == {
        "lines": "empty",
        "bayes": "empty",
        "broken": "failed",
    }
    assert "nowhere" in nights["broken"]["sentence"] and nights["broken"]["exit_status"] == 3
    registry = Registry(str(fleet_file.parent / "registry"))
    for name, recipe in (("lines", "line"), ("bayes", "bayes")):
        (entry,) = registry.model(name).versions.walk()
        assert recipe in str(entry)
    assert "broken" in told.stderr.splitlines()[-1]


def test_a_second_run_of_the_same_night_decides_nothing_again(told: Any, fleet_file: Path) -> None:
    fleet = read_fleet(fleet_file, Settings())
    alone = Fleet(fleet.path, fleet.members[:1])
    (again,) = run_nights(alone, ("--no-prefect", "--no-backfill", "--as-of", "2024-06-05T21:00Z"))
    assert again.outcome is not None and again.outcome["already_decided"]


def test_status_names_those_first_that_a_person_should_look_at(
    told: Any, fleet_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_FLEET", str(fleet_file))
    page = tmp_path / "site" / "index.html"
    shown = CliRunner().invoke(app, ["status", "--all", "--page", str(page)])
    assert shown.exit_code == 0
    assert [line.split(":")[0] for line in shown.stdout.splitlines()[:-1]] == ["! lines", "! bayes", "! broken"]
    assert "production is empty" in shown.stdout
    assert CliRunner().invoke(app, ["status", "--all", "--check"]).exit_code == 1  # the night of June is long ago
    written = page.read_text()
    assert "3 models: 3 to look at" in written and "<script" not in written and "://" not in written
    found = json.loads(CliRunner().invoke(app, ["status", "--all", "--json"]).stdout)
    assert [row["model"] for row in found] == ["lines", "bayes", "broken"]
    assert [row["last_night"] for row in found] == ["2024-06-05", "2024-06-05", None]


def test_the_watch_looks_at_every_model_and_remembers_its_alerts_by_its_name(
    told: Any, fleet_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_FLEET", str(fleet_file))
    monkeypatch.setenv("RETRAIN_CONDITIONS", str(tmp_path))
    monkeypatch.setattr("flows.fleet.watching.health_now", not_for_bayes)
    shown = CliRunner().invoke(app, ["watch", "--all", "--tell"])
    assert shown.exit_code == 10
    assert shown.stdout.splitlines() == [
        "lines: production is empty, there is nothing to watch",
        "bayes: its evidence is gone",
        "broken: production is empty, there is nothing to watch",
    ]
    late = {name: set(FileMemory(str(tmp_path)).read(name)) for name in ("lines", "bayes", "broken")}
    assert late == {"lines": {"night.missed"}, "bayes": {"data.rejected", "night.missed"}, "broken": set()}


def not_for_bayes(job: Job, model: Model, due: date, **_: Any) -> None:
    if job.model == "bayes":
        raise BarsRejected("its evidence is gone")


def test_a_watch_of_all_is_of_no_model() -> None:
    assert "MODEL" in str(CliRunner().invoke(app, ["watch", "some", "--all"]).exception)


@pytest.mark.parametrize("option", [("--model", "a"), ("--data", "x"), ("--recipe", "line"), ("--force", "v1")])
def test_an_option_of_one_model_does_not_go_with_all(option: tuple[str, str]) -> None:
    refused = CliRunner().invoke(app, ["run", "--all", *option])
    assert refused.exit_code != 0 and option[0] in str(refused.exception)


def test_a_page_needs_all_models() -> None:
    assert "--all" in str(CliRunner().invoke(app, ["status", "--page", "index.html"]).exception)


def row(folder: Path, name: str = "m", **values: Any) -> FleetRow:
    settings = Settings(registry=str(folder / "registry"))
    return FleetRow(Member(name, settings, (), {}), **{"status": None, "fault": None, "report": None, **values})


def test_what_registries_say_is_text_on_the_page_and_reports_are_linked(tmp_path: Path) -> None:
    report = tmp_path / "my report" / "m.html"
    hostile = row(tmp_path, "m_1", fault="<b>no & never</b>", report=report)
    write_page([hostile], tmp_path / "index.html", now=NOW)
    page = (tmp_path / "index.html").read_text()
    assert "&lt;b&gt;no &amp; never&lt;/b&gt;" in page and "m_<wbr>1" in page
    assert 'href="my%20report/m.html"' in page


def test_a_registry_that_cannot_be_read_has_a_row_and_status_1_with_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "fleet.toml").write_text(f'[models.m]\nregistry = "{tmp_path}/file"')
    monkeypatch.setenv("RETRAIN_FLEET", str(tmp_path / "fleet.toml"))
    shown = CliRunner().invoke(app, ["status", "--all", "--check"])
    assert shown.exit_code == 1 and shown.stdout.startswith("! m: fault: ")
