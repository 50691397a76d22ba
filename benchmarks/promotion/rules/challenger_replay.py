"""Challengers replay what the champion was asked since it was deployed; once a week the one with the better metric on
that takes its place.

The source shows both figures and leaves the choice to a person; here the higher figure decides.
"""

from __future__ import annotations

from benchmarks.promotion.night import Night

NAME = "challenger replay"
SOURCE = (
    "DataRobot, [Challengers](https://docs.datarobot.com/en/docs/workbench/nxt-console/nxt-mitigation/"
    "nxt-challengers.html)"
)
WEEK = 5


def decide(night: Night) -> int | None:
    if night.number % WEEK or night.since < WEEK:
        return None
    mean = night.leads[:, -night.since :].mean(axis=1)
    return int(mean.argmax()) if mean.max() > 0.0 else None
