"""The charts of a decision: tonight's evidence beside the threshold, and the evidence night by night.

Each function returns a figure; :mod:`.drawing` turns it into SVG or PNG.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from flows.pnl.account import SURE, PipsResult
from flows.report.charts.drawing import date_axis, date_numbers, empty_chart, legend, line_style, name_axes
from flows.report.charts.palette import BLUE, GREEN, INK, MUTED, ORANGE, RED
from flows.report.decisions import ChallengerStanding, DecisionSummary
from flows.report.number_format import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NightLine = tuple[list[str], list[float | None]]
"""Nights and a value each; None where the line is broken."""


def evidence_tonight(decision: DecisionSummary) -> Figure | None:
    """Each challenger's lead over the champion with its 95 % interval, and where its promotion begins; None where no
    window was full yet.

    The threshold is one z for all; it stands at another lead for each, as their days vary differently.
    """
    standings = [standing for standing in decision.standings if standing.z is not None and standing.error is not None]
    if not standings or decision.threshold is None:
        return None
    figure, (axes,) = empty_chart(height=1.35 + 0.45 * len(standings))
    axes.grid(visible=False)
    for row, standing in enumerate(standings):
        lead, error = standing.lead or 0.0, standing.error or 0.0
        colour = _colour(standing, decision.threshold)
        _interval(axes, lead, SURE * error, row, colour)
        begins = decision.threshold * error
        label = f"promoted above z {decision.threshold:.2f}" if row == 0 else None
        axes.plot([begins, begins], [row - 0.3, row + 0.3], color=RED.light, linewidth=2.2, label=label)
        axes.annotate(
            f"z {signed(standing.z or 0.0, 2)}",
            (lead, row),
            (0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=10,
            color=INK.light,
        )
    _rows(axes, [standing.name for standing in standings])
    axes.margins(x=0.12)
    legend(axes)
    name_axes(axes, x=f"lead over {decision.champion}, {decision.score} a bar (95 % interval)")
    return figure


def first_scores(decision: DecisionSummary) -> Figure | None:
    """What each recipe's stream scored before there was a champion, with its 95 % interval beside zero, which is no
    skill; None where there was one, or no score."""
    standings = [standing for standing in decision.standings if standing.lead is not None]
    if not standings or decision.champion is not None or decision.score is None:
        return None
    best = max(standing.lead or 0.0 for standing in standings)
    figure, (axes,) = empty_chart(height=1.0 + 0.36 * len(standings))
    axes.grid(visible=False)
    for row, standing in enumerate(standings):
        lead, half = standing.lead or 0.0, SURE * (standing.error or 0.0)
        _interval(axes, lead, half, row, GREEN.light if lead == best else BLUE.light)
        _label(axes, signed(lead, 4), lead + half, row)
    _rows(axes, [standing.name for standing in standings])
    axes.margins(x=0.12)
    name_axes(axes, x=f"{decision.score} a bar of its recipe's walk-forward (95 % interval; 0 is no skill)")
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


def _interval(axes: Axes, value: float, half: float, row: int, colour: str) -> None:
    """A dot with its interval."""
    axes.errorbar([value], [row], xerr=[half], color=colour, marker="o", markersize=6, linewidth=2.0, capsize=3)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """Names down the side, the first on top, and the line of zero."""
    axes.axvline(0.0, color=MUTED.light, linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.6)
    axes.tick_params(axis="y", labelcolor=INK.light)


def _colour(standing: ChallengerStanding, threshold: float) -> str:
    if (standing.z or 0.0) > threshold:
        return ORANGE.light if standing.held_back_by else GREEN.light
    return BLUE.light


def earned_tonight(results: Sequence[PipsResult]) -> Figure | None:
    """Net pips a bar of the champion and the baselines on the same bars, with 95 % intervals; None without any.

    ``results``: the champion's first.
    """
    if not results:
        return None
    figure, (axes,) = empty_chart(height=1.0 + 0.36 * len(results))
    axes.grid(visible=False)
    for row, result in enumerate(results):
        half = result.net_interval or 0.0
        _interval(axes, result.net_a_bar, half, row, BLUE.light if row == 0 else MUTED.light)
        _label(axes, signed(result.net_a_bar, 3), result.net_a_bar + half, row)
    _rows(axes, [result.name for result in results])
    axes.margins(x=0.12)
    name_axes(axes, x="net pips a bar after costs (95 % interval)")
    return figure
