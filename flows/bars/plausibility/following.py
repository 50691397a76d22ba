"""What a column holds that bears an indicator's name and does not follow from the prices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.arrays import Floats, Mask
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars, written_step

WARM_UP = 460
"""Rows after which a recomputed value no longer depends on what it began with: every value of the real years follows to
the last digit written (5e-11) from there on."""

ENOUGH = 30
"""Rows that are explained; fewer are single slips."""

_SHARE = 0.9  # of the rows that an explanation must fit


def report(check: Check, bars: SeenBars, name: str, judged: Mask, wrong: Mask) -> Iterator[BarFinding]:
    """A finding where any row is ``wrong``, of those ``judged``: refused if what the column holds is known to be
    something else, else a question. Both masks of shape (n,)."""
    if not wrong.any():
        return
    count = f"{int(wrong.sum()):,} of {int(judged.sum()):,} values of {name} do not follow from the prices"
    what = _explanation(bars, name, wrong) if wrong.sum() >= ENOUGH and bars.has_prices else None
    if what is None:
        yield bars.finding(check, "question", wrong, f"{count} by any known definition")
    else:
        yield bars.finding(check, "refuse", wrong, f"{count}: {what}")


def _explanation(bars: SeenBars, name: str, wrong: Mask) -> str | None:
    """What the column holds in the year with most wrong rows, if it is one of the usual mistakes."""
    years, counts = np.unique(bars.year[wrong], return_counts=True)
    year = int(years[np.argmax(counts)])
    rows = np.flatnonzero(wrong & (bars.year == year))
    rows = rows[(rows > WARM_UP) & (rows < wrong.size - 2)]
    if rows.size < ENOUGH:
        return None
    values, where = bars.columns[name], f" in {year}" if np.unique(bars.year).size > 1 else ""
    right = bars.recomputed[name]
    tolerance = _tolerance(values)
    for text, held in _usual(bars, name):
        if np.mean(np.abs(values[rows] - held[rows]) <= tolerance) >= _SHARE:
            return f"{text}{where}"
    ratio = values[rows] / np.where(right[rows] == 0, np.nan, right[rows])
    factor = float(np.nanmedian(ratio))
    if np.mean(np.abs(ratio / factor - 1) < 1e-6) >= _SHARE and abs(factor - 1) > 1e-6:
        return f"it is in other units{where}, {factor:.6g} times as large"
    return None


def _tolerance(values: Floats) -> float:
    return max(1e-6 * float(np.median(np.abs(values))), 1.5 * written_step(values))


def _usual(bars: SeenBars, name: str) -> Iterator[tuple[str, Floats]]:
    """What a column may hold instead of its own values, and how to say so: shape (n,) each."""
    right, close = bars.recomputed[name], bars.close
    yield "it holds the value of the next bar, which is the future", _shifted(right, -1)
    yield "it holds the value of the second next bar, which is the future", _shifted(right, -2)
    yield "it holds the value of the bar before", _shifted(right, 1)
    yield "it holds the next close, which is the future", _shifted(close, -1)
    following = _shifted(close, -1)
    yield "it holds the next return, which is the future", following / close - 1
    yield "it holds the next move, which is the future", following - close
    yield "it holds the next label, which is the future", (following > close).astype(np.float64)
    for other, values in bars.recomputed.items():
        if other != name:
            yield f"it holds {other}: the names of the columns are mixed up", values
    for other in bars.prices:
        yield f"it holds {other}: the names of the columns are mixed up", bars.columns[other]


def _shifted(values: Floats, rows: int) -> Floats:
    """The value ``rows`` rows before, NaN where there is none."""
    shifted = np.full(values.size, np.nan)
    if rows > 0:
        shifted[rows:] = values[:-rows]
    else:
        shifted[:rows] = values[-rows:]
    return shifted
