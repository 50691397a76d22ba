"""``retrain dossier``: one document about the champion for whoever reviews a model, as HTML or JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.commands.options import BarsUrl, Json, ModelArgument, RegistryUrl
from flows.job.plan import plan
from flows.job.request import moment, request
from flows.report.dossier.writing import make_dossier
from flows.report.writing import check_model, write_file
from flows.settings import load_settings
from registry import Registry
from registry.commands.options import on_this_machine


def dossier(
    model: ModelArgument,
    at: Annotated[str | None, typer.Option(help="A past day (its close) or moment; default: now.")] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            callback=on_this_machine, help="The file to write; default MODEL-dossier.html in RETRAIN_REPORTS."
        ),
    ] = None,
    data: BarsUrl = None,
    registry: RegistryUrl = None,
    as_json: Json = False,
) -> None:
    """What a model-risk reviewer asks of the champion, from what is recorded: one HTML file, or JSON."""
    settings = load_settings()
    place = registry or settings.registry
    check_model(Registry(place).model(model), place, data or settings.data)  # before the bars, which take longer
    job = plan(request(data=data, registry=registry, model=model), settings)
    made, page = make_dossier(job, job.open_model(), None if at is None else moment(at, settings.traded.hours))
    if as_json:
        typer.echo(json.dumps(made.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    if html is not None or not as_json:
        path = html or Path(job.reports).expanduser() / f"{job.model}-dossier.html"
        write_file(path, page.encode())
        Console(highlight=False, stderr=as_json).print(f"written to {path}", soft_wrap=True, markup=False)
