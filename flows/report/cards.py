"""The three cards on the first screen of a report: what is in production, is it still good, would it have earned.

A negative answer is as plain as a positive one: a signal that would not pay its spread gets "No".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flows.report.data import URGENT, Answer, Money, Production, Quality, ReportData
from flows.report.number_format import minute, signed
from registry.format.phrases import plural


@dataclass(frozen=True)
class Card:
    """One question of the first screen: the answer in a word or two, and why. ``tone`` chooses its colour."""

    question: str
    answer: str
    tone: Answer
    text: str


def cards(data: ReportData) -> tuple[Card, Card, Card]:
    """What is in production, is it still good, would it have earned anything."""
    return (
        _production(data, data.production),
        _quality(data.quality),
        _money(data.money),
    )


def _production(data: ReportData, production: Production | None) -> Card:
    question = "What is in production, and since when?"
    if production is None:
        why = f" The last of {plural(data.decided, 'decision')}: {data.decisions[-1].sentence}." if data.decided else ""
        return Card(question, "Nothing", "no", f"No version was ever promoted.{why}")
    text = (
        f"Champion since {minute(production.since)}; {plural(production.nights, 'night')} decided since. "
        f"{_HOW[production.how](production)} (decision {production.decision})."
    )
    if production.suspended is not None:
        return Card(question, f"{production.version}, suspended", "no", f"Stands aside {production.suspended}. {text}")
    return Card(question, f"{production.version}, {production.recipe}", "yes", text)


def _promoted(production: Production) -> str:
    return f"Forced by {production.by}" if production.forced else "Promoted by the gate"


_HOW: dict[str, Callable[[Production], str]] = {
    "promoted": _promoted,
    "returned": lambda production: "Returned by the gate",
    "rolled_back": lambda production: f"{production.by} rolled back to it",
}


def _quality(quality: Quality | None) -> Card:
    question = "Is it still good?"
    if quality is None:
        return Card(question, "Nothing to watch", "unclear", "There is no champion.")
    urgent = [alarm.sentence for alarm in quality.alarms if alarm.kind in URGENT]
    if quality.answer == "no":
        return Card(question, "No", "no", "; ".join(urgent) + ".")
    text = [_since_promotion(quality)]
    if quality.baseline is None:
        text.append("There is no baseline: too few days were scored before the window it was promoted on.")
    elif quality.cusum.values and quality.threshold is not None:
        doubt = f" (provisional: {quality.baseline_days} days)" if quality.provisional else ""
        text.append(
            f"Baseline before {signed(quality.baseline, 4)}{doubt}; the watch stands at "
            f"{quality.cusum.values[-1]:.1f}, its alarm at {quality.threshold:.1f}."
        )
    text += _better_baselines(quality)
    others = len(quality.alarms) - len(urgent)
    if others:
        text.append(f"{plural(others, 'note')} of the watch below.")
    return Card(question, "Yes" if quality.answer == "yes" else "Too early to say", quality.answer, " ".join(text))


def _percent(share: float) -> str:
    return f"{100.0 * share:.2f} %"


def _since_promotion(quality: Quality) -> str:
    if quality.mean is None:
        return "No trading day was scored since its promotion."
    return f"{signed(quality.mean, 4)} {quality.score} a bar over {plural(quality.days, 'trading day')} since."


def _better_baselines(quality: Quality) -> list[str]:
    """A sentence on the baselines that did better than the champion on the same bars, by score or by accuracy."""
    if not quality.rows:
        return []
    own, baselines = quality.rows[0], quality.rows[1:]
    clauses = []
    scored = [(row.score, row.name) for row in baselines if row.score is not None and row.score > (own.score or 0.0)]
    if scored:
        clauses.append(f"{max(scored)[1]} scores {signed(max(scored)[0], 4)} against {signed(own.score or 0.0, 4)}")
    accurate = [(row.accuracy, row.name) for row in baselines if row.accuracy > own.accuracy]
    if accurate:
        clauses.append(f"{max(accurate)[1]} is right on {_percent(max(accurate)[0])} against {_percent(own.accuracy)}")
    if not clauses:
        return ["No rule of thumb does better on the same bars."]
    return [f"A rule of thumb does better on the same bars: {' and '.join(clauses)}."]


def _money(money: Money | None) -> Card:
    question = "Would it have earned anything?"
    if money is None:
        return Card(question, "Nothing to count", "unclear", "None of its bars has a move that is known.")
    unclear = "Within noise" if money.own else "On paper"
    answer = {"no": "No", "yes": "Yes", "unclear": unclear}[money.answer]
    return Card(question, answer, money.answer, " ".join(part for part in _money_words(money) if part))


def _money_words(money: Money) -> tuple[str, ...]:
    return f"{money.words}.", _before_costs(money), _after_costs(money), _felt(money), _whose(money)


def _felt(money: Money) -> str:
    felt = money.felt
    days = plural(felt.under_water, "trading day")
    still = " and still" if felt.still else ""
    return (
        f"Its sum fell by {felt.drawdown:,.0f} pips at most (until {felt.drawdown_day}); its worst day, "
        f"{felt.worst_day}, made {signed(felt.worst, 0)}; it stood below its peak for {days} on end{still}."
    )


def _before_costs(money: Money) -> str:
    total = money.total
    doubt = "" if total.gross_interval is None else f" ± {total.gross_interval:.3f}"
    trade = "" if total.gross_a_trade is None else f", {signed(total.gross_a_trade, 2)} a trade"
    return f"{signed(total.gross_a_bar, 3)}{doubt} pips a bar before costs{trade}."


def _after_costs(money: Money) -> str:
    total = money.total
    if total.spread is None or total.break_even is None:
        return ""
    even = (
        f"It breaks even at a spread of {total.break_even:.2f}."
        if total.break_even > 0
        else "It loses before costs: no spread is small enough."
    )
    return (
        f"The spreads set cost {total.spread:.2f} a trade: {signed(total.net, 0)} pips net in "
        f"{plural(money.days, 'trading day')}. {even}"
    )


def _whose(money: Money) -> str:
    return "" if money.own else "Counted on its recipe's days before, by which it was chosen; its own are still few."
