"""``--all``: the nights and the status of a fleet, in a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from flows.errors import RequestRefused


def refuse_one(options: Mapping[str, Any]) -> None:
    """:class:`RequestRefused` for an option that is of one model."""
    given = [name for name, value in options.items() if value]
    if given:
        raise RequestRefused(f"{given[0]} is of one model and does not go with --all: say it in the file of the fleet")


def run_fleet(options: Sequence[str], *, as_json: bool) -> None:
    """The nights of all models; ends with status 1 where one failed."""
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
    if as_json:
        sys.stdout.write(json.dumps([night.to_dict() for night in done], indent=2) + "\n")
    if failed:
        raise typer.Exit(1)


def show_fleet(grace: timedelta, *, check: bool, page: Path | None, as_json: bool) -> None:
    """A line a model, those first that a person should look at; with ``check`` status 1 where a night is missing or a
    registry cannot be read."""
    from flows.fleet.members import read_fleet
    from flows.fleet.overview import read_rows, write_page
    from flows.operations.settings import load_operations
    from flows.settings import load_settings
    from registry import SystemClock

    settings, now = load_settings(), SystemClock().now()
    rows = read_rows(read_fleet(Path(settings.fleet), settings), load_operations(), now=now, grace=grace)
    if page is not None:
        write_page(rows, page, now=now)
    if as_json:
        told = [
            {"model": row.member.name, "fault": row.fault, **(row.status.to_dict() if row.status else {})}
            for row in rows
        ]
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        console = Console(highlight=False, soft_wrap=True)
        for row in sorted(rows, key=lambda row: not row.calls):
            console.print(row.line, markup=False)
        if page is not None:
            console.print(f"written to {page}", markup=False)
    if check and any(row.status is None or row.status.late for row in rows):
        raise typer.Exit(1)
