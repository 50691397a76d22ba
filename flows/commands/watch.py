"""``retrain watch``: is the champion still good, and are the bars there?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from flows.commands.fleet_nights import refuse_one, watch_all
from flows.commands.options import All, AsOf, BarsUrl, RegistryUrl
from flows.job.plan import plan
from flows.job.request import moment, request
from flows.operations.status.watching import champion_health, watch_champion
from flows.settings import load_settings
from registry import SystemClock

ALARMED = 10
"""Exit status where something is wrong."""


def watch(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Name of the model (RETRAIN_MODEL).")] = None,
    data: BarsUrl = None,
    registry: RegistryUrl = None,
    as_of: AsOf = None,
    tell: Annotated[bool, typer.Option(help="For cron: alert where something begins or ends.")] = False,
    everyone: All = False,
) -> None:
    """Is the champion still good, and are the bars there? Ends with status 10 where something is wrong."""
    settings = load_settings()
    at = None if as_of is None else moment(as_of, settings.traded.hours)
    if everyone:
        refuse_one({"MODEL": model, "--data": data, "--registry": registry})
        if watch_all(at, tell=tell):
            raise typer.Exit(ALARMED)
        return
    job = plan(request(as_of=at, data=data, registry=registry, model=model), load_settings())
    health = (watch_champion if tell else champion_health)(job, at or SystemClock().now())
    console = Console(highlight=False)
    if health is None:
        console.print(f"{job.model}: production is empty, there is nothing to watch")
        return
    console.print(f"{job.model}: {health}", soft_wrap=True, markup=False)
    if health.alarms:
        raise typer.Exit(ALARMED)
