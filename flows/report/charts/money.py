"""The charts of what the signal would have earned: for any spread, and day by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.pnl.pips import Result
from flows.report.charts.drawing import date_axis, date_numbers, empty_chart, legend, line_style, name_axes
from flows.report.charts.palette import BLUE, INK, MUTED, RED
from flows.report.data import Money

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


def _net(result: Result, spread: float) -> float:
    return (result.gross - spread * result.trades) / result.bars
