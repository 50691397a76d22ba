"""The nightly flow with everything that surrounds it, at a moment that the test chooses; deployed by test_up.py."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from clocks import FixedClock
from prefect import flow
from prefect.states import Completed

from flows.night import run
from flows.operations.attending import attended, by_schedule
from flows.settings import RetrainRequest, load_settings


class StandingClock(FixedClock):
    """The moment ``TEST_NOW``, while real waiting goes on."""

    def sleep(self, seconds: float) -> None:
        import time

        time.sleep(seconds)


@flow(name="retrain", persist_result=False)
def retrain(request: RetrainRequest = RetrainRequest()) -> Any:  # noqa: B008
    clock = StandingClock(datetime.fromisoformat(os.environ["TEST_NOW"]))
    with attended(request, scheduled=by_schedule(), clock=clock) as tonight:
        if tonight.covered is not None:
            return Completed(name="Covered", message=tonight.covered)
        tonight.outcome = run(tonight.request, load_settings(), clock=clock)
        return Completed(message="already decided" if tonight.outcome.already_decided else "trained")
