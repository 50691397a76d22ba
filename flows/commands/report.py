"""``retrain report``: the evolution report of a model as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.commands.options import BarsUrl, ModelArgument, RegistryUrl
from flows.job.plan import plan
from flows.job.request import moment, request
from flows.report.writing import check_model, write_report
from flows.settings import load_settings
from registry import Registry, SystemClock
from registry.commands.options import on_this_machine


def report(
    model: ModelArgument,
    out: Annotated[
        Path | None,
        typer.Option(callback=on_this_machine, help="The file to write; default MODEL.html in RETRAIN_REPORTS."),
    ] = None,
    data: BarsUrl = None,
    registry: RegistryUrl = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="The day (its close) or moment that it describes; default now, or the last bar's."),
    ] = None,
) -> None:
    """What is in production, is it still good, would it have earned anything, and why: one HTML file."""
    settings = load_settings()
    place = registry or settings.registry
    check_model(Registry(place).model(model), place, data or settings.data)  # before the bars, which take longer
    at = None if as_of is None else moment(as_of, settings.traded.hours)
    job = plan(request(as_of=at, data=data, registry=registry, model=model), settings)
    now = at or (None if job.simulated else SystemClock().now())  # the sample never grows: it has no today
    path = write_report(job, job.open_model(), now=now, out=out)
    Console(highlight=False).print(f"written to {path}", soft_wrap=True, markup=False)
