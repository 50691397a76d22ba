"""The picture of ``docs/promotion-rules.md``: a row a rule, a panel a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from benchmarks.gate.figures import Figure
from benchmarks.promotion.page import OURS
from benchmarks.promotion.results import Result
from benchmarks.promotion.simulated import FALL, NIGHTS

PICTURE = Path(__file__).parents[2] / "docs" / "promotion-rules.svg"
OURS_COLOUR, COLOUR, INK, GRID = "#0072B2", "#777777", "#222222", "#dddddd"
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "promotion", "font.sans-serif": ["DejaVu Sans"], "font.size": 10}
DECADES = (0.01, 0.1, 1.0, 10.0, 100.0)
LEAST = DECADES[0]
"""Promotions a year are drawn on a logarithmic scale, which ends here."""


@dataclass(frozen=True)
class Panel:
    """``beyond``: the end of what was simulated; what lies beyond it is drawn there as an arrow."""

    title: str
    figure: Callable[[Result], Figure | None]
    beyond: float = np.inf
    logarithmic: bool = False
    zero: bool = False


def _net(result: Result) -> Figure | None:
    return None if result.real is None else result.real.net_pips


PANELS = (
    Panel("promotions a year\nfor nothing", lambda each: each.simulated and each.simulated.false, logarithmic=True),
    Panel("nights to see one\nbetter by 1 point", lambda each: each.simulated and each.simulated.better, NIGHTS),
    Panel(
        "nights to see the champion\nfall by 2 points",
        lambda each: each.simulated and each.simulated.fall,
        NIGHTS - FALL.fall_night,
    ),
    Panel(
        "real years: net pips a bar,\n0.8 pips a change of side",
        _net,
        zero=True,
    ),
)


def draw(results: Sequence[Result], path: Path = PICTURE) -> None:
    """Writes the picture as SVG; the same results give the same bytes."""
    with mpl.rc_context(STYLE):
        drawing = Drawing(figsize=(11.0, 0.9 + 0.34 * len(results)), layout="constrained")
        for axes, panel in zip(drawing.subplots(1, len(PANELS), sharey=True), PANELS, strict=True):
            _draw(axes, panel, results)
            axes.set_yticks(range(len(results)), [each.rule.name for each in results], color=INK)
            axes.set_ylim(len(results) - 0.4, -0.6)
        drawing.savefig(path, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})


def _draw(axes: Axes, panel: Panel, results: Sequence[Result]) -> None:
    axes.set_title(panel.title, loc="left", fontsize=10, color=INK)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.tick_params(length=0, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if panel.logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(LEAST / 1.5, 500.0)
        axes.set_xticks(DECADES, [f"{decade:g}" for decade in DECADES])
        axes.minorticks_off()
    elif np.isfinite(panel.beyond):
        axes.set_xlim(-0.06 * panel.beyond, 1.06 * panel.beyond)
    if panel.zero:
        axes.axvline(0.0, color=INK, linewidth=0.8)
    for row, each in enumerate(results):
        figure = panel.figure(each)
        if figure is not None:
            _point(axes, panel, row, figure, OURS_COLOUR if each.rule.name == OURS else COLOUR)


def _point(axes: Axes, panel: Panel, row: int, figure: Figure, colour: str) -> None:
    least = LEAST if panel.logarithmic else -np.inf
    value, low, high = (min(max(x, least), panel.beyond) for x in (figure.value, figure.low, figure.high))
    axes.plot([low, high], [row, row], color=colour, linewidth=2.0)
    marker = "o" if np.isfinite(figure.value) and figure.value >= least else ">" if figure.value > least else "<"
    axes.plot([value], [row], marker=marker, markersize=6, color=colour)
