"""``retrain status``: champion, last night, bars and next run on one screen."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.commands.fleet_nights import pool_again, refuse_one, show_fleet
from flows.commands.options import All, Json, ModelOption, RegistryUrl
from flows.errors import RequestRefused
from flows.operations.settings import load_operations
from flows.operations.status.status import read_status
from flows.settings import load_settings
from registry import SystemClock
from registry.commands.typed import as_typed


def status(
    registry: RegistryUrl = None,
    model: ModelOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Print one line; status 1 where a night is missing (for cron, monitoring).")
    ] = False,
    grace_hours: Annotated[float, typer.Option(min=0, help="How late a night may be for --check.")] = 6.0,
    everyone: All = False,
    again: Annotated[
        Path | None, typer.Option("--again", help="With --all: judge the pool again from what this --json file names.")
    ] = None,
    page: Annotated[Path | None, typer.Option("--page", help="With --all: write them on this page, too.")] = None,
    as_json: Json = False,
) -> None:
    """Champion, last night, bars, next run: one screen, from the registry alone."""
    if again is not None and not everyone:
        raise RequestRefused("--again is of all models: add --all")
    if everyone:
        refuse_one({"--registry": registry, "--model": model})
        if again is not None:
            pool_again(again)
            return
        show_fleet(timedelta(hours=grace_hours), check=check, page=page, as_json=as_json)
        return
    if page is not None:
        raise RequestRefused("--page is of all models: add --all")
    settings = load_settings()
    if registry is not None:
        settings = settings.model_copy(update={"registry": registry})
    report = read_status(
        settings,
        load_operations(),
        now=SystemClock().now(),
        grace=timedelta(hours=grace_hours),
        model=model,
        with_bars=not check,
    )
    if as_json:
        sys.stdout.write(json.dumps(report.to_dict(), indent=2) + "\n")
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in [report.check_line] if check else report.lines:
            console.print(as_typed(line), markup=False)
    if check and report.late:
        raise typer.Exit(1)
