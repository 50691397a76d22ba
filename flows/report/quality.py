"""How good the champion still is: its daily score beside its past and the baselines, with the level of the watch."""

from __future__ import annotations

import numpy as np

from flows.arrays import Mask
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.days import DailyScores
from flows.gate.scoring.ledger import Ledger, recipe_stream, version_stream
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.monitoring.health import Health, ScoreHistory, score_history
from flows.report.baselines import reference_stream
from flows.report.data import URGENT, Answer, DailyLine, Quality, ScoreRow
from registry import ChampionRecord, Model

FEW_DAYS = 20
"""Trading days below which "is it still good" has no answer yet."""

ROW_DAYS = NIGHTS_A_YEAR
"""Trading days that the rows are taken over, at most."""


def quality(
    model: Model,
    champion: ChampionRecord,
    ledger: Ledger,
    references: tuple[str, ...],
    policy: GatePolicy,
    health: Health,
) -> Quality:
    """``ledger``: with the streams of ``references``; ``health``: from the watch, at the same moment."""
    scores = StreamScorer(ledger, policy.score)
    history = score_history(model, champion, ledger, scores)
    key = champion_stream(champion, ledger)
    recent = last_days(ledger, key)
    days = ledger.day[recent]
    lines = [
        _line(name, scores.daily(scores.of(reference_stream(name), reference_stream(name)), recent))
        for name in references
    ]
    return Quality(
        answer=_answer(health, history),
        sentence=str(health),
        alarms=health.alarms,
        score=policy.score,
        days=health.days,
        mean=_mean(history.since),
        baseline=None if history.base is None else history.base.mean,
        baseline_days=health.baseline_days,
        provisional=health.provisional,
        since=_line(f"{champion.version}, since its promotion", history.since),
        earlier=_line(f"{champion.recipe or 'its recipe'}, before", history.earlier),
        references=tuple(lines),
        cusum=DailyLine(
            "CUSUM", _days(history.since), () if history.watch is None else tuple(history.watch.cusum.tolist())
        ),
        threshold=None if history.watch is None else history.watch.threshold,
        rows=_rows(champion, ledger, scores, references, key, recent),
        bars=int(recent.sum()),
        rows_since=str(days[0]) if days.size else None,
        rows_to=str(days[-1]) if days.size else None,
        drift=health.drift,
    )


def champion_stream(champion: ChampionRecord, ledger: Ledger) -> str:
    """The stream that the champion is measured by: its own, once it has enough days; before that its recipe's."""
    own, recipe = version_stream(champion.version), recipe_stream(champion.recipe_fingerprint or "")
    stream = ledger.streams.get(own)
    if stream is None or recipe not in ledger.streams:
        return own if stream is not None else recipe
    return own if np.unique(ledger.day[stream.scored & ledger.counted]).size >= FEW_DAYS else recipe


def _answer(health: Health, history: ScoreHistory) -> Answer:
    if any(alarm.kind in URGENT for alarm in health.alarms):
        return "no"
    return "unclear" if history.base is None or health.days < FEW_DAYS else "yes"


def last_days(ledger: Ledger, key: str) -> Mask:
    """The counted bars of a stream's last days: shape (n_bars,)."""
    stream = ledger.streams.get(key)
    if stream is None:
        return np.zeros(ledger.label.size, np.bool_)
    counted = stream.scored & ledger.counted
    recent: Mask = counted & np.isin(ledger.day, np.unique(ledger.day[counted])[-ROW_DAYS:])
    return recent


def _rows(
    champion: ChampionRecord, ledger: Ledger, scores: StreamScorer, references: tuple[str, ...], key: str, bars: Mask
) -> tuple[ScoreRow, ...]:
    """The champion and the references, all on the same bars; ``no_skill`` is that of the gate."""
    if not bars.any():
        return ()
    recipe = recipe_stream(champion.recipe_fingerprint or "")
    _, accuracy, no_skill = scores.figures(ledger.streams[key], bars)
    name = champion.recipe or "unnamed"
    name = f"{name}, walk-forward" if key == recipe else f"{champion.version} ({name})"
    rows = [ScoreRow(name, accuracy or 0.0, _mean_score(scores, key, recipe, bars))]
    if no_skill is not None:
        rows.append(ScoreRow("no_skill", no_skill, None))
    for name in references:
        if name == "no_skill":
            continue
        stream = reference_stream(name)
        accuracy = scores.figures(ledger.streams[stream], bars)[1]
        if accuracy is not None:
            rows.append(ScoreRow(name, accuracy, _mean_score(scores, stream, stream, bars)))
    return tuple(rows)


def _mean_score(scores: StreamScorer, key: str, after: str, bars: Mask) -> float | None:
    """Mean score a bar over days, weighted by their bars."""
    return _mean(scores.daily(scores.of(key, after), bars))


def _mean(daily: DailyScores) -> float | None:
    total = float(daily.bars.sum())
    return None if not total else float((daily.mean * daily.bars).sum() / total)


def _line(name: str, daily: DailyScores) -> DailyLine:
    return DailyLine(name, _days(daily), tuple(daily.mean[:, 0].tolist()))


def _days(daily: DailyScores) -> tuple[str, ...]:
    return tuple(str(day) for day in daily.day)
