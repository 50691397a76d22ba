"""The first champion is the stream that scored best in the backfill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import GateRefused
from flows.gate.guards import Guard
from flows.gate.nightly.candidates import Candidate, row_of
from flows.gate.nightly.decision import NightlyDecision, NightlyRow
from flows.gate.nightly.leads import AccuracyFigures
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.sentence import empty_sentence, first_sentence
from flows.gate.nightly.sequential import fewest_days, judge
from flows.gate.scoring.ledger import Ledger
from flows.gate.scoring.stream_scorer import StreamScorer

FIRST_DAYS = NIGHTS_A_YEAR
"""Days of a stream, backfill included, that the first champion is chosen by."""


def choose_first(
    ledger: Ledger, *, candidates: Sequence[Candidate], policy: GatePolicy, accept_unskilled: bool = False
) -> NightlyDecision:
    """The first champion: the stream with the highest mean score over its last 250 days, backfill included, whose mean
    is above zero (for edge) and that is right at its cut at least as often as the majority; none: production stays
    empty. ``accept_unskilled`` overrules these two, and no other guard. No error rate is held here: there is nothing to
    protect yet.

    Raises :class:`GateRefused` for no candidates.
    """
    if not candidates:
        raise GateRefused("there are no candidates to judge: train at least one recipe")
    scores = StreamScorer(ledger, policy.score)
    rows = []
    everything = np.ones(ledger.label.size, np.bool_)
    for candidate in candidates:
        daily = scores.daily(scores.of(candidate.stream, candidate.stream), everything)
        recent = daily.day[-FIRST_DAYS:]
        evidence = judge(daily.mean[-FIRST_DAYS:], daily.bars[-FIRST_DAYS:], windows=policy.windows)
        stream, among = ledger.streams.get(candidate.stream), np.isin(ledger.day, recent)
        figures = AccuracyFigures(0, None, None) if stream is None else AccuracyFigures(*scores.figures(stream, among))
        rows.append(_with_skill(row_of(candidate, evidence, 0, figures, policy), policy))
    ready = [
        at
        for at, row in enumerate(rows)
        if row.windows and (row.passed or (accept_unskilled and row.lacks_skill_alone))
    ]
    winner = max(ready, key=lambda at: rows[at].windows[-1].mean) if ready else None
    sentence = (
        empty_sentence(rows, fewest_days(policy.windows))
        if winner is None
        else first_sentence(rows, winner, policy.score)
    )
    return NightlyDecision(
        action="empty" if winner is None else "promoted",
        winner=None if winner is None else candidates[winner].name,
        winner_version=None if winner is None else candidates[winner].version,
        returned=False,
        reason="no stream passes" if winner is None else "first champion",
        sentence=sentence,
        champion=None,
        rows=tuple(rows),
        threshold=None,
        calibration={},
        autocorrelation=None,
        first_day=None,
        last_day=None,
        days=max((row.days for row in rows), default=0),
        smallest_visible=None,
        more_nights=None,
        tried=len(candidates),
        after=None,
        policy=policy.to_dict(),
        accept_unskilled=accept_unskilled,
    )


def _with_skill(row: NightlyRow, policy: GatePolicy) -> NightlyRow:
    """The row with the guard on its mean edge, which must be above zero."""
    if not row.windows or policy.score != "edge":
        return row
    mean = row.windows[-1].mean
    return replace(row, guards=(*row.guards, Guard("edge", mean > 0.0, f"a mean edge of {mean:+.4f}")))
