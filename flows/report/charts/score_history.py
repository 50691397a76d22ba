"""The chart of the champion's score over time, with the level of the watch below it, for print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flows.report.charts.drawing import date_axis, date_numbers, empty_chart, legend, line_style, name_axes
from flows.report.charts.palette import BLUE, INK, MUTED, RED
from flows.report.data import DailyLine, Quality

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUN_DAYS = 20
"""Trading days of the running mean: about a month."""

FEWEST_DAYS = 5
"""Days that a running mean begins with."""


def score_chart(quality: Quality) -> Figure | None:
    """Running means of the daily score; None where there is no day to draw."""
    lines = [quality.earlier, quality.since, *quality.references]
    if not any(running_mean(line).days for line in lines):
        return None
    rows = (2.2, 1.0) if quality.cusum.values else (1.0,)
    figure, axes = empty_chart(width=7.4, height=4.6 if quality.cusum.values else 3.2, rows=rows)
    top = axes[0]
    for number, line in enumerate(nonzero_references(quality), start=1):
        mean = running_mean(line)
        top.plot(date_numbers(mean.days), mean.values, label=line.name, linewidth=1.1, **line_style(number))
    for line, dash in ((quality.earlier, "dotted"), (quality.since, "solid")):
        mean = running_mean(line)
        top.plot(date_numbers(mean.days), mean.values, label=line.name, color=BLUE.light, linewidth=2.2, linestyle=dash)
    if quality.baseline is not None:
        top.axhline(quality.baseline, color=INK.light, linewidth=1.0, linestyle="dashed", label="baseline")
    top.axhline(0.0, color=MUTED.light, linewidth=0.8)
    name_axes(top, y=f"{quality.score} a bar, {RUN_DAYS}-day mean")
    legend(top, columns=4)
    if quality.cusum.values and quality.threshold is not None:
        level = axes[1]
        level.plot(date_numbers(quality.cusum.days), quality.cusum.values, color=BLUE.light, linewidth=1.8)
        level.axhline(quality.threshold, color=RED.light, linewidth=1.6, linestyle="dashed")
        level.set_ylim(0.0, max(quality.threshold, *quality.cusum.values) * 1.12)
        name_axes(level, y="CUSUM (no unit)")
    date_axis(axes[-1])
    top.set_xlim(*date_numbers(initial_span(quality)))
    name_axes(axes[-1], x="trading day")
    return figure


def nonzero_references(quality: Quality) -> list[DailyLine]:
    """The references without the one that scores zero on every day: the zero line is drawn anyway."""
    return [line for line in quality.references if any(line.values)]


def initial_span(quality: Quality) -> tuple[str, str]:
    """First and last day of the chart before anyone zooms: those of the rows and since the promotion, about a year."""
    since = quality.since.days[:1] + ((quality.rows_since,) if quality.rows_since is not None else ())
    days = quality.earlier.days + quality.since.days
    return min(since, default=days[0]), days[-1]


def running_mean(line: DailyLine, days: int = RUN_DAYS) -> DailyLine:
    """The mean of the last ``days`` days, from the fifth day on."""
    values = np.asarray(line.values, dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(FEWEST_DAYS, values.size + 1)
    start = np.maximum(end - days, 0)
    means = (sums[end] - sums[start]) / (end - start)
    return DailyLine(line.name, line.days[FEWEST_DAYS - 1 :], tuple(means.tolist()))
