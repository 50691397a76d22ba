"""The work pool, the deployments and the automations, written to a Prefect server; a second time changes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from flows.errors import RetrainError
from flows.operations.settings import Operations

POOL = "retrain"

ROOT = Path(__file__).resolve().parents[3]
"""The checkout: where prefect.yaml and the flows are."""


class DeployFailed(RetrainError):
    """The Prefect server does not hold what this checkout says; the message repeats what Prefect said."""


def deploy(operations: Operations, *, root: Path = ROOT) -> list[str]:
    """Make the work pool if it is not there, write deployments and automations; what was done, one line each.

    The server is the configured one (``PREFECT_API_URL``). Raises :class:`DeployFailed`.
    """
    if not (root / "prefect.yaml").exists():
        raise DeployFailed(f"{root / 'prefect.yaml'} is not there: deploy from a checkout")
    _make_pool()
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    process = subprocess.Popen(
        command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        from flows.operations.orchestrator.automations import apply

        applied = apply(operations.alert_target, held=operations.alert_held)
    finally:
        output, _ = process.communicate()
    if process.returncode:
        raise DeployFailed(f"`prefect deploy --all` ended with status {process.returncode}: {output[-1500:].strip()}")
    return [f"work pool {POOL}", "deployments of prefect.yaml", *(f"automation {name}" for name in applied)]


def _make_pool() -> None:
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        with get_client(sync_client=True) as client:
            try:
                client.read_work_pool(POOL)
            except ObjectNotFound:
                template = ProcessWorker.get_default_base_job_template()
                client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
    except httpx.HTTPError as error:
        raise DeployFailed(f"the Prefect server does not answer ({error}): check PREFECT_API_URL") from error
