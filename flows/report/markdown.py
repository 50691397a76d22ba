"""The report of one decision as Markdown, complete in itself: sentence, table, and charts as PNG data URLs.

    create_markdown_artifact(decision_markdown(outcome, model), key="decision")

What people typed (authors, reasons) is escaped: it can neither become a link nor markup.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from flows.night.outcome import Outcome, bars_in_words, figures_of, since_promotion
from flows.night.state import OutcomeRow
from flows.report.charts.drawing import png_data_url
from flows.report.charts.evidence import earned_tonight, evidence_over_nights, evidence_tonight, first_scores
from flows.report.data import ReportData
from flows.report.decisions import DecisionSummary, newest_decisions
from flows.report.front import front
from registry import Model

NIGHTS_DRAWN = 60
"""Nights in the chart of evidence: three months, few enough to read from a bucket in a moment."""

_MARKUP = re.compile(r"([\\`*_\[\]<>|#&~$!])")


def decision_markdown(
    outcome: Outcome, model: Model, told: ReportData | None = None, *, nights: int = NIGHTS_DRAWN
) -> str:
    """What a person reads after a night: the sentence once, when a promotion can be expected, the table, where
    production stands, the evidence, and what was earned. ``told``: the night's report, where it was made.

    Reads up to ``nights`` decisions of the log. Raises what the registry raises where it cannot be read.
    """
    decisions = newest_decisions(model, at_most=nights)
    tonight = next((decision for decision in decisions if decision.number == outcome.decision), None)
    parts = [
        f"# {headline(outcome)}",
        _model_line(outcome),
        *(["**Simulated bars.** Nothing here says anything about a market."] if outcome.simulated else []),
        escaped(outcome.sentence),
        *(
            []
            if outcome.waiting is None
            else ["To approve it, until the next night is decided:", f"    {outcome.waiting}"]
        ),
        *([f"**What to expect.** {tonight.expected}"] if tonight is not None and tonight.expected else []),
        _facts(outcome),
        _table(outcome),
        *_evidence(tonight, decisions),
        *_earned(told),
    ]
    return "\n\n".join(parts) + "\n"


def champion_markdown(outcome: Outcome, told: ReportData | None = None) -> str:
    """What production loads: since when, why, how it does, and how to load it. ``told``: the night's report, where it
    was made. Where production is empty it says so."""
    champion = outcome.champion
    if champion is None:
        parts = ["# Nothing is in production", _model_line(outcome), escaped(outcome.sentence)]
        return "\n\n".join(parts) + "\n"
    first = None if told is None else front(told)
    how = "Forced by a person" if champion.forced else champion.how.replace("_", " ").capitalize()
    parts = [
        f"# {champion.version} ({escaped(champion.recipe or 'unnamed')}) is in production",
        _model_line(outcome),
        f"Since {champion.since[:10]} {champion.since[11:16]} UTC. {how} by {escaped(champion.by)}, decision "
        f"{champion.decision}.",
    ]
    if first is not None:
        lines = [line for line in (first.headline, first.lead, first.side) if line]
        parts += ["## How it does", *map(escaped, lines)]
        parts += [f"**{escaped(card.question)}** {card.answer}. {escaped(card.text)}" for card in first.cards]
    where = f"{outcome.model} --registry {shlex.quote(outcome.registry)}"
    parts += [
        "## How to load it",
        f"    from registry import Registry\n"
        f"    champion = Registry({outcome.registry!r}).model({outcome.model!r}).load()\n"
        f"    champion.predict(bars, pick=True)",
        "Why it was chosen, and how it is served:",
        f"    registry show {outcome.model} {champion.version} --registry {shlex.quote(outcome.registry)}\n"
        f"    retrain explain {where}",
    ]
    return "\n\n".join(parts) + "\n"


def proposal_markdown(outcome: Outcome, decision: DecisionSummary | None = None) -> str:
    """What a person reads before approving a promotion. ``outcome``: what would be promoted; ``decision``: the evidence
    for it, where there is any."""
    charts = [] if decision is None else _decision_charts(decision)
    parts = [
        f"### Promote? Night of {outcome.night}",
        _model_line(outcome),
        *(["**Simulated bars.** Nothing here says anything about a market."] if outcome.simulated else []),
        f"The gate says (the form for your answer stands below the {'chart' if charts else 'table'}):",
        f"> {escaped(outcome.sentence)}",
        _facts(outcome),
        _table(outcome),
        *charts,
    ]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that markdown shows as it is, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def headline(outcome: Outcome) -> str:
    """The verdict and its night. Without the model's name: a long word in a heading runs out of a phone's page."""
    what = "Dry run" if outcome.dry_run else outcome.action.capitalize()
    if outcome.waiting is not None:
        what = "Held for approval"
    again = ", decided before" if outcome.already_decided else ""
    return f"{what}, night of {outcome.night}{again}"


def _model_line(outcome: Outcome) -> str:
    return f"**{escaped(outcome.model)}**{' (simulated)' if outcome.simulated else ''}"


def _facts(outcome: Outcome) -> str:
    champion = outcome.champion
    lines = [f"**As of** {escaped(outcome.as_of[:16])}Z"]
    if champion is None:
        lines.append("**In production:** nothing")
    else:
        forced = ", forced by a person" if champion.forced else ""
        recipe = escaped(champion.recipe or "unnamed")
        lines.append(f"**In production:** {champion.version} ({recipe}) since {champion.since[:16]}Z{forced}")
    if outcome.decision is not None:
        lines.append(f"**Recorded as** decision {outcome.decision}")
    lines += [f"**Repaired:** {escaped(repair)}" for repair in outcome.repairs]
    lines += [f"**Questioned:** {escaped(question)}" for question in outcome.questions]
    return "  \n".join(lines)


def _table(outcome: Outcome) -> str:
    # what came of a row stands before its figures: a phone shows the first columns
    champion = since_promotion(outcome.rows)
    figures = ["accuracy", "F1", "AUC"]
    if champion is not None:  # two columns say which bars they are of
        figures = ["250 days, accuracy", "250 days, AUC", f"since {champion.version}, accuracy"]
    rows = [f"| version | recipe | | {' | '.join(figures)} |", f"| --- | --- | --- |{' ---: |' * len(figures)}"]
    rows += [f"| {' | '.join(_cells(row, outcome.rows))} |" for row in outcome.rows]
    bars = bars_in_words(outcome.rows)
    caption = f"References are never candidates. {f'Figures are {bars}.' if bars else ''}"
    return "\n".join(rows) + "\n\n" + caption.strip()


def _cells(row: OutcomeRow, rows: Sequence[OutcomeRow]) -> list[str]:
    status = f"**{row.status}**" if row.status in ("promoted", "would be promoted") else row.status
    return [row.version or "", escaped(row.name), status, *figures_of(row, rows)]


def _evidence(tonight: DecisionSummary | None, decisions: tuple[DecisionSummary, ...]) -> list[str]:
    """The charts of the evidence; one sentence where there is none yet."""
    charts = [] if tonight is None else _decision_charts(tonight)
    curves = evidence_over_nights(decisions)
    if curves is not None:
        charts.append(f"![Evidence night by night]({png_data_url(curves)})")
        charts.append("A dotted line is a promotion: evidence starts afresh after it.")
    if not charts:
        charts = ["No challenger has evidence yet: the shortest window asks for 40 trading days beside a champion."]
    return ["## Evidence", *charts]


def _earned(told: ReportData | None) -> list[str]:
    """What the champion and the baselines would have earned on the same bars; nothing without a report."""
    money = None if told is None else told.money
    chart = None if money is None else earned_tonight((money.total, *money.references))
    if money is None or chart is None:
        return []
    words = (
        f"{money.words}; {money.first_day} to {money.last_day}. Baselines are on the same bars. Costs are the spreads "
        "of the settings; the night's sentence counts the policy's spread."
    )
    return ["## After costs", f"![Net pips of the champion and the baselines]({png_data_url(chart)})", escaped(words)]


def _decision_charts(decision: DecisionSummary) -> list[str]:
    """The chart of one decision and how to read it; empty where there is nothing to draw."""
    bars, first = evidence_tonight(decision), first_scores(decision)
    if bars is not None:
        return [f"![Evidence of each challenger beside the threshold]({png_data_url(bars)})", _how_to_read(decision)]
    if first is not None:
        alt = "What each recipe scored before there was a champion"
        return [
            f"![{alt}]({png_data_url(first)})",
            "Nothing was in production before: a first champion is the best of those shown to have skill.",
        ]
    return []


def _how_to_read(decision: DecisionSummary) -> str:
    text = "A challenger is promoted when its lead passes the red mark and no guard holds it back."
    if decision.smallest_visible:
        text += f" Differences under {decision.smallest_visible:.4f} {decision.score} a bar cannot be seen in a year."
    return text
