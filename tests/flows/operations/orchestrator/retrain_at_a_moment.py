"""The nightly flow at the moment ``TEST_NOW``, while real waiting goes on; deployed by test_up.py."""

from __future__ import annotations

import os
import time
from datetime import datetime

from flows.operations.runs import unattended
from flows.retrain import retrain as retrain  # the flow itself: what is deployed
from tests.clocks import FixedClock


class StandingClock(FixedClock):
    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


# a worker starts the flow in a process of its own, where a clock cannot be handed in
unattended.SystemClock = lambda: StandingClock(datetime.fromisoformat(os.environ["TEST_NOW"]))  # type: ignore[misc,assignment,return-value]  # the run's clock stands still
