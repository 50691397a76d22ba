"""Trading rules are data: they say when the sides of a stream become a position, in one line that the policy records.

    always                                  long where the version says "up", else short
    aside 0.3 0.7                           long above the quantile 0.7 of the stream's scores, short below 0.3
    enter 0.8 leave 0.5                     long from above 0.8 until at or under 0.5; short from under 0.2 until 0.5
    hold 8                                  what is entered is kept for 8 bars at least
    hours 03:00-12:00                       out of the market outside of these hours of New York
    enter 0.8 leave 0.5, hold 4, hours 03:00-12:00

Quantiles are among the stream's own last 2,000 scores before the bar, as the gate ranks them
(:func:`flows.gate.scoring.scores.trailing_rank`); a bar without rank has no position. ``aside 0 0.8`` is never short,
``aside 0.2 1`` never long. ``always`` asks no rank: the side is that of the version's cut.

Nothing is decided in the rollover hour: a position is kept through it, unless the rule's hours end before. Where the
bar before is missing, it was closed, and the rule begins anew. What positions come to: :mod:`flows.pnl.account`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.trading_days import NEW_YORK
from flows.errors import GateRefused, RequestRefused
from flows.pnl.account import Positions, TradedBars

EXAMPLE = "enter 0.8 leave 0.5, hold 4, hours 03:00-12:00"
LONGEST_HOLD = 960
"""Bars: ten trading days."""

_NUMBER = r"(\d+(?:\.\d+)?)"
_ASIDE = re.compile(rf"aside {_NUMBER} {_NUMBER}")
_ENTER = re.compile(rf"enter {_NUMBER} leave {_NUMBER}")
_HOLD = re.compile(r"hold (\d{1,4})")
_HOURS = re.compile(r"hours (\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True)
class TradingRule:
    """Long above the quantile ``high``, short below ``low``; both 0.5: always in the market, on the side of the cut.
    ``leave``: a long position is left at or under this quantile, a short one at or over one minus it; None: as soon as
    it would not be entered. ``hold``: bars that a position is kept for at least. ``hours``: of New York, in whole
    quarters, ``03:00-12:00``; outside of them there is no position."""

    low: float = 0.5
    high: float = 0.5
    leave: float | None = None
    hold: int = 1
    hours: str | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.low <= self.high <= 1.0:
            raise RequestRefused(
                f"no rule is long above {self.high} and short below {self.low}: give quantiles from 0 to 1, "
                "the lower one first"
            )
        if self.leave is not None and not max(self.low, 1.0 - self.high) <= self.leave <= self.high:
            raise RequestRefused(
                f"a position entered beyond {self.high} cannot be left at {self.leave}: give a quantile from "
                f"{max(self.low, 1.0 - self.high):g} to {self.high:g}"
            )
        if isinstance(self.hold, bool) or not 1 <= self.hold <= LONGEST_HOLD:
            raise RequestRefused(f"a position held for {self.hold} bars is out of range: give 1 to {LONGEST_HOLD}")
        if self.hours is not None:
            _quarters(self.hours)

    @classmethod
    def parse(cls, text: str) -> TradingRule:
        """The rule in a text; :class:`RequestRefused` names the part that is none."""
        values: dict[str, Any] = {}
        for part in (" ".join(each.split()) for each in text.split(",")):
            found = _values(part)
            if found is None or found.keys() & values.keys():
                raise RequestRefused(f"trading rule {text!r}: {part!r} is no part of one: write always, or {EXAMPLE!r}")
            values |= found
        return cls(**values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TradingRule:
        """The rule that :meth:`to_dict` wrote; :class:`RequestRefused` where it holds anything else."""
        try:
            return cls(**values)
        except TypeError as error:
            raise RequestRefused(f"{str(values)[:200]} is no trading rule ({error})") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON: what is not as in ``always``."""
        usual = asdict(ALWAYS)
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    def __str__(self) -> str:
        parts = []
        if self.leave is not None:
            parts.append(f"enter {self.high:g} leave {self.leave:g}")
        elif not self.always:
            parts.append(f"aside {self.low:g} {self.high:g}")
        if self.hold > 1:
            parts.append(f"hold {self.hold}")
        if self.hours is not None:
            parts.append(f"hours {self.hours}")
        return ", ".join(parts) or "always"

    @property
    def always(self) -> bool:
        """Whether the side is that of the version's cut, and no rank is asked for."""
        return self.low == self.high == 0.5 and self.leave is None

    def positions(self, bars: TradedBars, *, up: Mask, rank: Floats) -> Positions:
        """The position on each bar: −1, 0 or 1, shape (n_bars,).

        ``up``: the side by the version's cut. ``rank``: −1 lowest to 1 highest of the stream's scores, NaN where it is
        not known. Both of shape (n_bars,).

        Raises :class:`GateRefused` for lengths that differ.
        """
        if not up.shape == rank.shape == (len(bars.opens),):
            raise GateRefused(
                f"{len(bars.opens)} bars, {up.shape} sides and {rank.shape} ranks: hand in one of each a bar"
            )
        signals = self._signals(up, rank)
        inside = self._inside(bars.opens)
        asleep, fresh = bars.rollover & inside, ~bars.follows
        if self.hold > 1:
            return _kept_for(self.hold, signals & inside, asleep, fresh | ~inside)
        stops = fresh | ~inside
        enters, leaves = signals[:2] & inside & ~asleep, signals[2:] & ~asleep
        long, short = (_latch(enter, leave | stops) for enter, leave in zip(enters, leaves, strict=True))
        return long.astype(np.int8) - short.astype(np.int8)

    def _signals(self, up: Mask, rank: Floats) -> Mask:
        """Where to enter long, to enter short, to leave long, to leave short: shape (4, n_bars)."""
        if self.always:
            return np.stack([up, ~up, ~up, up])
        enter = np.stack([rank > 2.0 * self.high - 1.0, rank < 2.0 * self.low - 1.0])
        if self.leave is None:
            return np.concatenate([enter, ~enter])
        stay = np.stack([rank > 2.0 * self.leave - 1.0, rank < 1.0 - 2.0 * self.leave])
        return np.concatenate([enter, ~stay])  # a rank that is not known stays nowhere

    def _inside(self, opens: pd.DatetimeIndex) -> Mask:
        """The bars that open in the rule's hours: shape (n_bars,)."""
        if self.hours is None:
            return np.ones(len(opens), np.bool_)
        first, end = _quarters(self.hours)
        clock = opens.tz_convert(NEW_YORK)
        quarter = np.asarray(clock.hour * 4 + clock.minute // 15)
        return np.asarray((quarter - first) % 96 < (end - first) % 96)


ALWAYS = TradingRule()


def _latch(enter: Mask, leave: Mask) -> Mask:
    """On from a bar that enters until one that leaves; a bar that does both enters."""
    event = enter | leave
    event[:1] = True
    last = np.maximum.accumulate(np.where(event, np.arange(event.size), 0))
    return np.asarray(enter[last])


def _kept_for(bars: int, signals: Mask, asleep: Mask, stops: Mask) -> Positions:
    """As the signals say, but what was entered stays for so many bars at least, unless it is stopped."""
    position = np.zeros(asleep.size, np.int8)
    enters_long, enters_short, leaves_long, leaves_short = signals.tolist()
    held = since = 0
    for at, (stopped, waits) in enumerate(zip(stops.tolist(), asleep.tolist(), strict=True)):
        before = held = 0 if stopped else held
        if not waits and (held == 0 or at - since >= bars):
            if enters_long[at]:
                held = 1
            elif enters_short[at]:
                held = -1
            elif leaves_long[at] if held > 0 else leaves_short[at]:
                held = 0
        since = at if held != before else since
        position[at] = held
    return position


def _values(part: str) -> dict[str, Any] | None:
    """The fields that one part of a rule sets; None where it is no part."""
    if part == "always":
        return {"low": 0.5, "high": 0.5}
    if (aside := _ASIDE.fullmatch(part)) is not None:
        return {"low": float(aside[1]), "high": float(aside[2])}
    if (enter := _ENTER.fullmatch(part)) is not None:
        return {"low": round(1.0 - float(enter[1]), 12), "high": float(enter[1]), "leave": float(enter[2])}
    if (hold := _HOLD.fullmatch(part)) is not None:
        return {"hold": int(hold[1])}
    return {"hours": part.removeprefix("hours ")} if _HOURS.fullmatch(part) is not None else None


def _quarters(hours: str) -> tuple[int, int]:
    """The first quarter of the day inside of ``03:00-12:00``, and the first after it."""
    found = _HOURS.fullmatch(f"hours {hours}")
    parts = [] if found is None else [int(each) for each in found.groups()]
    ends = [parts[0] * 4 + parts[1] // 15, parts[2] * 4 + parts[3] // 15] if parts else [0, 0]
    if not parts or max(ends) > 96 or parts[1] % 15 or parts[3] % 15 or ends[0] % 96 == ends[1] % 96:
        raise RequestRefused(f"the hours {hours!r} are none: write two quarters of an hour of New York, 03:00-12:00")
    return ends[0], ends[1]
