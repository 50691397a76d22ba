"""``retrain deploy``: work pool, deployments and automations on the configured Prefect server."""

from __future__ import annotations

from rich.console import Console

from flows.operations.api import configured_api
from flows.operations.orchestrator.deployments import DeployFailed
from flows.operations.orchestrator.deployments import deploy as run
from flows.operations.settings import load_operations


def deploy() -> None:
    """Write work pool, deployments and automations to the configured Prefect server; a second run changes nothing."""
    if configured_api() is None:
        raise DeployFailed("no Prefect server is configured: set PREFECT_API_URL, or use `retrain up`")
    for line in run(load_operations()):
        Console(highlight=False, soft_wrap=True).print(line, markup=False)
