"""``--all``: the nights and the status of a fleet, in a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from flows.errors import RequestRefused, RetrainError
from registry.errors import RegistryError

if TYPE_CHECKING:  # pandas and the gate take a second to import: only where a fleet is asked for
    from flows.fleet.members import Fleet
    from flows.fleet.pooled import PooledDecision


def refuse_one(options: Mapping[str, Any]) -> None:
    """:class:`RequestRefused` for an option that is of one model."""
    refuse_any(options, "is of one model and does not go with --all: say it in the file of the fleet")


def refuse_any(options: Mapping[str, Any], why: str) -> None:
    """:class:`RequestRefused` for the first of these options that is given."""
    given = [name for name, value in options.items() if value]
    if given:
        raise RequestRefused(f"{given[0]} {why}")


def run_fleet(options: Sequence[str], *, as_json: bool) -> None:
    """The nights of all models, and what their pool says; ends with status 1 where a night failed, or the pool cannot
    be judged."""
    from flows.fleet.members import read_fleet
    from flows.fleet.nights import run_nights
    from flows.settings import load_settings

    settings = load_settings()
    fleet = read_fleet(Path(settings.fleet), settings)
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    console.print(f"{len(fleet.members)} models of {fleet.path}, {fleet.at_once} at once.", markup=False)
    done = []
    for night in run_nights(fleet, options):
        done.append(night)
        console.print(f"{len(done)} of {len(fleet.members)}  {night.member.name}: {night.sentence}", markup=False)
    failed = [night.member.name for night in done if night.ended == "failed"]
    if failed:
        console.print(f"{len(failed)} failed: {', '.join(failed)}", style="bold", markup=False)
    nights = [night.to_dict() for night in done]
    pool = _pool(fleet, console, alerts="--scheduled" in options)
    if as_json:
        sys.stdout.write(json.dumps({"nights": nights, "pooled": pool.told} if pool else nights, indent=2) + "\n")
    if failed or (pool is not None and pool.decision is None):
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Pool:
    """What the pool of a fleet says, or why it says nothing (``fault``)."""

    decision: PooledDecision | None
    fault: str | None = None

    @property
    def told(self) -> dict[str, Any]:
        return {"fault": self.fault} if self.decision is None else self.decision.to_dict()

    def lines(self, fleet: Fleet) -> list[str]:
        if self.decision is None:
            return [f"! pooled: fault: {self.fault}"]
        from flows.fleet.evidence import commands_of

        commands = commands_of(fleet, self.decision)
        return [f"{'!' if commands else ' '} {self.decision}", *(f"    {each}" for each in commands)]


def _pool(fleet: Fleet, console: Console | None = None, *, alerts: bool = False) -> _Pool | None:
    """The pool of a fleet, shown on a console; None where the file asks for none. ``alerts``: tell of a proposal."""
    if fleet.budget is None:
        return None
    from flows.fleet.evidence import judge_fleet

    try:
        pool = _Pool(judge_fleet(fleet))
    except (RetrainError, RegistryError) as error:
        pool = _Pool(None, str(error))
    lines = pool.lines(fleet)
    if console is not None:
        for line in lines:
            console.print(line, markup=False)
    if alerts and lines[0].startswith("!"):
        from flows.operations.alerts.notifier import Notifier
        from flows.operations.settings import load_operations
        from registry import SystemClock

        kind = "retrain.failed" if pool.decision is None else "candidate.waiting"
        Notifier("fleet", load_operations()).send_occurrence(kind, "\n".join(lines), now=SystemClock().now())
    return pool


def pool_again(path: Path) -> None:
    """Judge the pool again from the entries that a past decision names, as ``--json`` printed it; status 1 where it
    comes out otherwise."""
    from flows.fleet.evidence import judge_fleet
    from flows.fleet.members import read_fleet
    from flows.settings import load_settings

    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        told = told.get("pooled", told)
        basis, digest = told["basis"], told["sha256"]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise RequestRefused(
            f"{path} is no pooled decision as `retrain status --all --json` prints it: {error}"
        ) from error
    settings = load_settings()
    again = judge_fleet(read_fleet(Path(settings.fleet), settings), basis)
    same = again is not None and again.digest == digest
    sys.stdout.write(f"{'the same' if same else 'not the same'}: {again}\n")
    if not same:
        raise typer.Exit(1)


def watch_all(at: datetime | None, *, tell: bool) -> bool:
    """A line a model; whether a person should look at any."""
    from flows.fleet.members import read_fleet
    from flows.fleet.watching import watch_fleet
    from flows.settings import load_settings
    from registry import SystemClock

    settings, console = load_settings(), Console(highlight=False, soft_wrap=True)
    calls = False
    fleet = read_fleet(Path(settings.fleet), settings)
    for seen in watch_fleet(fleet, at or SystemClock().now(), as_of=at, tell=tell):
        console.print(seen.line, markup=False)
        calls = calls or seen.calls
    return calls


def show_plan(*, as_json: bool) -> None:
    """The next night of each model in the order in which they start; nothing is run, no registry is asked."""
    from flows.fleet.members import read_fleet
    from flows.fleet.planning import plan_nights
    from flows.operations.settings import load_operations
    from flows.settings import load_settings
    from registry import SystemClock

    settings = load_settings()
    fleet = read_fleet(Path(settings.fleet), settings)
    nights = plan_nights(fleet, load_operations(), SystemClock().now())
    if as_json:
        sys.stdout.write(json.dumps([night.to_dict() for night in nights], indent=2) + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    where = f"on the cluster at {fleet.dask}" if fleet.dask else f"{fleet.at_once} at once"
    spread = f", begun over {fleet.spread_minutes:g} minutes" if fleet.spread_minutes else ""
    console.print(f"{len(nights)} models of {fleet.path}, {where}{spread}.", markup=False)
    for night in nights:
        console.print(night.line, markup=False)


def show_fleet(grace: timedelta, *, check: bool, page: Path | None, as_json: bool) -> None:
    """A line a model, those first that a person should look at; with ``check`` status 1 where a night is missing or a
    registry cannot be read."""
    from flows.fleet.members import read_fleet
    from flows.fleet.overview import read_rows, write_page
    from flows.operations.settings import load_operations
    from flows.settings import load_settings
    from registry import SystemClock

    settings, now = load_settings(), SystemClock().now()
    fleet = read_fleet(Path(settings.fleet), settings)
    rows = read_rows(fleet, load_operations(), now=now, grace=grace)
    pool = None if check else _pool(fleet)
    if page is not None:
        write_page(rows, page, now=now, pooled=() if pool is None else pool.lines(fleet))
    if as_json:
        told = [
            {"model": row.member.name, "fault": row.fault, **(row.status.to_dict() if row.status else {})}
            for row in rows
        ]
        sys.stdout.write(json.dumps({"models": told, "pooled": pool.told} if pool else told, indent=2) + "\n")
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in () if pool is None else pool.lines(fleet):
            console.print(line, markup=False)
        for row in sorted(rows, key=lambda row: not row.calls):
            console.print(row.line, markup=False)
        if page is not None:
            console.print(f"written to {page}", markup=False)
    if check and any(row.status is None or row.status.late for row in rows):
        raise typer.Exit(1)
