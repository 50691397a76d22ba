"""The commands of ``retrain`` that look after nights which run by themselves; registered by :mod:`flows.cli`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from registry.clock import SystemClock

RegistryUrl = Annotated[str | None, typer.Option("--registry", help="Folder or s3:// root (RETRAIN_REGISTRY).")]
ModelName = Annotated[str | None, typer.Option("--model", help="Name of the model (RETRAIN_MODEL).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the server.")] = 4200,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    home: Annotated[str, typer.Option(help="Folder of the server's database and logs.")] = ".retrain/prefect",
) -> None:
    """Prefect server, deployments, automations and a worker; Ctrl-C stops all of it."""
    from flows.operations.orchestrator.up import Place
    from flows.operations.orchestrator.up import up as run
    from flows.operations.settings import load_operations

    operations = load_operations()
    console = Console(highlight=False, soft_wrap=True)
    if operations.alert_target is None:
        console.print("Nobody is told of anything: RETRAIN_ALERT_URL is not set (docs/operations.md).")
    run(Place(Path(home).absolute(), host, port), lambda line: console.print(line, markup=False), SystemClock())


def deploy() -> None:
    """Work pool, deployments and automations on the configured Prefect server; again changes nothing."""
    from flows.operations.api import configured_api
    from flows.operations.orchestrator.deployments import DeployFailed
    from flows.operations.orchestrator.deployments import deploy as run
    from flows.operations.settings import load_operations

    if configured_api() is None:
        raise DeployFailed("no Prefect server is configured: set PREFECT_API_URL, or use `retrain up`")
    for line in run(load_operations()):
        Console(highlight=False, soft_wrap=True).print(line, markup=False)


def status(
    registry: RegistryUrl = None,
    model: ModelName = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say one line; status 1 where a night is missing (for cron, monitoring).")
    ] = False,
    grace_hours: Annotated[float, typer.Option(min=0, help="How late a night may be for --check.")] = 6.0,
    as_json: Json = False,
) -> None:
    """Champion, last night, bars, next run: one screen, from the registry alone."""
    from datetime import timedelta

    from flows.operations.settings import load_operations
    from flows.operations.status.status import look
    from flows.settings import load_settings

    seen = look(
        load_settings(),
        load_operations(),
        now=SystemClock().now(),
        grace=timedelta(hours=grace_hours),
        registry=registry,
        model=model,
        with_bars=not check,
    )
    if as_json:
        sys.stdout.write(json.dumps(seen.to_dict(), indent=2) + "\n")
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in [seen.check_line] if check else seen.lines:
            console.print(line, markup=False)
    if check and seen.late:
        raise typer.Exit(1)


def doctor(registry: RegistryUrl = None, model: ModelName = None, as_json: Json = False) -> None:
    """Whatever could keep the nights from running, and how to mend it; status 1 where something is wrong."""
    from flows.operations.doctor.checks import examine
    from flows.operations.settings import load_operations
    from flows.settings import load_settings

    found = examine(load_settings(), load_operations(), now=SystemClock().now(), registry=registry, model=model)
    if as_json:
        sys.stdout.write(json.dumps([each.to_dict() for each in found], indent=2) + "\n")
    else:
        console = Console(highlight=False, soft_wrap=True)
        for each in found:
            for line in each.lines:
                console.print(line, markup=False)
    if any(each.verdict == "wrong" for each in found):
        raise typer.Exit(1)


def alert_test(model: ModelName = None) -> None:
    """Send one alert of each kind, the way the nights would."""
    from flows.operations.alerts.selftest import send_one_of_each
    from flows.operations.settings import load_operations
    from flows.settings import load_settings

    said = send_one_of_each(load_settings().named(model), load_operations(), now=SystemClock().now())
    Console(highlight=False, soft_wrap=True).print(said, markup=False)
