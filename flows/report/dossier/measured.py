"""Sections of a dossier that follow from the recorded scores and the bars: the same figures that the report shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from flows.arrays import Mask
from flows.gate.scoring.ledger import recipe_stream
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.job.plan import policy_of
from flows.pnl.account import PipsResult
from flows.report.data import Money, Quality, Reliability
from flows.report.dossier.document import DossierSection, Fact, FactTable, Value
from flows.report.dossier.subject import DossierSubject
from flows.report.importance import mean_and_error
from flows.report.quality import champion_stream

TWO = 2.0
"""Standard errors in a ±."""


def baselines(subject: DossierSubject, quality: Quality) -> DossierSection:
    """The champion beside rules that learn nothing or little, all on the same bars."""
    rows = tuple((row.name, row.accuracy, row.score) for row in quality.rows)
    return DossierSection(
        "baselines",
        "Baselines",
        subject.again,
        (
            Fact("bars", quality.bars or None),
            Fact("from", quality.rows_since),
            Fact("to", quality.rows_to),
        ),
        (FactTable("All on the same bars, none trained on", ("who", "accuracy", f"{quality.score} a bar"), rows),),
    )


def stability(subject: DossierSubject) -> DossierSection:
    """How often it was right, and what a bar was worth, by month and by session."""
    ledger, spreads = subject.asked.ledger, subject.asked.job.spreads
    key = champion_stream(subject.champion, ledger)
    stream = ledger.streams.get(key)
    policy = policy_of(subject.asked.job, subject.head)
    months: list[tuple[Value, ...]] = []
    sessions: list[tuple[Value, ...]] = []
    if stream is not None:
        score = StreamScorer(ledger, policy.score).of(key, recipe_stream(subject.champion.recipe_fingerprint or ""))
        at = stream.scored & ledger.counted & ~np.isnan(score)
        right = ((stream.p > stream.cut) == (ledger.label == 1.0)).astype(np.float64)
        month = ledger.day.astype("datetime64[M]")
        place = spreads.session_of(pd.DatetimeIndex(ledger.opens))

        def row(name: str, among: Mask) -> Iterator[tuple[Value, ...]]:
            if among.any():
                figures = (mean_and_error(each[among], ledger.day[among]) for each in (right, score))
                yield name, int(among.sum()), *(value for mean, error in figures for value in (mean, two_errors(error)))

        for each in np.unique(month[at]):
            months += row(str(each), at & (month == each))
        for number, session in enumerate(spreads.sessions):
            sessions += row(f"{session.name} {session.hours}", at & (place == number))
    columns = ("when", "bars", "accuracy", "±", f"{policy.score} a bar", "±")
    return DossierSection(
        "stability",
        "Stability by month and session",
        subject.again,
        (Fact("stream", key if stream is not None else None),),
        (
            FactTable("By month; ± two standard errors by days", columns, tuple(months)),
            FactTable("By session, hours of New York", columns, tuple(sessions)),
        ),
    )


def calibration(subject: DossierSubject, found: Reliability) -> DossierSection:
    """Whether what it says comes true, and what is served as probability."""
    rows = tuple((row.score, row.probability, row.up, TWO * row.error, row.bars) for row in found.rows)
    return DossierSection(
        "calibration",
        "Calibration",
        subject.again,
        (
            Fact("served as probability", found.source),
            Fact("on what it rests", found.says),
            Fact("days judged", found.days or None),
            Fact("Brier skill of the probability", found.skill),
            Fact("± of that skill", two_errors(found.skill_error)),
        ),
        (
            FactTable(
                "Tenths by score, each day by the map of the days before it; ± two standard errors by days",
                ("score", "probability by the map", "went up", "±", "bars"),
                rows,
                "not recorded: too few days were scored",
            ),
        ),
    )


def economics(subject: DossierSubject, money: Money | None) -> DossierSection:
    """What it would have earned in pips after costs, by session, beside the baselines."""
    rows: tuple[tuple[Value, ...], ...] = ()
    if money is not None:
        extra = () if money.rollover is None else (money.rollover,)
        rows = tuple(map(_result_row, (money.total, *money.sessions, *money.references, *extra)))
    return DossierSection(
        "economics",
        "Economics",
        subject.again,
        (
            Fact("from", None if money is None else money.first_day),
            Fact("to", None if money is None else money.last_day),
            Fact("trading days", None if money is None else money.days),
            Fact(
                "scored by",
                None
                if money is None
                else ("the champion since its promotion" if money.own else "its recipe before the promotion"),
            ),
            Fact("spreads in pips", str(subject.asked.job.spreads)),
            Fact("financing over night", None if money is None else money.swap),
            Fact("trading rule", None if money is None else money.rule),
        ),
        (
            FactTable(
                "Pips of one unit by the policy's trading rule; ± 95 % by trading days",
                ("who or when", "bars", "trades", "gross a bar", "±", "spread paid", "net a bar", "±", "net"),
                rows,
            ),
        ),
    )


def monitoring(subject: DossierSubject, quality: Quality) -> DossierSection:
    """What watches it, at which levels, and what it says at this moment."""
    rows = tuple((alarm.kind, alarm.sentence) for alarm in quality.alarms)
    return DossierSection(
        "monitoring",
        "Monitoring plan",
        f"retrain watch {subject.model}",
        (
            Fact("watch", quality.sentence),
            Fact("score watched", quality.score),
            Fact("its mean before the promotion", quality.baseline),
            Fact("days behind that", quality.baseline_days or None),
            Fact("its mean since", quality.mean),
            Fact("days since the promotion", quality.days),
            Fact("CUSUM now", quality.cusum.values[-1] if quality.cusum.values else None),
            Fact("CUSUM at which it alerts", quality.threshold),
            Fact("bars to", quality.rows_to),
        ),
        (FactTable("Alarms at this moment", ("kind", "what it says"), rows, "none"),),
    )


def _result_row(result: PipsResult) -> tuple[Value, ...]:
    return (
        result.name,
        result.bars,
        result.trades,
        result.gross_a_bar,
        result.gross_interval,
        result.spread,
        result.net_a_bar,
        result.net_interval,
        result.net,
    )


def two_errors(error: float | None) -> float | None:
    """What stands behind a ±; None where there is no error."""
    return None if error is None else TWO * error
