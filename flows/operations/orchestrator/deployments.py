"""The work pool, the deployments and the automations, written to a Prefect server; a second time changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml  # Prefect's own; prefect.yaml is read by the same

from flows.errors import RetrainError
from flows.instruments import GBPUSD_M15, TradingHours
from flows.operations.orchestrator.pauses import STAYS, Pauses, read_pauses
from flows.operations.orchestrator.schedules import scheduled
from flows.operations.settings import Operations

POOL = "retrain"

# the command, with the packages imported before it puts the working folder before all others to import the flows: a
# folder of the user's that is called flows must not be taken for the package
_PREFECT = "import flows, registry, runpy; runpy.run_module('prefect', run_name='__main__', alter_sys=True)"

_PACKAGE = Path(__file__).resolve().parents[2]


class DeployFailed(RetrainError):
    """The Prefect server does not hold what this installation says; the message repeats what Prefect said."""


def deploy(
    operations: Operations,
    *,
    hours: Sequence[TradingHours] = (GBPUSD_M15.hours,),
    fleet: bool = False,
    package: Path = _PACKAGE,
) -> list[str]:
    """Make the work pool if it is not there, write deployments and automations; what was done, one line each.

    ``hours``: of the instruments whose nights they are. ``fleet``: there is a file of a fleet, whose deployment then
    has the schedules that *nightly* has else. What a person paused on the server stays so: see
    :mod:`flows.operations.orchestrator.pauses`.

    Runs will work in the checkout, where ``package`` (the folder ``flows``) is in one, else in the present folder. The
    server is the configured one (``PREFECT_API_URL``). Raises :class:`DeployFailed`.
    """
    described, folder = _description(package)
    pauses = _make_pool()
    with tempfile.TemporaryDirectory() as temporary:
        written = Path(temporary) / "prefect.yaml"
        deployments = scheduled(yaml.safe_load(described.read_text(encoding="utf-8")), hours, fleet=fleet)
        written.write_text(json.dumps(pauses.applied(deployments)))  # JSON is YAML
        command = [sys.executable, "-P", "-c", _PREFECT, "--no-prompt", "deploy", "--all"]
        command += ["--prefect-file", str(written)]
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            from flows.operations.orchestrator.automations import apply

            applied = apply(operations.alert_target, held=operations.alert_held)
        finally:
            output, _ = process.communicate()
    if process.returncode:
        raise DeployFailed(f"`prefect deploy --all` ended with status {process.returncode}: {output[-1500:].strip()}")
    done = [f"work pool {POOL}", "deployments of prefect.yaml", *(f"automation {name}" for name in applied)]
    return [*done, *pauses.sentences(), *(f"automation {name} {STAYS}" for name, on in applied.items() if not on)]


def _description(package: Path) -> tuple[Path, Path]:
    """``prefect.yaml``, of the checkout or packed into a wheel, and the folder that runs work in."""
    checkout = package.parent
    if (checkout / "prefect.yaml").exists():
        return checkout / "prefect.yaml", checkout
    packed = package / "prefect.yaml"
    if not packed.exists():
        raise DeployFailed(f"neither {checkout / 'prefect.yaml'} nor {packed} is there: install champion-gate again")
    return packed, Path.cwd()


def _make_pool() -> Pauses:
    """Makes the work pool where there is none; what is paused on the server."""
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
            return read_pauses(client, POOL)
    except httpx.HTTPError as error:
        raise DeployFailed(f"the Prefect server does not answer ({error}): check PREFECT_API_URL") from error
