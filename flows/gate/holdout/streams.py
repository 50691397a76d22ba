"""A holdout judges predictions on the same bars; these checks refuse everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.arrays import Mask
from flows.errors import GateRefused
from flows.gate.holdout.paired import Days


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of one recipe's version, or of a reference, on the judged bars.

    ``p``: shape (n_bars,), the probability of "up"; it says "up" where ``p > cut``. ``version`` is None before the
    model is registered, and for a reference.
    """

    name: str
    fingerprint: str
    p: npt.NDArray[np.floating[Any]]
    cut: float
    version: str | None = None

    @property
    def up(self) -> Mask:
        """Where it says "up", of shape (n_bars,)."""
        up: Mask = np.greater(self.p, self.cut)
        return up


def check_candidates(candidates: Sequence[Predictions]) -> None:
    """:class:`~flows.errors.GateRefused` where there is none, or two share a name: the winner is named by it."""
    names = [stream.name for stream in candidates]
    if not names:
        raise GateRefused("there are no candidates to judge: name at least one recipe")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise GateRefused(f"two candidates are called {', '.join(twice)}: give each recipe a name of its own")


def check_labels(label: npt.NDArray[Any], day: Days) -> None:
    """:class:`~flows.errors.GateRefused` unless every bar has a label of 0 or 1 and a trading day, in order of time."""
    if label.ndim != 1 or label.dtype.kind not in "biuf":
        raise GateRefused(
            f"the labels are {label.dtype} of shape {label.shape}: give one 0 or 1 a bar, of shape (n_bars,)"
        )
    if label.size == 0:
        raise GateRefused("the holdout has no bars: choose a range that holds some")
    wrong = np.flatnonzero(~np.isin(label, (0, 1)))
    if wrong.size:
        raise GateRefused(
            f"{wrong.size:,} of {label.size:,} labels are neither 0 nor 1, the first at bar {wrong[0]} "
            f"({label[wrong[0]]}): judge only bars whose label is known"
        )
    if day.shape != label.shape or day.dtype != np.dtype("datetime64[D]"):
        raise GateRefused(
            f"the days are {day.dtype} of shape {day.shape} beside {label.size:,} labels: "
            "give each bar its trading day as datetime64[D]"
        )
    if np.isnat(day).any():
        raise GateRefused(f"bar {np.flatnonzero(np.isnat(day))[0]} has no trading day: leave out bars of no day")
    back = np.flatnonzero(day[1:] < day[:-1])
    if back.size:
        raise GateRefused(
            f"the days go back at bar {back[0] + 1} (from {day[back[0]]} to {day[back[0] + 1]}): sort the bars by time"
        )


def check_stream(stream: Predictions, *, bars: int) -> None:
    """:class:`~flows.errors.GateRefused` unless every bar has a probability and the cut is one."""
    if stream.p.shape != (bars,) or stream.p.dtype.kind != "f":
        raise GateRefused(
            f"{stream.name} has {stream.p.dtype} of shape {stream.p.shape} for {bars:,} bars: "
            "score every stream on the same bars, one probability a bar"
        )
    wrong = np.flatnonzero(~((stream.p >= 0.0) & (stream.p <= 1.0)))
    if wrong.size:
        raise GateRefused(
            f"{wrong.size:,} of {bars:,} scores of {stream.name} are missing or outside 0 to 1, the first "
            f"at bar {wrong[0]} ({stream.p[wrong[0]]}): a bar without a usable score cannot be judged"
        )
    if not 0.0 <= stream.cut <= 1.0:
        raise GateRefused(f"the cut of {stream.name} is {stream.cut}: give a probability from 0 to 1")
