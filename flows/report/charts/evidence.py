"""The charts of a decision: tonight's evidence against the threshold, and how it came to be over the nights.

Each gives a figure; :mod:`.drawing` makes SVG or PNG of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from flows.report.charts.drawing import date_axis, date_numbers, empty_chart, legend, line_style, name_axes
from flows.report.charts.palette import BLUE, GREEN, INK, MUTED, ORANGE, RED
from flows.report.decisions import DecisionSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NightLine = tuple[list[str], list[float | None]]
"""Nights and a value each; None where the line is broken."""


def evidence_tonight(decision: DecisionSummary) -> Figure | None:
    """Each challenger's largest z as a bar beside the threshold; None where no window was full yet."""
    shown = [each for each in decision.standings if each.z is not None]
    if not shown or decision.threshold is None:
        return None
    figure, (axes,) = empty_chart(height=0.95 + 0.32 * len(shown))
    axes.grid(visible=False)
    colours = [_bar_colour(each.z or 0.0, decision.threshold, each.held_back_by) for each in shown]
    axes.barh([each.name for each in shown], [each.z or 0.0 for each in shown], color=colours, height=0.6)
    for row, each in enumerate(shown):
        _label(axes, f"{each.z or 0.0:+.2f}", max(each.z or 0.0, 0.0), row)
    axes.axvline(0.0, color=MUTED.light, linewidth=0.8)
    axes.axvline(decision.threshold, color=RED.light, linewidth=1.6, linestyle="dashed")
    axes.set_title(f"threshold {decision.threshold:.2f}", x=1.0, ha="right", fontsize=10, color=RED.light, loc="right")
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelcolor=INK.light)
    low = min([0.0, *(each.z or 0.0 for each in shown)])
    axes.set_xlim(low - 0.3, max(decision.threshold, *(each.z or 0.0 for each in shown)) + 0.6)
    name_axes(axes, x=f"z against {decision.champion} (no unit)")
    return figure


def first_scores(decision: DecisionSummary) -> Figure | None:
    """What each recipe's stream scored before there was a champion, as a bar; None where there was one, or no score."""
    shown = [each for each in decision.standings if each.lead is not None]
    if not shown or decision.champion is not None or decision.score is None:
        return None
    best = max(each.lead or 0.0 for each in shown)
    figure, (axes,) = empty_chart(height=0.95 + 0.32 * len(shown))
    axes.grid(visible=False)
    leads = [each.lead or 0.0 for each in shown]
    colours = [GREEN.light if lead == best else BLUE.light for lead in leads]
    axes.barh([each.name for each in shown], leads, color=colours, height=0.6)
    for row, lead in enumerate(leads):
        _label(axes, f"{lead:+.4f}", max(lead, 0.0), row)
    axes.axvline(0.0, color=MUTED.light, linewidth=0.8)
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelcolor=INK.light)
    span = max(best, 0.0) - min(0.0, *leads)
    axes.set_xlim(min(0.0, *leads) - 0.05 * span, max(best, 0.0) + 0.2 * span)
    name_axes(axes, x=f"{decision.score} a bar, on bars it was not trained on")
    return figure


def evidence_over_nights(told: Sequence[DecisionSummary]) -> Figure | None:
    """Each challenger's largest z night by night, with the threshold; None with fewer than two nights of evidence."""
    lines = evidence_lines(told)
    nights = sorted({night for line in lines.values() for night in line[0]})
    if len(nights) < 2:
        return None
    figure, (axes,) = empty_chart(height=3.2)
    for number, (name, (days, values)) in enumerate(lines.items()):
        axes.plot(date_numbers(days), _nan(values), label=name, linewidth=1.8, marker=".", **line_style(number))
    days, values = threshold_line(told)
    axes.plot(
        date_numbers(days), _nan(values), label="threshold", color=RED.light, linewidth=1.6, linestyle=(0, (5, 2))
    )
    axes.axhline(0.0, color=MUTED.light, linewidth=0.8)
    for each in told:
        if each.kind in ("promoted", "returned") and each.night is not None:
            axes.axvline(date_numbers([each.night])[0], color=INK.light, linewidth=0.8, linestyle="dotted")
    date_axis(axes)
    name_axes(axes, x="night (trading day)", y="largest z (no unit)")
    legend(axes)
    return figure


def evidence_lines(told: Sequence[DecisionSummary]) -> dict[str, NightLine]:
    """The largest z of each challenger by night, broken wherever evidence began afresh."""
    lines: dict[str, NightLine] = {}
    for each in told:
        for standing in each.standings:
            if standing.z is not None and each.threshold is not None and each.night is not None:
                days, values = lines.setdefault(standing.name, ([], []))
                days.append(each.night)
                values.append(standing.z)
        if each.ends_evidence:
            _break(lines.values())
    return lines


def threshold_line(told: Sequence[DecisionSummary]) -> NightLine:
    """The threshold by night, where a champion was judged against it."""
    days = [(each.night, each.threshold) for each in told if each.night is not None and each.threshold is not None]
    return [night for night, _ in days], [threshold for _, threshold in days]


def _break(lines: Iterable[NightLine]) -> None:
    for days, values in lines:
        if days and values[-1] is not None:
            days.append(days[-1])
            values.append(None)


def _label(axes: Axes, text: str, end: float, row: int) -> None:
    """A bar's figure, beside its end."""
    axes.annotate(text, (end, row), (4, 0), textcoords="offset points", va="center", fontsize=10, color=INK.light)


def _nan(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _bar_colour(z: float, threshold: float, held_back_by: tuple[str, ...]) -> str:
    if z > threshold:
        return ORANGE.light if held_back_by else GREEN.light
    return BLUE.light
