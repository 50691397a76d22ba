"""A fleet of two models end to end: nights by their share of the budget, the pool's word, and a promotion by it."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.fleet.evidence import commands_of, judge_fleet
from flows.fleet.members import Fleet, FleetRefused, read_fleet
from flows.fleet.nights import FleetNight
from flows.gate.nightly.calibration import Simulation, calibrate
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.sequential import judge
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.night.rejudge import judge_again
from flows.night.run import run_night
from flows.operations.alerts.notifier import Notifier
from flows.settings import Settings
from registry import Registry
from registry.cli import app as registry_app
from tests.clocks import FixedClock
from tests.flows.nights import RECIPES, at, short_bars

SHARE = 0.01875
DAYS = (3, 4, 5, 6, 7)


@dataclass(frozen=True)
class Place:
    folder: Path
    fleet: Fleet

    def registry(self) -> Registry:
        return Registry(str(self.folder / "registry"), clock=FixedClock())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Five nights of two models, each with a first champion, and a third model whose first night is to come."""
    here = tmp_path_factory.mktemp("pooled")
    (here / "recipes.toml").write_text(RECIPES)
    short_bars(here / "bars")
    path = here / "fleet.toml"
    text = f"""
[pooled]
budget = 0.05
[defaults]
registry = "{here}/registry"
recipes_file = "{here}/recipes.toml"
data = "{here}/bars"
cores = 1
[models.a]
[models.b]
"""
    path.write_text(text)
    fleet = read_fleet(path, Settings())
    clock, numbers = FixedClock(), itertools.count(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.gate.nightly.judge.calibrate", partial(calibrate, simulation=Simulation(paths=4000)))
        for (order, member), day in itertools.product(enumerate(fleet.members), DAYS):
            request = RetrainRequest(
                as_of=at(day),
                recipes=("line", "bayes"),
                train_days=30 + 20 * order,
                backfill_days=60,
                accept_unskilled=True,
            )
            run_night(plan(request, member.settings), clock=clock, new_id=lambda: f"{next(numbers):032x}")
        yield Place(here, fleet)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of days instead of months, and a threshold that everything passes."""
    monkeypatch.setattr("flows.fleet.pooled.judge", partial(judge, windows=(3, 5)))
    monkeypatch.setattr("flows.fleet.pooled.pooled_threshold", lambda *_, **__: -9.0)


@pytest.fixture
def free(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no guard holds anything."""
    monkeypatch.setattr("flows.fleet.evidence._held_by", lambda row: None)


@pytest.mark.usefixtures("short")
def test_guards_of_the_last_night_hold_what_is_better_in_the_pool(place: Place) -> None:
    decision = judge_fleet(place.fleet)
    assert decision is not None and decision.action == "held"
    assert "better, but held everywhere" in decision.sentence
    assert any("right at its cut" in str(each.held_by) for each in decision.proposed)
    assert commands_of(place.fleet, decision) == []


def test_each_model_is_judged_with_its_share_which_its_decisions_record(place: Place) -> None:
    model = place.registry().model("a")
    entry = model.decided("2024-06-07")
    assert entry is not None
    record = model.decision_record(entry)
    assert record is not None and record["policy"]["budget"] == SHARE
    assert NightlyDecision.from_dict(record).champion is not None
    assert judge_again(model, entry.n).same


def test_with_few_days_the_pool_says_so_and_names_what_it_rests_on(place: Place) -> None:
    decision = judge_fleet(place.fleet)
    assert decision is not None and decision.action == "held" and "too few days" in decision.sentence
    assert sorted(decision.basis) == ["a", "b"] and decision.budget == 0.0125
    heads = {name: place.registry().model(name).decided("2024-06-07") for name in "ab"}
    assert {name: (of["entry"], of["sha256"]) for name, of in decision.basis.items()} == {
        name: (entry.n, entry.digest) for name, entry in heads.items() if entry is not None
    }


def test_without_a_table_there_is_no_pool(place: Place) -> None:
    assert judge_fleet(replace(place.fleet, budget=None)) is None


def test_a_model_without_a_night_is_left_out_by_name(place: Place) -> None:
    a, b = place.fleet.members
    new = replace(a, name="new", settings=a.settings.model_copy(update={"model": "new"}))
    decision = judge_fleet(replace(place.fleet, budget=0.075, members=(a, b, new)))
    assert decision is not None and decision.left_out == {"new": "no night is decided yet"}
    assert "without new: no night is decided yet" in str(decision)


def test_a_registry_that_cannot_be_read_is_refused_by_name(place: Place) -> None:
    a, b = place.fleet.members
    (place.folder / "file").write_text("no folder")
    gone = replace(b, settings=b.settings.model_copy(update={"registry": str(place.folder / "file")}))
    with pytest.raises(FleetRefused, match=r"models\.b"):
        judge_fleet(replace(place.fleet, members=(a, gone)))


def test_a_model_that_is_judged_with_more_than_its_share_is_refused_by_name(place: Place) -> None:
    with pytest.raises(FleetRefused, match=r"a is judged with 0\.01875 a year, its share .* is 0\.01125"):
        judge_fleet(replace(place.fleet, budget=0.03))


def test_a_decision_of_other_entries_or_models_is_refused(place: Place) -> None:
    decision = judge_fleet(place.fleet)
    assert decision is not None
    forged = {**decision.basis, "a": {**decision.basis["a"], "sha256": "0" * 64}}
    with pytest.raises(FleetRefused, match="is not the one that was pooled"):
        judge_fleet(place.fleet, forged)
    with pytest.raises(FleetRefused, match="gone is part of the decision"):
        judge_fleet(place.fleet, {**decision.basis, "gone": decision.basis["a"]})


@pytest.fixture
def sent(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Alerts that were sent, kind and words; the nights of the fleet are those that were run already."""
    told: list[tuple[str, str]] = []
    monkeypatch.setenv("RETRAIN_FLEET", str(place.fleet.path))
    nights = [FleetNight(member, 0, "held", {"action": "held"}) for member in place.fleet.members]
    monkeypatch.setattr("flows.fleet.nights.run_nights", lambda *_: iter(nights))
    monkeypatch.setattr(Notifier, "send_occurrence", lambda self, kind, what, *, now: told.append((kind, what)))
    return told


@pytest.mark.usefixtures("free")
def test_after_the_nights_a_proposal_is_printed_and_told(place: Place, sent: list[tuple[str, str]]) -> None:
    done = CliRunner().invoke(app, ["run", "--all", "--json", "--scheduled"])
    assert done.exit_code == 0, done.output
    told, decision = json.loads(done.stdout), judge_fleet(place.fleet)
    assert decision is not None and told["pooled"] == json.loads(json.dumps(decision.to_dict()))
    assert [night["model"] for night in told["nights"]] == ["a", "b"]
    ((kind, what),) = sent
    assert kind == "candidate.waiting" and all(command in what for command in commands_of(place.fleet, decision))
    assert "--force" in done.stderr


def test_after_the_nights_what_is_held_is_told_to_nobody(place: Place, sent: list[tuple[str, str]]) -> None:
    done = CliRunner().invoke(app, ["run", "--all", "--scheduled"])
    assert done.exit_code == 0 and "  pooled: too few days" in done.stdout and sent == []


def test_a_pool_that_cannot_be_judged_ends_with_status_1_and_an_alert(
    place: Place, sent: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(place.fleet.path.read_text().replace("0.05", "0.03"))  # nights were judged with a larger share
    monkeypatch.setenv("RETRAIN_FLEET", str(path))
    done = CliRunner().invoke(app, ["run", "--all", "--scheduled"])
    assert done.exit_code == 1 and "! pooled: fault: " in done.stdout and "its share" in done.stdout
    assert [kind for kind, _ in sent] == ["retrain.failed"]


@pytest.mark.usefixtures("free")
def test_what_is_proposed_is_promoted_by_the_command_it_prints_and_comes_out_the_same_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_FLEET", str(place.fleet.path))
    page = tmp_path / "index.html"
    shown = CliRunner().invoke(app, ["status", "--all", "--json", "--page", str(page)])
    told = json.loads(shown.stdout)
    assert [row["model"] for row in told["models"]] == ["a", "b"]
    decision = judge_fleet(place.fleet)
    assert decision is not None and told["pooled"]["sha256"] == decision.digest
    assert decision.action == "proposed", decision
    assert decision.sentence in page.read_text()
    (tmp_path / "pool.json").write_text(shown.stdout)

    commands = commands_of(place.fleet, decision)
    lines = CliRunner().invoke(app, ["status", "--all"]).stdout.splitlines()
    assert lines[0] == f"! {decision}" and [line.strip() for line in lines[1 : 1 + len(commands)]] == commands
    program, *words = shlex.split(commands[0].replace("NAME", "ann"))
    assert program == "registry"
    done = CliRunner().invoke(registry_app, words)
    assert done.exit_code == 0, done.output
    model = place.registry().model(words[1])
    head, champion = model.decisions.head(), model.champion()
    assert champion is not None and champion.version == words[2]
    assert head is not None and decision.digest in head.body["reason"]

    after = judge_fleet(place.fleet)
    assert after is not None and after.left_out == {words[1]: "its champion was changed after its last night"}
    again = CliRunner().invoke(app, ["status", "--all", "--again", str(tmp_path / "pool.json")])
    assert again.exit_code == 0 and again.stdout.startswith("the same: pooled: proposed")
    told["pooled"]["sha256"] = "0" * 64
    (tmp_path / "pool.json").write_text(json.dumps(told))
    again = CliRunner().invoke(app, ["status", "--all", "--again", str(tmp_path / "pool.json")])
    assert again.exit_code == 1 and again.stdout.startswith("not the same")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pooled": {"fault": "x"}}'])
def test_a_file_that_is_no_pooled_decision_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "pool.json").write_text(text)
    refused = CliRunner().invoke(app, ["status", "--all", "--again", str(tmp_path / "pool.json")])
    assert refused.exit_code != 0 and "is no pooled decision" in str(refused.exception)
    assert "--all" in str(CliRunner().invoke(app, ["status", "--again", "x"]).exception)
