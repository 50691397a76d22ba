"""A champion's health is a list of alarms; each is one sentence: since when, how much, against what.

The score of each trading day since the promotion is compared with what the champion's recipe scored before the window
that it was promoted on (never with that window: it was chosen because it was good). Faults that need no statistics are
said at once: one class only, an artifact that is gone, features unlike those it was trained on, stale or missing bars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from flows.bars import Dataset, night_of
from flows.errors import GateRefused
from flows.evidence.reading import read_ledger
from flows.gate.nightly.first import FIRST_DAYS
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.days import DailyScores
from flows.gate.scoring.ledger import Ledger, recipe_stream, version_stream
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.instruments import GBPUSD_M15, Instrument
from flows.job.plan import Job, policy_of
from flows.monitoring.cusum import Baseline, Watch, baseline
from flows.monitoring.cusum import watch as cusum
from flows.monitoring.drift import days_behind, one_sided, thin_days
from flows.monitoring.features import FeatureDrift, feature_drift
from registry import ChampionRecord, Model
from registry.format.entries import Entry
from registry.format.phrases import plural
from registry.model.transitions import night_in_force

Kind = Literal["regressed", "one class", "unscored", "shifted", "stale bars", "thin days", "old"]


@dataclass(frozen=True)
class Alarm:
    """Something a person should look at."""

    kind: Kind
    sentence: str


@dataclass(frozen=True)
class Health:
    """``days``: trading days the champion was scored on since its promotion; ``baseline_days``: days it is compared
    with (0: there are too few to compare). ``provisional``: fewer than 250 of them."""

    champion: str
    days: int
    baseline_days: int
    provisional: bool
    alarms: tuple[Alarm, ...]
    drift: FeatureDrift | None = None
    """None where there is too little to tell."""

    def __str__(self) -> str:
        if self.alarms:
            return "; ".join(alarm.sentence for alarm in self.alarms)
        how = "no baseline yet" if not self.baseline_days else f"against {self.baseline_days} days before"
        doubt = ", provisional" if self.provisional and self.baseline_days else ""
        return f"{self.champion} is healthy after {self.days} trading days ({how}{doubt})"


@dataclass(frozen=True, eq=False)
class ScoreHistory:
    """Daily scores of the champion ``since`` its promotion and of its recipe's stream ``earlier``; ``before``: those of
    them that lie before the window it was promoted on, which ``base`` is made of. ``watch``: None without a base."""

    since: DailyScores
    earlier: DailyScores
    before: DailyScores
    base: Baseline | None
    watch: Watch | None


@dataclass(frozen=True)
class ExpectedBars:
    """Which bars must be there. ``due``: the newest trading day that must have some; ``partial``: whether few bars, or
    none, are usual on a day."""

    due: date
    partial: Callable[[date], bool] = lambda day: False


def day_before(now: datetime, instrument: Instrument = GBPUSD_M15) -> date:
    """The trading day before the present one: with no calendar at hand, the newest whose bars must be there."""
    before = night_of(pd.Timestamp(now), instrument) - timedelta(days=1)
    while before.weekday() not in instrument.hours.weekdays:
        before -= timedelta(days=1)
    return before


def examine(
    model: Model,
    champion: ChampionRecord,
    data: Dataset,
    ledger: Ledger,
    policy: GatePolicy,
    expected: ExpectedBars,
) -> Health:
    """The champion's health as the bars of ``data`` and the evidence show it.

    Raises :class:`~flows.errors.BarsRejected` where the bars lack what the champion needs.
    """
    history = score_history(model, champion, ledger, StreamScorer(ledger, policy.score))
    base, drift = history.base, feature_drift(model, champion, data)
    alarms = [
        *_regressed(champion, history, policy),
        *_one_class(champion, ledger),
        *_unscored(model, champion, ledger),
        *_shifted(champion, drift),
        *_missing_bars(data, expected),
        *_old(champion, history.since, policy),
    ]
    days = 0 if base is None else base.days
    scored, provisional = int(history.since.day.size), base is None or base.provisional
    return Health(champion.version, scored, days, provisional, tuple(alarms), drift)


def score_history(model: Model, champion: ChampionRecord, ledger: Ledger, scores: StreamScorer) -> ScoreHistory:
    """How the champion scored day by day, and the watch over it."""
    own, recipe = version_stream(champion.version), recipe_stream(champion.recipe_fingerprint or "")
    begin = np.datetime64(champion_since(model, champion) or "1970-01-01", "D")
    since = scores.daily(scores.of(own, recipe), ledger.day > begin)
    earlier = scores.daily(scores.of(recipe, recipe), ledger.day <= begin)
    chosen = _chosen(model, champion)
    known = int((earlier.day <= np.datetime64(str(chosen.state.get("night") or begin), "D")).sum())
    keep = max(known - _promotion_days(model, champion.version, chosen), 0)
    before = DailyScores(earlier.day[:keep], earlier.mean[:keep], earlier.bars[:keep])
    base = _baseline(before)
    return ScoreHistory(
        since, earlier, before, base, None if base is None else cusum(since.mean[:, 0], base, since.bars[:, 0])
    )


def champion_since(model: Model, champion: ChampionRecord) -> str | None:
    """The night it became champion; where a person made it so, the last one decided before."""
    night = champion.night or model.decisions.read(champion.decision).state.get("night")
    return night_in_force(model.decisions.head(), night)


def _chosen(model: Model, champion: ChampionRecord) -> Entry:
    """The decision that chose it: of a champion that a person went back to, the one that once promoted it."""
    promotion = model.decisions.read(champion.decision)
    if promotion.kind != "rolled_back":
        return promotion
    for entry in model.decisions.walk():
        if (
            entry.n < promotion.n
            and entry.kind in ("promoted", "returned")
            and entry.body["version"] == champion.version
        ):
            return entry
    return promotion


def _promotion_days(model: Model, version: str, chosen: Entry) -> int:
    """How many days the decision that chose it looked at."""
    record: Any = model.decision_record(chosen)
    if record is None or record.get("rule") != "nightly":
        return 0
    if record.get("refreshed"):
        return int(record["refresh"]["days"])
    row = next((row for row in record["rows"] if row["version"] == version), None)
    return int(row["best_window"] or FIRST_DAYS) if row is not None and record["champion"] is not None else FIRST_DAYS


def _baseline(before: DailyScores) -> Baseline | None:
    try:
        return baseline(before.mean[:, 0], before.bars[:, 0])
    except GateRefused:
        return None  # too few days to compare with: said in the health's sentence


def _regressed(champion: ChampionRecord, history: ScoreHistory, policy: GatePolicy) -> list[Alarm]:
    since = history.since
    alarm = None if history.watch is None else history.watch.alarm
    if alarm is None:
        return []
    doubt = ", provisional: the baseline is short" if alarm.provisional else ""
    return [
        Alarm(
            "regressed",
            f"{champion.version} has got worse since {since.day[alarm.since]}: {alarm.mean:+.4f} {policy.score} a bar "
            f"over {alarm.days} days against {alarm.baseline_mean:+.4f} before (CUSUM {alarm.cusum:.1f}, alarm at "
            f"{alarm.threshold:.1f}, one false alarm in twenty years{doubt}); look at `retrain explain`, roll back "
            "with `registry rollback`, or let the gate find a better one",
        )
    ]


def _one_class(champion: ChampionRecord, ledger: Ledger) -> list[Alarm]:
    stream = ledger.streams.get(version_stream(champion.version))
    if stream is None or not stream.scored.any():
        return []
    days = np.unique(ledger.day[stream.scored])[-ledger.instrument.counts.four_weeks :]
    at = stream.scored & np.isin(ledger.day, days)
    if days.size < 2 or not one_sided(stream.p[at], threshold=champion.cut):
        return []
    side = "up" if stream.p[at][0] > champion.cut else "not up"
    return [
        Alarm("one class", f"{champion.version} said '{side}' on every one of {int(at.sum()):,} bars since {days[0]}")
    ]


def _unscored(model: Model, champion: ChampionRecord, ledger: Ledger) -> list[Alarm]:
    """Nights went on without it: its health is not known any more, and nothing can be promoted."""
    begin, stream = champion_since(model, champion), ledger.streams.get(version_stream(champion.version))
    scored = np.zeros(ledger.day.size, np.bool_) if stream is None else stream.scored
    live = np.any([stream.live for stream in ledger.streams.values()], axis=0) if ledger.streams else scored
    missed = live & ~np.logical_or.accumulate(scored[::-1])[::-1]  # bars after its newest score
    days = np.unique(ledger.day[missed & ledger.counted & (ledger.day > np.datetime64(begin or "1970-01-01", "D"))])
    if days.size < 2:  # a day that was scored before a person made it champion
        return []
    return [
        Alarm(
            "unscored",
            f"{champion.version} has no score on the {days.size} trading days since {days[0]}, while recipes were "
            "scored: its artifact is gone, so nothing can be told of it and nothing promoted; look at "
            "`registry verify`, restore it, or roll back with `registry rollback`",
        )
    ]


def _shifted(champion: ChampionRecord, drift: FeatureDrift | None) -> list[Alarm]:
    """Features that moved by more than training moves; a price level always does, and is none of them."""
    if drift is None or not drift.shifted:
        return []
    worst = [
        f"{row.name} (stability index {row.index:.2f}, above the {row.bound:.2f} that no drift makes; "
        f"{100.0 * row.outside:.0f} % outside the range it was trained on)"
        for row in drift.shifted
    ]
    return [
        Alarm(
            "shifted",
            f"the last {drift.days} days look unlike what {champion.version} was trained on: {', '.join(worst)}; "
            "compare with its score before acting",
        )
    ]


def _missing_bars(data: Dataset, expected: ExpectedBars) -> list[Alarm]:
    newest = np.datetime64(data.bars.night.isoformat())
    behind = days_behind(newest, np.datetime64(expected.due.isoformat()), data.instrument.hours)
    alarms = []
    if behind:
        late = f"the newest bar is of {newest}, {plural(behind, 'trading day', thousands='')} behind {expected.due}"
        alarms.append(Alarm("stale bars", f"{late}: look at where the bars come from"))
    days, bars = np.unique(data.trading_day, return_counts=True)
    recent = slice(-data.instrument.counts.four_weeks - 1, -1)  # the newest day may not be over
    thin = [str(days[recent][at]) for at in thin_days(bars[recent]) if not expected.partial(days[recent][at].item())]
    if thin:
        alarms.append(Alarm("thin days", f"bars are missing on {', '.join(thin)}: a hole in the feed, or a holiday"))
    return alarms


def _old(champion: ChampionRecord, since: DailyScores, policy: GatePolicy) -> list[Alarm]:
    if since.day.size <= policy.maximum_age_nights:
        return []
    return [
        Alarm(
            "old",
            f"{champion.version} is champion for {since.day.size} trading days: nothing was clearly better since "
            f"{since.day[0]}",
        )
    ]


def health_now(
    job: Job, model: Model, due: date, *, partial: Callable[[date], bool] = lambda day: False
) -> Health | None:
    """The champion's health from the bars and the evidence there are; None while production is empty.

    ``due`` and ``partial``: see :class:`ExpectedBars`.
    """
    head = model.decisions.head()
    champion = model.champion()
    if champion is None:
        return None
    ledger = read_ledger(model)
    return examine(model, champion, job.load_dataset(), ledger, policy_of(job, head), ExpectedBars(due, partial))
