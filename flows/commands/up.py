"""``retrain up``: Prefect's server, deployments, automations and a worker, in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.operations.orchestrator.up import Place
from flows.operations.orchestrator.up import up as run
from flows.operations.settings import load_operations
from registry import SystemClock
from registry.commands.options import on_this_machine
from registry.commands.settings_file import settings_folder

HOME = ".retrain/prefect"


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the server.")] = 4200,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    home: Annotated[
        Path | None,
        typer.Option(
            callback=on_this_machine,
            show_default=".retrain/prefect",
            help="Folder of the server's database and logs.",
        ),
    ] = None,
) -> None:
    """Prefect server, deployments, automations and a worker; Ctrl-C stops all of it."""
    operations = load_operations()
    console = Console(highlight=False, soft_wrap=True)
    if operations.alert_target is None:
        console.print("No alert is sent: RETRAIN_ALERT_URL is not set (docs/operations.md).")
    place = Place((home or settings_folder() / HOME).absolute(), host, port)
    run(place, lambda line: console.print(line, markup=False), SystemClock())
