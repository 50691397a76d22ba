"""The charts of what the signal would have earned: for any spread, and day by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.pnl.account import PipsResult
from flows.report.charts.drawing import date_axis, date_numbers, empty_chart, legend, line_style, name_axes
from flows.report.charts.palette import BLUE, INK, MUTED, RED
from flows.report.data import Money
from flows.report.selectivity import Selectivity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 4.8


def net_against_spread(money: Money) -> Figure:
    """Net pips a bar of each session for any spread; a dot where the setting puts it."""
    figure, (axes,) = empty_chart(width=WIDTH, height=3.3)
    sessions = [session for session in money.sessions if session.trades]
    widest = 1.25 * max([1.0, *(session.spread or 0.0 for session in sessions)])
    for number, result in enumerate([*sessions, money.total]):
        style = {"color": INK.light, "linestyle": "solid"} if result is money.total else line_style(number)
        label = "all sessions" if result is money.total else result.name
        axes.plot([0.0, widest], [_net(result, 0.0), _net(result, widest)], label=label, linewidth=1.8, **style)
        if result.spread is not None:
            axes.plot([result.spread], [result.net_a_bar], marker="o", markersize=6, color=style["color"])
    axes.axhline(0.0, color=MUTED.light, linewidth=1.0)
    axes.set_xlim(0.0, widest)
    name_axes(axes, x="spread (pips a trade)", y="net (pips a bar)")
    legend(axes, columns=2)
    return figure


def running_result(money: Money) -> Figure:
    """The running sum before and after costs."""
    figure, (axes,) = empty_chart(width=WIDTH, height=3.3)
    days = date_numbers(money.gross.days)
    axes.plot(days, money.gross.values, label=money.gross.name, color=BLUE.light, linewidth=1.8)
    axes.plot(days, money.net.values, label=money.net.name, color=RED.light, linewidth=1.8, linestyle="dashed")
    axes.axhline(0.0, color=MUTED.light, linewidth=1.0)
    date_axis(axes)
    name_axes(axes, x="trading day", y="sum (pips)")
    legend(axes, columns=2)
    return figure


def net_against_selectivity(found: Selectivity) -> Figure:
    """Net pips a day of each stream against how often it trades; what the champion's would have to be to be more than
    the best of all rules looked at by chance."""
    figure, (axes,) = empty_chart(width=1.4 * WIDTH, height=3.6)
    for number, line in enumerate(found.lines):
        style = {"color": INK.light, "linestyle": "solid"} if number == 0 else line_style(number)
        traded = [point for point in line.points if point.share > 0.0]
        share, net = [100.0 * point.share for point in traded], [point.net_a_day for point in traded]
        axes.plot(share, net, label=line.name, marker="o", markersize=4, linewidth=1.8, **style)
        if number == 0:
            axes.errorbar(
                share, net, yerr=[point.interval for point in traded], fmt="none", ecolor=INK.light, alpha=0.5
            )
            chance = [point.chance for point in traded]
            axes.plot(share, chance, label="more than chance from here", color=RED.light, linestyle="dotted")
    axes.axhline(0.0, color=MUTED.light, linewidth=1.0)
    axes.invert_xaxis()
    name_axes(axes, x="bars with a position (%), more selective to the right", y="net (pips a day)")
    legend(axes, columns=3)
    return figure


def _net(result: PipsResult, spread: float) -> float:
    return (result.gross + result.financing - spread * result.trades) / result.bars
