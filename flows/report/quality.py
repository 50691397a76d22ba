"""Is the champion still good? Its daily score beside its past and beside the references, with the watch's level."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.days import DailyScores
from flows.gate.scoring.ledger import Ledger, recipe_stream, version_stream
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.monitoring.health import Health, ScoreHistory, score_history
from flows.report.baselines import reference_stream
from flows.report.data import URGENT, Answer, DailyLine, Quality, ScoreRow
from registry import ChampionRecord, Model

Mask = npt.NDArray[np.bool_]

FEW_DAYS = 20
"""Trading days below which "is it still good" has no answer yet."""

ROW_DAYS = 250
"""Trading days that the rows are taken over, at most."""


def quality(
    model: Model,
    champion: ChampionRecord,
    ledger: Ledger,
    references: tuple[str, ...],
    policy: GatePolicy,
    told: Health,
) -> Quality:
    """``ledger``: with the streams of ``references``; ``told``: what the watch said at the same moment."""
    scores = StreamScorer(ledger, policy.score)
    found = score_history(model, champion, ledger, scores)
    key = judged_by(champion, ledger)
    among = last_days(ledger, key)
    spans = ledger.day[among]
    lines = [
        _line(name, scores.daily(scores.of(reference_stream(name), reference_stream(name)), among))
        for name in references
    ]
    return Quality(
        answer=_answer(told, found),
        sentence=str(told),
        alarms=told.alarms,
        score=policy.score,
        days=told.days,
        mean=_mean(found.since),
        baseline=None if found.base is None else found.base.mean,
        baseline_days=told.baseline_days,
        provisional=told.provisional,
        since=_line(f"{champion.version}, since its promotion", found.since),
        earlier=_line(f"{champion.recipe or 'its recipe'}, before", found.earlier),
        references=tuple(lines),
        cusum=DailyLine("CUSUM", _days(found.since), () if found.watch is None else tuple(found.watch.cusum.tolist())),
        threshold=None if found.watch is None else found.watch.threshold,
        rows=_rows(champion, ledger, scores, references, key, among),
        bars=int(among.sum()),
        rows_since=str(spans[0]) if spans.size else None,
        rows_to=str(spans[-1]) if spans.size else None,
    )


def judged_by(champion: ChampionRecord, ledger: Ledger) -> str:
    """The stream that tells of the champion: its own, once it has enough days; before that its recipe's."""
    own, recipe = version_stream(champion.version), recipe_stream(champion.recipe_fingerprint or "")
    stream = ledger.streams.get(own)
    if stream is None or recipe not in ledger.streams:
        return own if stream is not None else recipe
    return own if np.unique(ledger.day[stream.scored & ledger.counted]).size >= FEW_DAYS else recipe


def _answer(told: Health, found: ScoreHistory) -> Answer:
    if any(alarm.kind in URGENT for alarm in told.alarms):
        return "no"
    return "unclear" if found.base is None or told.days < FEW_DAYS else "yes"


def last_days(ledger: Ledger, key: str) -> Mask:
    """The counted bars of a stream's last days: shape (n_bars,)."""
    stream = ledger.streams.get(key)
    if stream is None:
        return np.zeros(ledger.label.size, np.bool_)
    counted = stream.scored & ledger.counted
    kept: Mask = counted & np.isin(ledger.day, np.unique(ledger.day[counted])[-ROW_DAYS:])
    return kept


def _rows(
    champion: ChampionRecord, ledger: Ledger, scores: StreamScorer, references: tuple[str, ...], key: str, among: Mask
) -> tuple[ScoreRow, ...]:
    """The champion, the majority before each bar and the references, all on the same bars."""
    if not among.any():
        return ()
    recipe = recipe_stream(champion.recipe_fingerprint or "")
    _, right, majority = scores.figures(ledger.streams[key], among)
    name = f"{champion.version} ({champion.recipe or 'unnamed'})"
    rows = [ScoreRow(name, right or 0.0, _over(scores, key, recipe, among))]
    if majority is not None:
        rows.append(ScoreRow("majority", majority, None))
    for name in references:
        stream = reference_stream(name)
        share = scores.figures(ledger.streams[stream], among)[1]
        if share is not None:
            rows.append(ScoreRow(name, share, _over(scores, stream, stream, among)))
    return tuple(rows)


def _over(scores: StreamScorer, key: str, after: str, among: Mask) -> float | None:
    """Mean score a bar over days, weighted by their bars."""
    return _mean(scores.daily(scores.of(key, after), among))


def _mean(daily: DailyScores) -> float | None:
    total = float(daily.bars.sum())
    return None if not total else float((daily.mean * daily.bars).sum() / total)


def _line(name: str, daily: DailyScores) -> DailyLine:
    return DailyLine(name, _days(daily), tuple(daily.mean[:, 0].tolist()))


def _days(daily: DailyScores) -> tuple[str, ...]:
    return tuple(str(day) for day in daily.day)
