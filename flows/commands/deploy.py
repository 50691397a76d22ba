"""``retrain deploy``: work pool, deployments and automations on the configured Prefect server."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from flows.fleet.members import read_fleet
from flows.operations.api import answers, configured_api, shown
from flows.operations.orchestrator.deployments import DeployFailed
from flows.operations.orchestrator.deployments import deploy as run
from flows.operations.settings import load_operations
from flows.settings import load_settings


def deploy() -> None:
    """Write work pool, deployments and automations to the configured Prefect server; a second run changes nothing."""
    api = configured_api()
    if api is None:
        raise DeployFailed("no Prefect server is configured: set PREFECT_API_URL, or use `retrain up`")
    if not answers(api):
        raise DeployFailed(f"the Prefect server at {shown(api)} does not answer: start it, or correct PREFECT_API_URL")
    settings = load_settings()
    fleet = Path(settings.fleet)
    hours = [settings.traded.hours]
    if fleet.exists():  # what is wrong with it is said here, not every night
        hours = [member.settings.traded.hours for member in read_fleet(fleet, settings).members]
    for line in run(load_operations(), hours=hours, fleet=fleet.exists()):
        Console(highlight=False, soft_wrap=True).print(line, markup=False)
