"""The reliability chart: what was said against how often it came, by tenths of the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.report.charts.drawing import empty_chart, legend, name_axes
from flows.report.charts.palette import BLUE, MUTED, RED
from flows.report.data import Reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability_chart(reliability: Reliability) -> Figure | None:
    """Score and probability of each tenth against the share that went up, with two standard errors; None without."""
    rows = reliability.rows
    if not rows:
        return None
    figure, (axes,) = empty_chart(width=4.8, height=3.6)
    up, errors = [row.up for row in rows], [2.0 * row.error for row in rows]
    said = {"score": [row.score for row in rows], "probability": [row.probability for row in rows]}
    ends = [min(map(min, [up, *said.values()])), max(map(max, [up, *said.values()]))]
    axes.plot(ends, ends, color=MUTED.light, linewidth=1.0, label="as said")
    axes.errorbar(said["score"], up, errors, color=RED.light, marker="o", markersize=4, linestyle="none", label="score")
    axes.plot(
        said["probability"], up, color=BLUE.light, marker="D", markersize=5, linestyle="none", label="probability"
    )
    name_axes(axes, x="said", y="share of bars that went up")
    legend(axes)
    return figure
