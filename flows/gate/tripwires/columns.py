"""The wire of the columns: how well one input alone tells the next label.

An input that holds the future need not show it as it stands. Next close is a price level like any other, but its
distance from the present close is the next move; an average shifted one bar early shows it in how its change changes.
So each input is looked at in four forms (:data:`FORMS`), over all bars and over each run of 20 trading days: a feed
that leaks since last month is hidden in the figure of three years.

The area under the ROC curve (AUC) is 0.5 for an input that tells nothing, and as far below as above for one that tells
the opposite. Of n bars, of which u went up and d did not, it has a standard error of √((n + 1) / (12·u·d)) where
nothing is told (Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the
other", Annals of Mathematical Statistics 18, 1947). Real inputs do tell something, so the bound is a margin above one
half and, above that, what chance adds. docs/gate.md says what real years reach.

Labels over a horizon of several bars overlap: neighbours tell of nearly the same move. What chance adds is then that of
as many labels as stand beside each other, n over the horizon, so over a day little is too good to be true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.gate.tripwires.wire import TrippedWire, one_sided

MARGIN = 0.05
"""How far an AUC may truly be from one half. The simulated sample, which holds a signal to be learnt, reaches 0.036
over all its bars; three real years reach 0.016."""

CHANCE = 4.0
"""Standard errors that chance may add to it."""

RUN_DAYS = 20
"""Trading days of a run: as many as a version is looked at before it is promoted."""

FEWEST_BARS = 500
"""A shorter run says too little."""


@dataclass(frozen=True, eq=False)
class LabelledBars:
    """Bars in order of time, all of shape (n_bars,). ``label``: 0 or 1, NaN where it is not known or the bar does not
    count. ``day``: the trading day, never going back. ``close``: the price that the label is about."""

    label: Floats
    day: npt.NDArray[np.datetime64]
    close: Floats
    horizon: int = 1
    """Bars that a label tells of."""


def tripped_columns(inputs: Mapping[str, Floats], bars: LabelledBars) -> list[TrippedWire]:
    """The inputs whose AUC is above the bound in some form and span, each once, at its worst.

    ``inputs``: name → values of shape (n_bars,); a value that is not finite is left out.
    """
    everywhere = list(spans(bars))
    tripped = []
    for name, values in inputs.items():
        found = [
            finding
            for words, form in forms(values, bars.close).items()
            for finding in _over_bound(name, words, form, bars, everywhere)
        ]
        if found:
            tripped.append(max(found, key=lambda wire: wire.figure - wire.bound))
    return tripped


def auc(values: Floats, label: Floats) -> float | None:
    """Area under the ROC curve of ``values`` (n,) against labels of 0 and 1 (n,); ties count half. None where the
    labels are all of one kind."""
    up = label == 1.0
    ups, others = np.sort(values[up]), np.sort(values[~up])
    if not ups.size or not others.size:
        return None
    below = np.searchsorted(others, ups, "left").sum() + np.searchsorted(others, ups, "right").sum()
    return float(below / 2.0) / (float(ups.size) * float(others.size))


def auc_bound(label: Floats, horizon: int = 1) -> float:
    """What the AUC against these labels, each of ``horizon`` bars, may reach, the greater of it and one minus it."""
    ups = float(label.sum())
    error = np.sqrt((label.size + 1.0) / (12.0 * ups * (label.size - ups)))
    return float(0.5 + MARGIN + CHANCE * error * np.sqrt(horizon))


def forms(values: Floats, close: Floats) -> dict[str, Floats]:
    """An input in the forms in which it may hold the next move."""
    change = _change(values)
    return {
        "as it stands": values,
        "as its distance from the close": values - close,
        "as its change from the bar before": change,
        "as the change of its change": _change(change),
    }


def _change(values: Floats) -> Floats:
    return np.concatenate([[np.nan], np.diff(values)])


def spans(bars: LabelledBars) -> Iterator[tuple[str, slice]]:
    """All bars, and each run of trading days, counted from the newest: in words, and where they are."""
    days = np.unique(bars.day[~np.isnan(bars.label)])
    yield "all there are", slice(0, bars.day.size)
    for end in range(days.size, 0, -RUN_DAYS):
        first, last = days[max(end - RUN_DAYS, 0)], days[end - 1]
        begin, stop = np.searchsorted(bars.day, first), np.searchsorted(bars.day, last, side="right")
        yield f"{first} to {last}", slice(int(begin), int(stop))


def _over_bound(
    name: str, form: str, values: Floats, bars: LabelledBars, among: list[tuple[str, slice]]
) -> Iterator[TrippedWire]:
    usable = np.isfinite(values + bars.label)
    for span, at in among:
        label = bars.label[at][usable[at]]
        area = auc(values[at][usable[at]], label)
        if area is None or label.size < FEWEST_BARS:
            continue
        figure, bound = max(area, 1.0 - area), auc_bound(label, bars.horizon)
        if figure > bound:
            words = (
                f"the column {name} tells the next label by itself: AUC {figure:.3f} {form} over {label.size:,} bars "
                f"({span}), where {bound:.3f} is the bound{one_sided(label)}"
            )
            yield TrippedWire("column", name, figure, bound, label.size, words)
