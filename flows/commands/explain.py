"""``retrain explain``: why a night promoted or held, with the evidence of every recipe."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from flows.commands.existing_model import open_existing
from flows.commands.options import Json, ModelArgument, RegistryUrl
from flows.gate.nightly.decision import NightlyDecision
from flows.night.rejudge import decision_entry

HALF_BAR = 8
"""Cells of a chart on each side of zero."""


def explain(
    model: ModelArgument,
    version: Annotated[
        str | None, typer.Argument(help="The version whose promotion to explain; default: last night.")
    ] = None,
    registry: RegistryUrl = None,
    as_json: Json = False,
) -> None:
    """Why the newest night promoted or held, or why a version was promoted, with the evidence."""
    existing = open_existing(model, registry)
    entry = decision_entry(existing, version)
    record: Any = existing.decision_record(entry)
    if as_json:
        told = {"entry": entry.n, "sentence": str(entry), "detail": entry.body.get("detail"), "record": record}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    console = Console(highlight=False)
    console.print(f"decision {entry.n}, {entry.time:%Y-%m-%d %H:%M} UTC, by {entry.author}")
    console.print(str(entry), style="bold", soft_wrap=True, markup=False)
    for clause in (entry.body.get("detail") or "").split("; "):
        if clause:
            console.print(f"- {clause}", soft_wrap=True, markup=False)
    if record is not None and record.get("rule") == "nightly":
        decision = NightlyDecision.from_dict(record)
        console.print(_evidence_table(decision))
        for row in decision.rows:
            for guard in row.failed:
                name = row.name if row.version is None else f"{row.name} ({row.version})"
                console.print(f"{name} held back by {guard.name}: {guard.words}", soft_wrap=True, markup=False)


def _evidence_table(decision: NightlyDecision) -> Table:
    """Each candidate's z beside the threshold, as figures and as a bar."""
    against = decision.champion or ("no champion" if decision.threshold is None else "no skill")
    threshold = "" if decision.threshold is None else f", threshold {decision.threshold:.2f}"
    if decision.together is not None:
        threshold += f" (all together {decision.together.threshold:.2f})"
    score = decision.policy.get("score")
    table = Table(title=f"{score} against {against}{threshold}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("recipe", "version", "days", "mean", "z", ""):
        width = None if name else 2 * HALF_BAR + 1  # the chart is not to be cut
        table.add_column(name, justify="right" if name in ("days", "mean", "z") else "left", min_width=width)
    for row in decision.rows:
        windows = row.windows if row.skill is None else (row.skill,)
        for window in windows:
            first = window is windows[0]
            table.add_row(
                row.name if first else "",
                (row.version or "") if first else "",
                str(window.days),
                f"{window.mean:+.4f}",
                f"{window.z:+.2f}",
                _bar(window.z, decision.threshold),
            )
    pooled = decision.together
    if pooled is not None:
        most = f", {100 * (pooled.largest_share or 0.0):.0f} % the one ahead" if pooled.mostly_one else ""
        table.add_row(
            f"all {pooled.recipes} together{most}",
            "",
            str(pooled.days),
            f"{pooled.mean:+.4f}",
            f"{pooled.z:+.2f}",
            _bar(pooled.z, pooled.threshold),
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
