"""Nights on bars with a planted leak: nothing is promoted on any way, a person is told, and may release it."""

from __future__ import annotations

import csv
import itertools
import shlex
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from flows.cli import app
from flows.errors import RequestRefused
from flows.gate.nightly.policy import GatePolicy
from flows.gate.tripwires.wire import TrippedWire
from flows.job.request import CheckName, Force, Release, RetrainRequest, request
from flows.night import steps, suspicion
from flows.night.rejudge import judge_again
from flows.night.state import Answer, Verdict
from registry.errors import RegistryError
from tests.flows.nights import YEAR_FILE, Nights, at

WHY = "it is known before the bar closes"
WIRE = TrippedWire("column", "rsi_14", 0.99, 0.56, 10_000, "the column rsi_14 tells it all")


class Allowing(Nights):
    """Nights that allow what the checks of bars refuse, so that the wires behind them are what holds."""

    def request(self, as_of: datetime, **values: Any) -> RetrainRequest:
        return super().request(as_of, **{"allow": get_args(CheckName)} | values)


def leak(file: Path) -> None:
    """Writes the next move of the close into the RSI."""
    with file.open(newline="") as opened:
        head, *rows = list(csv.reader(opened))
    close, rsi = head.index("close_15m"), head.index("rsi_14")
    for row, later in itertools.pairwise(rows):
        row[rsi] = f"{min(max(50 + 2e4 * (float(later[close]) - float(row[close])), 0), 100):.6f}"
    with file.open("w", newline="") as opened:
        csv.writer(opened, lineterminator="\n").writerows([head, *rows])


@pytest.fixture(scope="module")
def leaky_bars(june: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("leaky") / "bars"
    shutil.copytree(june, place)
    leak(place / YEAR_FILE)
    return place


@pytest.fixture
def leaky(leaky_bars: Path, tmp_path: Path, quickly_calibrated: None) -> Nights:
    """No night yet; the RSI holds the next move."""
    return Allowing(tmp_path, leaky_bars)


def release(wires: str) -> Release:
    return Release(wires=wires, author="ann", reason=WHY)


def body(nights: Nights) -> Any:
    entry = nights.model.decisions.head()
    assert entry is not None
    return entry.body


def test_a_perfect_model_is_not_the_first_champion(leaky: Nights, snapshot: SnapshotAssertion) -> None:
    outcome = leaky(at(3))
    assert (outcome.action, outcome.champion, outcome.waiting) == ("empty", None, None)
    assert outcome.suspicious[0] == "column:rsi_14" and {"recipe:line", "recipe:bayes"} <= set(outcome.suspicious)
    assert (
        outcome.detail.startswith("suspicious: the column rsi_14 ")
        and "column:rsi_14" in outcome.sentence
        and outcome.sentence == snapshot
    )
    assert {row.status for row in outcome.rows if row.version} == {"held"}
    assert outcome.to_dict()["suspicious"] == list(outcome.suspicious)
    assert leaky.decision().action == "promoted", "the record says what the gate said"
    assert judge_again(leaky.model, 2).same


def test_what_held_a_night_is_recorded_and_told_again(leaky: Nights) -> None:
    outcome = leaky(at(3))
    recorded = body(leaky)
    assert recorded["reason"] == "suspicious" and "release" not in recorded
    assert [wire["name"] for wire in recorded["suspicious"]] == list(outcome.suspicious)
    assert recorded["suspicious"][0]["figure"] > 0.9 > 0.7 > recorded["suspicious"][0]["bound"]
    again = leaky(at(3))
    assert again.already_decided and again.suspicious == outcome.suspicious and again.sentence == outcome.sentence


def test_a_dry_run_says_it_and_writes_nothing(leaky: Nights) -> None:
    outcome = leaky(at(3), dry_run=True)
    assert outcome.sentence.startswith("suspicious: ") and outcome.action == "empty" and outcome.suspicious
    assert "would be promoted" not in {row.status for row in outcome.rows}
    assert leaky.model.decisions.head() is None


def test_a_yes_in_prefect_promotes_nothing(leaky: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRAIN_APPROVAL_HOURS", "2")
    night = leaky.context(at(3))
    evidence = steps.gather(night)
    candidates = [steps.train(night, recipe) for recipe in night.job.recipes]
    versions = steps.register(night, evidence, candidates)
    verdict = steps.judge(night, evidence, candidates, versions)
    outcome = steps.promote_or_hold(night, versions, replace(verdict, answer=Answer(True, "ada", "looks right")))
    assert outcome is not None and outcome.champion is None and outcome.waiting is None
    assert "approval" not in body(leaky) and "proposal" not in body(leaky)
    with pytest.raises(RegistryError):
        leaky.model.approve("v1", author="ada", reason="looks right")
    assert leaky.model.champion() is None


def test_a_look_at_named_years_promotes_nothing(leaky_bars: Path, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    shutil.copytree(leaky_bars, tmp_path / "bars")
    file = tmp_path / "bars" / YEAR_FILE
    earlier = file.with_name(YEAR_FILE.replace("2024", "2023"))
    head, *rows = file.read_text().splitlines()
    half = next(number for number, row in enumerate(rows) if row >= "2024-03-04")
    before = [row.replace("2024-", "2023-", 1) for row in rows[:half] if "-02-29" not in row]
    earlier.write_text("\n".join([head, *before]) + "\n")
    file.write_text("\n".join([head, *rows[half:]]) + "\n")
    years = {"train": (2023,), "holdout": (2024,)}
    nights = Allowing(tmp_path, tmp_path / "bars")
    outcome = nights(at(3), **years)
    assert outcome.champion is None and body(nights)["record"]["rule"] == "holdout"
    assert body(nights)["record"]["action"] == "promoted" and body(nights)["reason"] == "suspicious"
    assert {"column:rsi_14", "recipe:line"} <= set(outcome.suspicious) and outcome.sentence == snapshot
    released = nights(at(4), **years, release=release(",".join(outcome.suspicious)))
    assert released.champion is not None and released.champion.night == "2024-06-04"


def test_a_champion_stays_whatever_the_gate_finds(second: Nights, tmp_path: Path) -> None:
    shutil.copytree(second.data, tmp_path / "bars")
    second.data = tmp_path / "bars"
    leak(second.data / YEAR_FILE)
    outcome = second(at(4), allow=get_args(CheckName))
    assert outcome.champion is not None and outcome.champion.version == "v1" and outcome.action == "held"
    assert "column:rsi_14" in outcome.suspicious and "; the gate's own word: held" in outcome.detail


def test_a_person_forces_it_all_the_same_and_the_log_says_both(leaky: Nights) -> None:
    outcome = leaky(at(3), force=Force(promote="line", author="ada", reason="a test"))
    assert outcome.champion is not None and outcome.champion.forced and outcome.suspicious
    assert "; the gate's own word: suspicious: " in outcome.detail and body(leaky)["suspicious"]


def test_released_by_name_and_reason_the_gate_decides_and_the_log_says_who(
    leaky: Nights, snapshot: SnapshotAssertion
) -> None:
    held = leaky(at(3))
    outcome = leaky(at(4), release=release(", ".join(held.suspicious)))
    assert outcome.action == "promoted" and outcome.champion is not None and outcome.champion.forced is None
    assert outcome.suspicious == () and body(leaky)["reason"] == "first champion"
    assert body(leaky)["release"] == {"wires": list(held.suspicious), "author": "ann", "reason": WHY}
    assert [wire["name"] for wire in body(leaky)["suspicious"]] == list(held.suspicious)
    assert outcome.detail.endswith(f": {WHY}") and " released by ann" in outcome.sentence
    assert outcome.sentence == snapshot
    assert leaky(at(4)).suspicious == ()


def test_a_release_of_one_wire_is_none_of_the_others(leaky: Nights) -> None:
    outcome = leaky(at(3), release=release("column:rsi_14"))
    assert outcome.champion is None and "release" not in body(leaky)
    assert outcome.detail.startswith("suspicious: the stream line ")


def test_a_release_that_was_not_needed_is_not_recorded(fresh: Nights) -> None:
    outcome = fresh(at(3), release=release("column:rsi_14"))
    assert outcome.action == "promoted" and not {"release", "suspicious"} & set(body(fresh))
    assert "released" not in outcome.sentence


def test_what_holds_the_future_for_no_recipe_of_the_night_holds_nothing(leaky: Nights) -> None:
    leaky.recipes.write_text('[calm]\nestimator = "sklearn.naive_bayes.GaussianNB"\nfeatures = ["adx_14"]\n')
    assert leaky(at(3), recipes=("calm",)).suspicious == ()


def test_the_policy_of_the_registry_sets_the_bound_of_recipes(leaky: Nights) -> None:
    leaky(at(3))
    leaky.model.set_policy(GatePolicy(suspicious_percent=100.0).to_dict(), author="ann", reason="a test")
    assert leaky(at(4)).suspicious == ("column:rsi_14",)


@pytest.mark.parametrize("promoted", ["promoted", "held"])
def test_the_verdict_of_the_gate_is_held_by_any_wire(
    second: Nights, monkeypatch: pytest.MonkeyPatch, promoted: str
) -> None:
    monkeypatch.setattr(suspicion, "tripped", lambda *_: (WIRE,))
    verdict = Verdict(promoted, f"{promoted}: because", "better", second.model.champion(), (), "line")
    held = suspicion.examine(second.context(at(4)), None, [], verdict)
    assert (held.action, held.winner, held.reason) == ("held", None, "suspicious")
    released = suspicion.examine(second.context(at(4), release=release("column:rsi_14")), None, [], verdict)
    assert (released.action, released.winner, released.reason) == (promoted, "line", "better")


def test_of_many_wires_the_sentence_says_three_and_the_log_keeps_ten(
    second: Nights, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    wires = tuple(replace(WIRE, of=f"x{number}", words=f"x{number} tells it all") for number in range(12))
    monkeypatch.setattr(suspicion, "tripped", lambda *_: wires)
    held = suspicion.examine(second.context(at(4)), None, [], Verdict("held", "held: so", "x", None, ()))
    assert (
        held.sentence == snapshot
        and held.detail == snapshot(name="whole")
        and len(suspicion.fields(held)["suspicious"]) == 10
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"wires": "column:rsi_14", "author": "ann"}, "release.reason: Field required"),
        ({"wires": "column:rsi_14", "reason": WHY}, "release.author: Field required"),
        ({"wires": "column:rsi_14", "author": "ann", "reason": " "}, "reason must be one printable line"),
        ({"wires": "", "author": "ann", "reason": WHY}, "release.wires"),
        ({"wires": " , ", "author": "ann", "reason": WHY}, "nothing names no wire"),
        ({"wires": "rsi_14", "author": "ann", "reason": WHY}, "'rsi_14' names no wire: write column, recipe, control"),
        ({"wires": "column:a, columns:b", "author": "ann", "reason": WHY}, "'columns:b' names no wire"),
        ({"wires": "column:", "author": "ann", "reason": WHY}, "'column:' names no wire"),
    ],
)
def test_a_release_without_names_author_or_reason_is_refused(given: dict[str, str], says: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        request(release=given)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--release", "column:rsi_14"), "release.author: Field required; release.reason: Field required"),
        (("--release", "rsi_14", "--author", "ann", "--reason", WHY), "'rsi_14' names no wire"),
        (("--author", "ann"), "force.promote: Field required"),
        (("--release", "column:a", "--force", "v1", "--author", "ann"), "force.reason: Field required; release.reason"),
    ],
)
def test_the_command_line_refuses_it_too(options: tuple[str, ...], says: str) -> None:
    refused = CliRunner().invoke(app, ["run", "--no-prefect", *options])
    assert isinstance(refused.exception, RequestRefused) and says in str(refused.exception)


def test_the_command_of_the_sentence_releases(leaky: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    held = leaky(at(3))
    command = held.detail.partition(" goes on with ")[2].partition("; ")[0]
    told = shlex.split(command.replace("NAME", "ann").replace("WHY", shlex.quote(WHY)))
    assert told[:2] == ["retrain", "run"]
    asked: list[Any] = []

    def instead(request: Any, **_: Any) -> str:
        asked.append(request)
        return "not run"

    monkeypatch.setattr("flows.commands.run.run_local", instead)
    assert CliRunner().invoke(app, [*told[1:], "--no-prefect"]).exit_code == 0
    assert asked[0].release.names == held.suspicious and asked[0].force is None
