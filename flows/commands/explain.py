"""``retrain explain``, ``retrain replay-decision`` and ``retrain watch``."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from flows.errors import GateRefused
from flows.gate.nightly.decision import NightlyDecision
from flows.job.plan import Job, plan
from flows.job.request import moment, request
from flows.night.rejudge import decision_entry, judge_again
from flows.settings import load_settings
from registry import Model, Registry, SystemClock
from registry.errors import ModelNotFound
from registry.trust.keyring import Keyring

HALF_BAR = 8
"""Cells of a chart on each side of zero."""

ALARMED = 10
"""Exit status of ``retrain watch`` where something is wrong."""

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]
Url = Annotated[str | None, typer.Option("--registry", help="Folder or s3:// root (RETRAIN_REGISTRY).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def explain(
    model: ModelName,
    version: Annotated[
        str | None, typer.Argument(help="The version whose promotion to explain; default: last night.")
    ] = None,
    registry: Url = None,
    as_json: Json = False,
) -> None:
    """Why the newest night promoted or held, or why a version was promoted, with the evidence."""
    opened = open_existing(model, registry)
    entry = decision_entry(opened, version)
    record: Any = opened.decision_record(entry)
    if as_json:
        sys.stdout.write(json.dumps({"entry": entry.n, "sentence": str(entry), "record": record}, indent=2) + "\n")
        return
    console = Console(highlight=False)
    console.print(f"decision {entry.n}, {entry.time:%Y-%m-%d %H:%M} UTC, by {entry.author}")
    console.print(str(entry), style="bold", soft_wrap=True, markup=False)
    if record is not None and record.get("rule") == "nightly":
        decision = NightlyDecision.from_dict(record)
        console.print(_evidence(decision))
        for row in decision.rows:
            for guard in row.failed:
                name = row.name if row.version is None else f"{row.name} ({row.version})"
                console.print(f"{name} held back by {guard.name}: {guard.words}", soft_wrap=True, markup=False)


def replay_decision(
    model: ModelName,
    number: Annotated[int, typer.Argument(min=1, help="Number of the decision in the log.")],
    registry: Url = None,
) -> None:
    """Judge a past decision again from the recorded scores; it must agree exactly."""
    found = judge_again(open_existing(model, registry), number)
    if not found.same:
        raise GateRefused(
            f"decision {number} of {model} comes out differently: recorded '{found.recorded}', now '{found.again}'; "
            "the evidence or this package changed: run `registry verify` and compare versions"
        )
    Console(highlight=False).print(f"decision {number} comes out the same: {found.again}", soft_wrap=True, markup=False)


def watch(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Name of the model (RETRAIN_MODEL).")] = None,
    data: Annotated[str | None, typer.Option(help="Folder or s3:// prefix of the bars (RETRAIN_DATA).")] = None,
    registry: Url = None,
    as_of: Annotated[str | None, typer.Option(help="The moment to pretend it is.")] = None,
    tell: Annotated[bool, typer.Option(help="For cron: alert where something begins or ends.")] = False,
) -> None:
    """Is the champion still good, and are the bars there? Ends with status 10 where something is wrong."""
    from flows.operations.status.watching import look_after, look_at

    at = None if as_of is None else moment(as_of)
    job: Job = plan(request(as_of=at, data=data, registry=registry, model=model), load_settings())
    found = (look_after if tell else look_at)(job, at or SystemClock().now())
    console = Console(highlight=False)
    if found is None:
        console.print(f"{job.model}: production is empty, there is nothing to watch")
        return
    console.print(f"{job.model}: {found}", soft_wrap=True, markup=False)
    if found.alarms:
        raise typer.Exit(ALARMED)


def open_existing(model: str, registry: str | None) -> Model:
    settings = load_settings()
    place = registry or settings.registry
    keys = Keyring.of(settings.signing_key, settings.trusted_promoters, settings.trusted_trainers)
    opened = Registry(place, signer=keys.signer, trusted=keys.trusted).model(model)
    if opened.decisions.head() is None:
        raise ModelNotFound(
            f"there is no decision on a model {model} in {place}; `registry models` lists what there is"
        )
    return opened


def _evidence(decision: NightlyDecision) -> Table:
    """Each candidate's z beside the threshold, as figures and as a bar."""
    against = "no champion" if decision.champion is None else decision.champion
    threshold = "" if decision.threshold is None else f", threshold {decision.threshold:.2f}"
    if decision.together is not None:
        threshold += f" (all together {decision.together.threshold:.2f})"
    score = decision.policy.get("score")
    table = Table(title=f"{score} against {against}{threshold}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("recipe", "version", "days", "mean", "z", ""):
        width = None if name else 2 * HALF_BAR + 1  # the chart is not to be cut
        table.add_column(name, justify="right" if name in ("days", "mean", "z") else "left", min_width=width)
    for row in decision.rows:
        for window in row.windows:
            first = window is row.windows[0]
            table.add_row(
                row.name if first else "",
                (row.version or "") if first else "",
                str(window.days),
                f"{window.mean:+.4f}",
                f"{window.z:+.2f}",
                _bar(window.z, decision.threshold),
            )
    everyone = decision.together
    if everyone is not None:
        table.add_row(
            f"all {everyone.recipes} together",
            "",
            str(everyone.days),
            f"{everyone.mean:+.4f}",
            f"{everyone.z:+.2f}",
            _bar(everyone.z, everyone.threshold),
        )
    return table


def _bar(z: float, threshold: float | None) -> str:
    """z from −4 to 4 as a bar around the middle; the threshold is marked."""
    middle = HALF_BAR
    cells = ["·"] * (2 * middle + 1)
    place = min(max(round(z * middle / 4), -middle), middle) + middle
    for at in range(min(middle, place), max(middle, place) + 1):
        cells[at] = "█"
    cells[middle] = "│"
    if threshold is not None:
        cells[min(round(threshold * middle / 4), middle) + middle] = "▏"
    return "".join(cells)
