"""The tree of an expression: which operations there are, what each may hold, how it is spelled and stored.

Stored as JSON: a column is its name, a number is a number, anything else a list that begins with its operation, as in
``["lag", "rsi_14", 1]`` or ``["at", "1h", ["mean", "close_15m", 10]]``. What is read back is checked as what is
written by hand: an archive may come from anybody.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from registry.errors import InvalidRequest

COLUMN = re.compile(r"(?:[A-Z][A-Z0-9]{1,19}\.)?[A-Za-z_][A-Za-z0-9_]{0,63}")
"""Of the bars themselves, or, behind its symbol, of another instrument: ``EURUSD.close_15m``."""

LONGER = {"30m": 30, "1h": 60, "2h": 120, "3h": 180, "4h": 240, "6h": 360, "8h": 480, "12h": 720, "1d": 1440}
"""The longer bars that ``at`` may name, in minutes: all divide a trading day."""

MOST_NODES = 100
"""Of one feature: ten times what one that anybody can explain has."""

MOST_WINDOW = 5_000
"""Bars of one window: ten weeks of 15 minutes."""

MOST_BARS = 50_000
"""Bars that one feature may look back on: two years of 15 minutes, which a caller would have to hand in."""

EMA_TOLERANCE = 1e-12
"""Share of the weight of an exponential average that lies before the bars it is taken over."""

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_PRECEDENCE = {**dict.fromkeys(COMPARISONS, 1), "+": 2, "-": 2, "*": 3, "/": 3, "negative": 4}
_LEAF = 5
WORDS = ("hour", "weekday", "minutes_to_close")
"""Operations without arguments: what the clock says when the bar opens or closes."""

WINDOWS = {"lag": 1, "diff": 1, "return": 1, "mean": 1, "std": 2, "min": 1, "max": 1, "zscore": 2, "ema": 1}
"""Operations on an expression and a number of bars, with the least that makes sense."""

ONE_BAR = ("diff", "return")
"""Windows whose number of bars may be left out: it is 1."""

FUNCTIONS = (*WINDOWS, "log", "clip", "at")


@dataclass(frozen=True)
class Expression:
    """One node and what it is made of. ``operation``: a sign of arithmetic or comparison, a name of :data:`FUNCTIONS`
    or :data:`WORDS`, ``negative``, ``column`` or ``number``. ``of``: the expressions it is applied to; ``numbers``:
    its value, its bars or its bounds; ``name``: of a column, or of the longer bar.

    Raises :class:`InvalidRequest` for numbers that make no sense together, or an expression that is too large.
    """

    operation: str
    of: tuple[Expression, ...] = ()
    numbers: tuple[float, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        if any(not math.isfinite(number) for number in self.numbers):
            raise InvalidRequest(f"{self.operation} holds {self.numbers[0]}: write a finite number")
        if self.operation in WINDOWS:
            self._check_window()
        if self.operation == "clip" and not self.numbers[0] < self.numbers[1]:
            low, high = map(spelled, self.numbers)
            raise InvalidRequest(f"clip(…, {low}, {high}) has no room between its bounds: write the lower one first")
        if self.operation == "at":
            self._check_longer()
        if self.nodes > MOST_NODES:
            raise InvalidRequest(f"a feature has {self.nodes} parts: write at most {MOST_NODES}, or two features")
        if self.bars > MOST_BARS:
            raise InvalidRequest(
                f"a feature looks back on {self.bars:,} bars: use shorter windows, at most {MOST_BARS:,} bars together"
            )

    def _check_window(self) -> None:
        least, (count,) = WINDOWS[self.operation], self.numbers
        if count != int(count) or not least <= count <= MOST_WINDOW:
            raise InvalidRequest(
                f"{self.operation}(…, {spelled(count)}) is no window: write a whole number of bars from {least} to "
                f"{MOST_WINDOW:,} (what is to come cannot be read)"
            )

    def _check_longer(self) -> None:
        if self.name not in LONGER:
            raise InvalidRequest(f"at({self.name[:20]!r}, …) names no longer bar: write one of {', '.join(LONGER)}")
        if any(part.operation == "at" for part in self.of[0].parts):
            raise InvalidRequest("at(…) stands inside another at(…): name the longest bar once")

    @property
    def parts(self) -> Iterator[Expression]:
        """This expression and everything in it."""
        yield self
        for part in self.of:
            yield from part.parts

    @cached_property
    def nodes(self) -> int:
        """How many parts there are."""
        return 1 + sum(part.nodes for part in self.of)

    @cached_property
    def bars(self) -> int:
        """Bars that a value takes, its own among them, if those of ``at`` are of 15 minutes; see :meth:`bars_of`."""
        return self.bars_of(15)

    def bars_of(self, minutes: int) -> int:
        """Bars of this many minutes that a value takes, its own among them."""
        if self.operation == "at":
            ratio = max(LONGER[self.name] // minutes, 1)
            return self.of[0].bars_of(LONGER[self.name]) * ratio + ratio - 1
        inner = max((part.bars_of(minutes) for part in self.of), default=1)
        if self.operation in ("lag", "diff", "return"):
            return inner + int(self.numbers[0])
        if self.operation == "ema":
            return inner + ema_bars(int(self.numbers[0])) - 1
        return inner + int(self.numbers[0]) - 1 if self.operation in WINDOWS else inner

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads, in order of first use."""
        return tuple(dict.fromkeys(part.name for part in self.parts if part.operation == "column"))

    @cached_property
    def needs_times(self) -> bool:
        """Whether it reads when bars opened: for the clock, for longer bars, or to know that a window has no gap."""
        return self.bars > 1 or any(part.operation in (*WORDS, "at") for part in self.parts)

    def __str__(self) -> str:
        """Its one canonical spelling, which parses to this tree."""
        if self.operation == "column":
            return self.name
        if self.operation == "number":
            return spelled(self.numbers[0])
        if self.operation in WORDS:
            return self.operation
        if self.operation == "negative":
            return f"-{self._inside(0, _PRECEDENCE['negative'])}"
        if self.operation in _PRECEDENCE:
            own = _PRECEDENCE[self.operation]
            left = self._inside(0, own + (self.operation in COMPARISONS))
            return f"{left} {self.operation} {self._inside(1, own + 1)}"
        given = [f'"{self.name}"'] if self.name else []
        default = self.operation in ONE_BAR and self.numbers == (1.0,)
        given += [*map(str, self.of), *([] if default else map(spelled, self.numbers))]
        return f"{self.operation}({', '.join(given)})"

    def _inside(self, place: int, least: int) -> str:
        part = self.of[place]
        text = str(part)
        return text if _PRECEDENCE.get(part.operation, _LEAF) >= least else f"({text})"

    def to_json(self) -> Any:
        """The form that a version stores; :meth:`from_json` reads it."""
        if self.operation == "column":
            return self.name
        if self.operation == "number":
            return plain(self.numbers[0])
        named = [self.name] if self.name else []
        return [self.operation, *named, *(part.to_json() for part in self.of), *map(plain, self.numbers)]

    @classmethod
    def from_json(cls, value: Any, depth: int = 0) -> Self:
        """The tree that :meth:`to_json` wrote; :class:`InvalidRequest` for anything else."""
        if isinstance(value, str) and COLUMN.fullmatch(value):
            return cls("column", name=value)
        if _is_number(value):
            return cls("number", numbers=(float(value),))
        if depth > MOST_NODES:
            raise InvalidRequest(f"a stored feature is more than {MOST_NODES} levels deep")
        if not isinstance(value, list) or not value or not isinstance(value[0], str):
            raise InvalidRequest(f"a stored feature holds a {type(value).__name__} that is no expression")
        operation, *given = value
        named = operation == "at"
        inner, numbers = shape_of(operation)
        if len(given) != named + inner + numbers or not all(map(_is_number, given[named + inner :])):
            raise InvalidRequest(f"a stored feature holds {operation} of {len(given)} parts, which is no expression")
        parts = tuple(cls.from_json(part, depth + 1) for part in given[named : named + inner])
        name = str(given[0]) if named else ""
        return cls(operation, parts, tuple(float(number) for number in given[named + inner :]), name)


def shape_of(operation: str) -> tuple[int, int]:
    """How many expressions and how many numbers an operation takes; :class:`InvalidRequest` where there is none such.

    Columns and numbers are no operations here: they have a form of their own.
    """
    if operation in WINDOWS:
        return 1, 1
    if operation in WORDS:
        return 0, 0
    known = {"negative": (1, 0), "log": (1, 0), "at": (1, 0), "clip": (1, 2)}
    known |= {sign: (2, 0) for sign in _PRECEDENCE if sign != "negative"}
    if operation not in known:
        raise InvalidRequest(f"there is no operation {operation[:60]!r} in a feature")
    return known[operation]


def ema_bars(span: int) -> int:
    """Bars over which ``ema`` is taken: the share of the weight before them is below :data:`EMA_TOLERANCE`."""
    if span == 1:
        return 1
    return math.ceil(math.log(EMA_TOLERANCE) / math.log1p(-2.0 / (span + 1.0)))


def plain(number: float) -> float | int:
    """A whole number as one, which JSON and people write without a point."""
    return int(number) if number == int(number) and abs(number) < 2**53 else number


def spelled(number: float) -> str:
    """A number as it is written in an expression."""
    return repr(plain(number)) if math.isfinite(number) else str(number)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53)
