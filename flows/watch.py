"""The hourly DAG: is the champion still good, and are the bars there? It sends an alert when a fault begins or ends."""

from __future__ import annotations

from datetime import datetime

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.monitoring.health import Health, health_now
from flows.operations.status.watching import watch_champion
from flows.settings import load_settings
from registry import SystemClock

examine_as_task = task(name="examine the champion", task_run_name="examine the champion", cache_policy=NO_CACHE)(
    health_now
)


@flow(name="watch", flow_run_name="watch", persist_result=False)
def watch(as_of: datetime | None = None) -> State[Health | None]:
    """What is wrong with the champion or its bars; None while production is empty."""
    job = plan(RetrainRequest(as_of=as_of), load_settings())
    health = watch_champion(job, as_of or SystemClock().now(), examine=examine_as_task)
    return Completed(message="production is empty" if health is None else str(health), data=health)
