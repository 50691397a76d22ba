"""The charts of a decision: tonight's evidence beside the threshold, and the evidence night by night.

Each function returns a figure; :mod:`.drawing` turns it into SVG or PNG.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from flows.report.charts.drawing import date_axis, date_numbers, empty_chart, legend, line_style, name_axes
from flows.report.charts.palette import BLUE, GREEN, INK, MUTED, ORANGE, RED
from flows.report.decisions import ChallengerStanding, DecisionSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NightLine = tuple[list[str], list[float | None]]
"""Nights and a value each; None where the line is broken."""


def evidence_tonight(decision: DecisionSummary) -> Figure | None:
    """Each challenger's largest z as a bar beside the threshold; None where no window was full yet."""
    standings = [standing for standing in decision.standings if standing.z is not None]
    if not standings or decision.threshold is None:
        return None
    figure, (axes,) = empty_chart(height=0.95 + 0.32 * len(standings))
    axes.grid(visible=False)
    z = [standing.z or 0.0 for standing in standings]
    colours = [_bar_colour(standing, decision.threshold) for standing in standings]
    axes.barh([standing.name for standing in standings], z, color=colours, height=0.6)
    for row, value in enumerate(z):
        _label(axes, f"{value:+.2f}", max(value, 0.0), row)
    axes.axvline(0.0, color=MUTED.light, linewidth=0.8)
    axes.axvline(decision.threshold, color=RED.light, linewidth=1.6, linestyle="dashed")
    axes.set_title(f"threshold {decision.threshold:.2f}", x=1.0, ha="right", fontsize=10, color=RED.light, loc="right")
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelcolor=INK.light)
    axes.set_xlim(min([0.0, *z]) - 0.3, max(decision.threshold, *z) + 0.6)
    name_axes(axes, x=f"z against {decision.champion} (no unit)")
    return figure


def first_scores(decision: DecisionSummary) -> Figure | None:
    """What each recipe's stream scored before there was a champion, as a bar; None where there was one, or no score."""
    standings = [standing for standing in decision.standings if standing.lead is not None]
    if not standings or decision.champion is not None or decision.score is None:
        return None
    leads = [standing.lead or 0.0 for standing in standings]
    best = max(leads)
    figure, (axes,) = empty_chart(height=0.95 + 0.32 * len(standings))
    axes.grid(visible=False)
    colours = [GREEN.light if lead == best else BLUE.light for lead in leads]
    axes.barh([standing.name for standing in standings], leads, color=colours, height=0.6)
    for row, lead in enumerate(leads):
        _label(axes, f"{lead:+.4f}", max(lead, 0.0), row)
    axes.axvline(0.0, color=MUTED.light, linewidth=0.8)
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelcolor=INK.light)
    span = max(best, 0.0) - min(0.0, *leads)
    axes.set_xlim(min(0.0, *leads) - 0.05 * span, max(best, 0.0) + 0.2 * span)
    name_axes(axes, x=f"{decision.score} a bar of its recipe's walk-forward")
    return figure


def evidence_over_nights(decisions: Sequence[DecisionSummary]) -> Figure | None:
    """Each challenger's largest z night by night, with the threshold; None with fewer than two nights of evidence."""
    lines = evidence_lines(decisions)
    nights = sorted({night for line in lines.values() for night in line[0]})
    if len(nights) < 2:
        return None
    figure, (axes,) = empty_chart(height=3.2)
    for number, (name, (days, values)) in enumerate(lines.items()):
        axes.plot(date_numbers(days), _nan(values), label=name, linewidth=1.8, marker=".", **line_style(number))
    days, values = threshold_line(decisions)
    axes.plot(
        date_numbers(days), _nan(values), label="threshold", color=RED.light, linewidth=1.6, linestyle=(0, (5, 2))
    )
    axes.axhline(0.0, color=MUTED.light, linewidth=0.8)
    for decision in decisions:
        if decision.kind in ("promoted", "returned") and decision.night is not None:
            axes.axvline(date_numbers([decision.night])[0], color=INK.light, linewidth=0.8, linestyle="dotted")
    date_axis(axes)
    name_axes(axes, x="night (trading day)", y="largest z (no unit)")
    legend(axes)
    return figure


def evidence_lines(decisions: Sequence[DecisionSummary]) -> dict[str, NightLine]:
    """The largest z of each challenger by night, broken wherever evidence began afresh."""
    lines: dict[str, NightLine] = {}
    for decision in decisions:
        for standing in decision.standings:
            if standing.z is not None and decision.threshold is not None and decision.night is not None:
                days, values = lines.setdefault(standing.name, ([], []))
                days.append(decision.night)
                values.append(standing.z)
        if decision.ends_evidence:
            _break(lines.values())
    return lines


def threshold_line(decisions: Sequence[DecisionSummary]) -> NightLine:
    """The threshold by night, where a champion was judged against it."""
    judged = [decision for decision in decisions if decision.night is not None and decision.threshold is not None]
    return [decision.night or "" for decision in judged], [decision.threshold for decision in judged]


def _break(lines: Iterable[NightLine]) -> None:
    for days, values in lines:
        if days and values[-1] is not None:
            days.append(days[-1])
            values.append(None)


def _label(axes: Axes, text: str, end: float, row: int) -> None:
    """The figure of a bar, next to its end."""
    axes.annotate(text, (end, row), (4, 0), textcoords="offset points", va="center", fontsize=10, color=INK.light)


def _nan(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _bar_colour(standing: ChallengerStanding, threshold: float) -> str:
    if (standing.z or 0.0) > threshold:
        return ORANGE.light if standing.held_back_by else GREEN.light
    return BLUE.light
