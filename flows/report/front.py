"""The first screen of a report: one line for a trader, six figures, three answers.

In the order of what a trader asks: is it worth trading after costs, is it still good, was anything better tried. A
negative answer is as plain as a positive one: a signal that would not pay its spread gets "Stand aside".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flows.report.data import URGENT, Money, Production, Quality, ReportData, Side
from flows.report.decisions import ChallengerStanding, DecisionSummary
from flows.report.number_format import minute, signed
from registry.format.phrases import plural

Tone = Literal["yes", "no", "caution", "unclear"]
"""Chooses a colour: green, red, amber, grey."""


@dataclass(frozen=True)
class Tile:
    """One figure of the first screen with its unit, and what it stands beside. ``value``: None where there is none yet;
    ``percent``: it is a share."""

    name: str
    value: float | None
    digits: int
    unit: str
    note: str
    sign: bool = True
    percent: bool = False


@dataclass(frozen=True)
class Card:
    """A question, the answer in a word or two, and why in a few short sentences."""

    question: str
    answer: str
    tone: Tone
    text: str


@dataclass(frozen=True)
class Front:
    """``headline``: what to do; ``lead``: what was earned, since when; ``side``: what the champion said last;
    ``production``: what is in production, since when. ``cards``: earned, still good, tried."""

    tone: Tone
    headline: str
    lead: str
    side: str
    production: str
    tiles: tuple[Tile, ...]
    cards: tuple[Card, Card, Card]


def front(data: ReportData) -> Front:
    """The first screen, from the data of the report alone."""
    earned, good, tried = _money(data.money), _quality(data.quality), _tried(data)
    tone, headline = _headline(data, earned, good)
    return Front(
        tone=tone,
        headline=headline,
        lead=_lead(data.money),
        side=_side(data),
        production=_production(data.production),
        tiles=_tiles(data),
        cards=(earned, good, tried),
    )


def _headline(data: ReportData, earned: Card, good: Card) -> tuple[Tone, str]:
    production = data.production
    if production is None:
        return "no", "Stand aside: nothing is in production"
    if production.suspended is not None:
        return "no", f"Stand aside: {production.version} is suspended"
    if good.tone == "no":
        return "no", f"Stand aside: {production.version} is not well"
    if earned.tone == "no":
        return "no", f"Stand aside: {production.version} does not pay its costs"
    if earned.tone == "yes":
        return good.tone, f"{production.version} pays its costs"
    return "unclear", f"Stand aside for now: nothing proves that {production.version} pays its costs"


def _lead(money: Money | None) -> str:
    return "" if money is None else f"{money.words}; {money.first_day} to {money.last_day}."


def _side(data: ReportData) -> str:
    side, production = data.side, data.production
    if side is None or production is None:
        return ""
    often = ""
    if data.money is not None and data.money.total.trades:
        often = f" A trade lasts {data.money.total.bars / data.money.total.trades:.1f} bars on average."
    return f"Newest side of {production.version}: {'up' if side.up else 'down'}, {_while(side)}.{often}"


def _while(side: Side) -> str:
    same = side.said[:10] == side.until[:10]
    until = f"{side.until[11:16]} UTC" if same else minute(side.until)
    kept = "; nothing new is said in the rollover hour" if side.over_the_rollover else ""
    return f"from {side.said[:10]} {side.said[11:16]} to {until}{kept}"


def _production(production: Production | None) -> str:
    if production is None:
        return "No version was ever promoted."
    frozen = "" if production.frozen is None else f" Frozen: {production.frozen}."
    suspended = "" if production.suspended is None else f" Suspended {production.suspended}."
    return (
        f"In production: {production.version} ({production.recipe}) since {minute(production.since)}, "
        f"{plural(production.nights, 'night')} decided since. {_HOW[production.how](production)}.{suspended}{frozen}"
    )


def _promoted(production: Production) -> str:
    return f"Forced by {production.by}" if production.forced else "Promoted by the gate"


_HOW: dict[str, Callable[[Production], str]] = {
    "promoted": _promoted,
    "returned": lambda production: "Returned by the gate",
    "rolled_back": lambda production: f"{production.by} rolled back to it",
}


# --- figures --------------------------------------------------------------------------------------------------------


def _tiles(data: ReportData) -> tuple[Tile, ...]:
    """Two rows of three: money, and then the model."""
    money, quality, last = data.money, data.quality, last_judged(data.decisions)
    total = None if money is None else money.total
    interval = None if total is None or total.net_interval is None else f"± {total.net_interval:.3f}"
    even = None if total is None or total.break_even is None or total.break_even <= 0.0 else total.break_even
    paid = "nothing traded" if total is None or total.spread is None else f"spread; {total.spread:.2f} is paid"
    return (
        Tile("net a bar", None if total is None else total.net_a_bar, 3, "pips", interval or "no interval yet"),
        Tile(
            "net in all",
            None if total is None else total.net,
            0,
            "pips",
            "nothing traded" if money is None else f"in {plural(money.days, 'trading day')}",
        ),
        Tile("breaks even at", even, 2, "pips", paid, sign=False),
        _accuracy(quality),
        _watch(quality),
        _evidence(last),
    )


def _accuracy(quality: Quality | None) -> Tile:
    if quality is None or not quality.rows:
        return Tile("right on", None, 2, "", "too few bars", sign=False, percent=True)
    best = max(quality.rows[1:], key=lambda row: row.accuracy, default=None)
    note = f"of {quality.bars:,} bars" if best is None else f"{best.name} {_percent(best.accuracy)}"
    return Tile("right on", quality.rows[0].accuracy, 2, "", note, sign=False, percent=True)


def _watch(quality: Quality | None) -> Tile:
    if quality is None or quality.threshold is None or not quality.cusum.values:
        return Tile("watch (CUSUM)", None, 1, "", "too few days", sign=False)
    return Tile("watch (CUSUM)", quality.cusum.values[-1], 1, "", f"alarm at {quality.threshold:.1f}", sign=False)


def _evidence(last: DecisionSummary | None) -> Tile:
    best = None if last is None else _nearest(last)
    if last is None or best is None or last.threshold is None:
        return Tile("best challenger", None, 2, "z", "no evidence yet")
    return Tile("best challenger", best.z, 2, "z", f"promoted above {last.threshold:.2f}")


# --- answers --------------------------------------------------------------------------------------------------------


def _quality(quality: Quality | None) -> Card:
    question = "Is it still good?"
    if quality is None:
        return Card(question, "Nothing to watch", "unclear", "There is no champion.")
    urgent = [alarm.sentence for alarm in quality.alarms if alarm.kind in URGENT]
    if quality.answer == "no":
        return Card(question, "No", "no", "; ".join(urgent) + ".")
    better = better_baselines(quality)
    text = [*better, _since_promotion(quality)]
    if quality.baseline is None:
        text.append("There is no baseline: too few days were scored before the window it was promoted on.")
    elif quality.cusum.values and quality.threshold is not None:
        doubt = f", provisional: {quality.baseline_days} days" if quality.provisional else ""
        text.append(f"Before: {signed(quality.baseline, 4)}{doubt}. The watch is quiet.")
    others = len(quality.alarms) - len(urgent)
    if others:
        text.append(f"{plural(others, 'note')} of the watch in its section.")
    if quality.answer == "yes":
        return Card(question, "Yes, but" if better else "Yes", "caution" if better else "yes", " ".join(text))
    return Card(question, "Too early to say", "unclear", " ".join(text))


def _percent(share: float) -> str:
    return f"{100.0 * share:.2f} %"


def _since_promotion(quality: Quality) -> str:
    if quality.mean is None:
        return "No trading day was scored since its promotion."
    return (
        f"{signed(quality.mean, 4)} {quality.score} a bar on {plural(quality.days, 'trading day')} since its promotion."
    )


def better_baselines(quality: Quality) -> list[str]:
    """A sentence on the baselines that did better than the champion on the same bars, by score or by accuracy; none
    where none did."""
    if not quality.rows:
        return []
    own, baselines = quality.rows[0], quality.rows[1:]
    clauses, named = [], ""
    scored = [(row.score, row.name) for row in baselines if row.score is not None and row.score > (own.score or 0.0)]
    if scored:
        named = max(scored)[1]
        clauses.append(f"{named} scores {signed(max(scored)[0], 4)} against {signed(own.score or 0.0, 4)}")
    accurate = [(row.accuracy, row.name) for row in baselines if row.accuracy > own.accuracy]
    if accurate:
        right, name = max(accurate)
        who = "is" if name == named else f"{name} is"
        clauses.append(f"{who} right on {_percent(right)} against {_percent(own.accuracy)}")
    return [f"A rule of thumb does better on the same bars: {' and '.join(clauses)}."] if clauses else []


def _money(money: Money | None) -> Card:
    question = "Has it earned anything, after costs?"
    if money is None:
        return Card(question, "Nothing to count", "unclear", "None of its bars has a move that is known.")
    unclear = "Within noise" if money.own else "On paper"
    answer = {"no": "No", "yes": "Yes", "unclear": unclear}[money.answer]
    text = (_before_costs(money), _after_costs(money), _whose(money))
    return Card(question, answer, money.answer, " ".join(part for part in text if part))


def felt(money: Money) -> str:
    """What it would have felt like to hold: the largest fall, the worst day, the longest time below a peak."""
    risk = money.felt
    days = plural(risk.under_water, "trading day")
    still = " and still" if risk.still else ""
    return (
        f"Its sum fell by {risk.drawdown:,.0f} pips at most (until {risk.drawdown_day}); its worst day, "
        f"{risk.worst_day}, made {signed(risk.worst, 0)}; it stood below its peak for {days} on end{still}."
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
        f"It would break even at {total.break_even:.2f}."
        if total.break_even > 0
        else "It loses before costs: no spread is small enough."
    )
    return f"The spreads set cost {total.spread:.2f} pips a trade. {even}"


def _whose(money: Money) -> str:
    return "" if money.own else "Counted on its recipe's days before, by which it was chosen; its own are still few."


def _tried(data: ReportData) -> Card:
    question = "Was anything better tried?"
    last = next((each for each in reversed(data.decisions) if each.by_the_gate), None)
    if last is None:
        return Card(question, "Nothing yet", "unclear", "No night was decided yet.")
    counts = f"{plural(data.decided, 'decision')}, {plural(data.versions, 'version')}."
    text = " ".join(part for part in (_closest(last), last.expected, counts) if part)
    if last.kind != "held":
        text = f"Night of {last.night}: {last.version} {last.kind}. {counts}"
        return Card(question, f"Yes: {last.version}", "yes", text)
    return Card(question, "No" if last.champion else "Nothing passed", "unclear", text)


def _closest(last: DecisionSummary) -> str:
    """Who came closest on the last night, and what it lacks."""
    best = _nearest(last)
    if best is None:
        return f"Night of {last.night}: no challenger has evidence yet."
    held = f" Held back by {'; '.join(best.held_back_by)}." if best.held_back_by else ""
    if best.z is None or last.threshold is None:
        return f"Night of {last.night}: {best.name} came closest.{held}"
    return (
        f"Night of {last.night}: {best.name} came closest, z {signed(best.z, 2)} where promotion takes more than "
        f"{last.threshold:.2f}.{held}"
    )


def _nearest(last: DecisionSummary) -> ChallengerStanding | None:
    """The challenger with the most evidence; before a first champion, the one with the highest score."""
    known = [each for each in last.standings if each.z is not None or (last.champion is None and each.lead is not None)]
    return max(known, key=lambda each: (each.z if each.z is not None else each.lead) or 0.0, default=None)


def last_judged(decisions: tuple[DecisionSummary, ...]) -> DecisionSummary | None:
    """The newest decision of the gate that has evidence to show."""
    return next((decision for decision in reversed(decisions) if decision.by_the_gate and decision.standings), None)
