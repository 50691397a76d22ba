"""The data of a report, as frozen dataclasses: :mod:`flows.report.gathering` fills them, the page only shows them.

Moments are ISO 8601 in UTC, days ``YYYY-MM-DD``. Scores are in units of the gate's score a bar, money is in pips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flows.monitoring.features import FeatureDrift
from flows.monitoring.health import Alarm
from flows.pnl.account import PipsResult
from flows.pnl.risk import Risk
from flows.report.decisions import DecisionSummary
from flows.report.moves import SizedEdges
from flows.report.selectivity import Selectivity
from flows.report.version_comparisons import VersionComparisons
from registry.analysis.differences import Change

URGENT = ("regressed", "one class", "unscored")
"""Alarms of the watch after which the champion is no longer called good."""

Answer = Literal["yes", "no", "unclear"]


@dataclass(frozen=True)
class Production:
    """The champion. ``nights``: nights decided since it was promoted; ``suspended`` and ``frozen`` in words."""

    version: str
    recipe: str
    since: str
    night: str | None
    by: str
    how: str
    forced: bool
    decision: int
    sentence: str
    trained_from: str | None
    trained_to: str | None
    nights: int
    suspended: str | None
    frozen: str | None


@dataclass(frozen=True)
class Side:
    """The champion's newest side: said at the close ``said``, and true or not at ``until``. ``over_the_rollover``: the
    rollover hour follows, in which it says nothing new."""

    up: bool
    said: str
    until: str
    over_the_rollover: bool


@dataclass(frozen=True)
class DailyLine:
    """One number a trading day."""

    name: str
    days: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class ScoreRow:
    """The champion or a reference on the same bars: its accuracy and its mean score a bar."""

    name: str
    accuracy: float
    score: float | None


@dataclass(frozen=True)
class Quality:
    """Is it still good? ``since`` and ``earlier``: the champion's daily score since its promotion, and its recipe's
    before; ``references`` on the same days. ``cusum`` adds up what it falls short of ``baseline``; the alarm is at
    ``threshold``. ``rows`` stand on ``bars`` bars of ``rows_since`` to ``rows_to``. ``drift``: of its features."""

    answer: Answer
    sentence: str
    alarms: tuple[Alarm, ...]
    score: str
    days: int
    mean: float | None
    baseline: float | None
    baseline_days: int
    provisional: bool
    since: DailyLine
    earlier: DailyLine
    references: tuple[DailyLine, ...]
    cusum: DailyLine
    threshold: float | None
    rows: tuple[ScoreRow, ...]
    bars: int
    rows_since: str | None
    rows_to: str | None
    drift: FeatureDrift | None


@dataclass(frozen=True)
class LargeMoves:
    """The bars of the largest tenth of moves: their pips, and on how many of them and of the others the side was
    right."""

    pips: PipsResult
    right: float
    others_right: float


@dataclass(frozen=True)
class Money:
    """Would it have earned anything? ``words``: the answer to a trader in one line. ``total``: all bars but the moves
    of the rollover hour; ``sessions`` and what was paid in that hour add up to it; ``rollover_words``: when it is.
    ``own``: by the champion itself since its promotion; else by its recipe's walk-forward before. ``net``: running sum
    by day."""

    answer: Answer
    words: str
    own: bool
    rollover_words: str
    first_day: str
    last_day: str
    days: int
    total: PipsResult
    sessions: tuple[PipsResult, ...]
    rollover: PipsResult | None
    large: LargeMoves
    felt: Risk
    references: tuple[PipsResult, ...]
    spreads: str
    swap: str
    rule: str
    gross: DailyLine
    net: DailyLine
    selectivity: Selectivity | None
    sized: SizedEdges | None


@dataclass(frozen=True)
class ReliabilityRow:
    """A tenth of the bars by score: mean ``score`` and ``probability``, the share that went ``up``, its standard error
    by days."""

    score: float
    probability: float
    up: float
    error: float
    bars: int


@dataclass(frozen=True)
class Reliability:
    """Does what is said come true? ``source`` and ``says``: what serving gives as probability now, and on what it
    rests. ``rows`` stand on the last ``days`` ledger days, each by the map of the days before it, and so does the Brier
    ``skill`` with its standard error by days; there are none while there are too few days."""

    source: str
    says: str
    days: int
    skill: float | None
    skill_error: float | None
    rows: tuple[ReliabilityRow, ...]


@dataclass(frozen=True)
class ImportanceRow:
    """What the champion loses a bar where this feature is shuffled, and its standard ``error`` by days."""

    name: str
    lost: float
    error: float | None


@dataclass(frozen=True)
class FeatureImportance:
    """``rows``: the most important feature first, in units of ``score`` a bar, on ``bars`` bars of ``days`` trading
    days, ``first`` to ``last``, that the champion was not trained on."""

    score: str
    bars: int
    days: int
    first: str
    last: str
    rows: tuple[ImportanceRow, ...]


@dataclass(frozen=True)
class Changes:
    """What is not the same: from one version to another, and why these two."""

    title: str
    a: str
    b: str
    parameters: tuple[Change, ...]
    data: tuple[Change, ...]
    environment: tuple[Change, ...]


@dataclass(frozen=True)
class Advice:
    """One thing to do next, and the command that does it."""

    words: str
    command: str | None = None


@dataclass(frozen=True)
class ReportData:
    """A whole report. What is about the champion is None while production is empty; ``side`` too while it is suspended,
    ``money`` where no bar was scored, ``importance`` while few days were. ``decisions``: the newest, oldest first, of
    ``decided`` in all. ``rescored``: trading days of these that were corrected after they were scored;
    ``retrospective``: what they scored too late to be live, or from restated values, in words."""

    model: str
    registry: str
    source: str
    simulated: bool
    as_of: str
    newest_bar: str
    production: Production | None
    side: Side | None
    quality: Quality | None
    money: Money | None
    reliability: Reliability | None
    importance: FeatureImportance | None
    decisions: tuple[DecisionSummary, ...]
    decided: int
    rescored: tuple[str, ...]
    retrospective: tuple[str, ...]
    comparisons: VersionComparisons
    versions: int
    changes: tuple[Changes, ...]
    advice: tuple[Advice, ...]
