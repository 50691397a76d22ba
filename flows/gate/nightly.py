"""The nightly gate: a stream is promoted when its evidence against the champion passes a threshold that one year of
nights without any difference passes with the probability of the yearly budget.

:func:`judge_nightly` looks at every recipe's stream since the champion was promoted, on the same bars, by trading days,
in every window (:mod:`flows.gate.sequential`), against a threshold calibrated for this many recipes
(:mod:`flows.gate.calibration`). Guards can only hold back. Before there is a champion, :func:`choose_first` takes the
stream that scored best in the backfill.

Everything is computed from the ledger and recorded, so that the same decision can be made again from the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.errors import GateRefused

from .calibration import Calibration, calibrate
from .days import MINIMUM_BARS, DailyScores, by_day
from .decision import Guard
from .ledger import Ledger, Stream, recipe_stream
from .nightly_decision import NightlyDecision, NightlyRow, WindowFigures
from .nightly_sentence import empty_sentence, first_sentence, nightly_sentence
from .policy import GatePolicy
from .scores import accuracy, brier, edge, trailing_base
from .sequential import Evidence, judge, more_nights, visible_difference

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FIRST_DAYS = 250
"""Days of a stream, backfill included, that the first champion is chosen by."""


@dataclass(frozen=True)
class Candidate:
    """What may be promoted tonight: ``version`` (tonight's of a recipe, or a former champion), judged by ``stream``.

    ``guards``: what was found about the version itself, continuity with its stream's last version for one.
    """

    name: str
    fingerprint: str
    stream: str
    version: str | None
    guards: tuple[Guard, ...] = ()
    former: bool = False


@dataclass(frozen=True)
class Champion:
    """Who is judged against: its own ``stream``, its recipe's (from which its ranks start), and the last night that
    does not count: the night it was promoted, or of a person's act if that is later."""

    version: str
    name: str
    stream: str
    recipe_stream: str
    after: str | None


def judge_nightly(
    ledger: Ledger,
    *,
    champion: Champion,
    candidates: Sequence[Candidate],
    tried: int,
    policy: GatePolicy,
    calibration: Calibration | None = None,
) -> NightlyDecision:
    """The decision of one night against a champion.

    ``tried``: how many distinct recipes (and former champions) were tried in the last 250 nights; the threshold is
    calibrated for it. Only live days after ``champion.after`` count, on bars that both were scored on. With a cadence
    of more than one night, nothing is promoted but on every so-manyth night after ``champion.after``.

    Raises :class:`GateRefused` for no candidates.
    """
    if not candidates:
        raise GateRefused("there are no candidates to judge: train at least one recipe")
    found = calibration or calibrate(
        max(tried, len(candidates)), cadence=policy.cadence, budget=policy.budget, windows=policy.windows
    )
    scores = Scored(ledger, policy)
    theirs = scores.of(champion.stream, champion.recipe_stream)
    since = [_since(ledger, champion, each) for each in candidates]
    daily = [
        scores.daily(scores.of(each.stream, each.stream) - theirs, span)
        for each, span in zip(candidates, since, strict=True)
    ]
    days, d, w = _joined(daily)
    evidence = judge(d, w, windows=policy.windows)
    rows = []
    for at, each in enumerate(candidates):
        span = _days_mask(ledger, days[~np.isnan(d[:, at])][-policy.windows[-1] :]) & since[at]
        rows.append(_row(ledger, scores, each, champion, evidence, at, span, policy))
    wait = _nights_to_next_look(ledger, champion, policy)
    eligible = [
        at
        for at, row in enumerate(rows)
        if not wait and row.largest_z is not None and row.largest_z > found.threshold and row.passed
    ]
    winner = max(eligible, key=lambda at: rows[at].largest_z or 0.0) if eligible else None
    shown = winner if winner is not None else _leader(rows)
    lead = None if shown is None else evidence.best_of(shown)
    more = None if lead is None else more_nights(lead, found.threshold)
    visible = None if lead is None else visible_difference(lead, found.threshold)
    reason = _reason(rows, winner, found.threshold, wait)
    return NightlyDecision(
        action="held" if winner is None else "promoted",
        winner=None if winner is None else candidates[winner].name,
        winner_version=None if winner is None else candidates[winner].version,
        returned=winner is not None and candidates[winner].former,
        reason=reason,
        sentence=nightly_sentence(
            champion=champion.version,
            rows=rows,
            shown=shown,
            promoted=winner is not None,
            threshold=found.threshold,
            budget=policy.budget,
            score=policy.score,
            more=more,
            visible=visible,
            days=int(evidence.days.max()),
            shortest=policy.windows[0],
            wait=wait,
        ),
        champion=champion.version,
        rows=tuple(rows),
        threshold=found.threshold,
        calibration={"recipes": found.recipes, "paths": found.paths, "seed": found.seed, "nights": found.nights},
        autocorrelation=evidence.r,
        first_day=None if not days.size else str(days[0]),
        last_day=None if not days.size else str(days[-1]),
        days=int(days.size),
        smallest_visible=visible,
        more_nights=more,
        tried=max(tried, len(candidates)),
        after=champion.after,
        policy=policy.to_dict(),
    )


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
    scores = Scored(ledger, policy)
    rows = []
    everything = np.ones(ledger.label.size, np.bool_)
    for each in candidates:
        daily = scores.daily(scores.of(each.stream, each.stream), everything)
        recent = daily.day[-FIRST_DAYS:]
        evidence = judge(daily.mean[-FIRST_DAYS:], daily.bars[-FIRST_DAYS:], windows=policy.windows)
        rows.append(_row(ledger, scores, each, None, evidence, 0, _days_mask(ledger, recent), policy))
    ready = [
        at
        for at, row in enumerate(rows)
        if row.windows and (row.passed or (accept_unskilled and row.lacks_skill_alone))
    ]
    winner = max(ready, key=lambda at: rows[at].windows[-1].mean) if ready else None
    sentence = empty_sentence(rows, policy.windows[0]) if winner is None else first_sentence(rows, winner, policy.score)
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


class Scored:
    """The scores of a ledger's streams, bar by bar, each computed once."""

    def __init__(self, ledger: Ledger, policy: GatePolicy) -> None:
        self._ledger = ledger
        self._score = policy.score
        self._base = trailing_base(ledger.label)
        self._found: dict[tuple[str, str], Floats] = {}

    def of(self, key: str, ranked_after: str) -> Floats:
        """Score a bar, shape (n_bars,), NaN where there is none. Ranks start with the stream ``ranked_after``."""
        if (key, ranked_after) not in self._found:
            self._found[key, ranked_after] = self._computed(key, ranked_after)
        return self._found[key, ranked_after]

    def daily(self, scores: Floats, among: Mask) -> DailyScores:
        """Daily means of one column over the counted bars among ``among``."""
        kept = np.where(self._ledger.counted & among, scores, np.nan)
        return by_day(self._ledger.day, kept, minimum_bars=MINIMUM_BARS)

    def figures(self, stream: Stream, among: Mask) -> tuple[int, float | None, float | None]:
        """Bars, accuracy at the cut, and of the majority before each bar, over counted scored bars ``among``."""
        at = np.flatnonzero(stream.scored & among & self._ledger.counted)
        if not at.size:
            return 0, None, None
        label = self._ledger.label[at] == 1.0
        right = float(np.mean((stream.p[at] > stream.cut[at]) == label))
        majority = float(np.mean((np.nan_to_num(self._base[at]) > 0.0) == label))
        return int(at.size), right, majority

    def _computed(self, key: str, ranked_after: str) -> Floats:
        result = np.full(self._ledger.label.size, np.nan)
        stream = self._ledger.streams.get(key)
        if stream is None or not stream.scored.any():
            return result
        at = np.flatnonzero(stream.scored)
        p, y = stream.p[at], self._ledger.label[at]
        if self._score == "accuracy":
            result[at] = accuracy(p, y, cut=stream.cut[at])
        elif self._score == "brier":
            result[at] = brier(p, y)
        else:
            earlier = self._before(ranked_after, at[0]) if ranked_after != key else np.empty(0)
            defined = ~np.isnan(self._base[at])
            said = np.full(at.size, np.nan)
            ranked = edge(p, y, base=np.where(defined, self._base[at], 0.0), earlier=earlier)
            said[defined] = ranked[defined]
            result[at] = said
        return result

    def _before(self, key: str, first: int) -> Floats:
        stream = self._ledger.streams.get(key)
        return np.empty(0) if stream is None else stream.p[:first][stream.scored[:first]]


def _row(
    ledger: Ledger,
    scores: Scored,
    each: Candidate,
    champion: Champion | None,
    evidence: Evidence,
    at: int,
    span: Mask,
    policy: GatePolicy,
) -> NightlyRow:
    windows = tuple(
        WindowFigures(
            int(evidence.n[at, i]), float(evidence.mean[at, i]), float(evidence.standard_error[at, i]), float(z)
        )
        for i, z in enumerate(evidence.z[at])
        if not np.isnan(z)
    )
    best, stream = evidence.best_of(at), ledger.streams.get(each.stream)
    theirs = None if champion is None else ledger.streams.get(champion.stream)
    both = span if theirs is None else span & theirs.scored
    bars, right, majority = (0, None, None) if stream is None else scores.figures(stream, both)
    beside = None if theirs is None or stream is None else scores.figures(theirs, both & stream.scored)[1]
    guards = [*each.guards, *_guards(right, majority, beside, policy)]
    if champion is None and windows and policy.score == "edge":
        guards.append(Guard("edge", windows[-1].mean > 0.0, f"a mean edge of {windows[-1].mean:+.4f}"))
    return NightlyRow(
        name=each.name,
        fingerprint=each.fingerprint,
        version=each.version,
        former=each.former,
        days=int(evidence.days[at]),
        bars=bars,
        accuracy=right,
        champion_accuracy=beside,
        majority_accuracy=majority,
        windows=windows,
        best_window=None if best is None else best.days,
        largest_z=None if best is None else best.z,
        guards=tuple(guards),
    )


def _guards(right: float | None, majority: float | None, champion: float | None, policy: GatePolicy) -> list[Guard]:
    """What its accuracy at its cut must satisfy, whatever the evidence."""
    guards = []
    if right is not None and majority is not None:
        words = f"{100 * right:.2f} % right at its cut, the majority {100 * majority:.2f} %"
        guards.append(Guard("no_skill", right >= majority, words))
    if right is not None and champion is not None:
        words = f"{100 * right:.2f} % right at its cut, the champion {100 * champion:.2f} %"
        guards.append(Guard("accuracy", right >= champion - policy.accuracy_margin_points / 100.0, words))
    return guards


def _since(ledger: Ledger, champion: Champion, each: Candidate) -> Mask:
    """Bars of days later than ``champion.after`` that both were scored on live."""
    live = np.ones(ledger.label.size, np.bool_)
    for key in (champion.stream, each.stream):
        live &= ledger.streams[key].live if key in ledger.streams else False
    return live if champion.after is None else live & (ledger.day > np.datetime64(champion.after, "D"))


def _joined(daily: Sequence[DailyScores]) -> tuple[npt.NDArray[np.datetime64], Floats, Floats]:
    """Days of any candidate, ascending; differences and bars of each, NaN and 1 where a day is none of its."""
    days = np.unique(np.concatenate([each.day.astype("datetime64[D]") for each in daily]))
    d, w = np.full((days.size, len(daily)), np.nan), np.ones((days.size, len(daily)))
    for column, each in enumerate(daily):
        at = np.searchsorted(days, each.day.astype("datetime64[D]"))
        d[at, column], w[at, column] = each.mean[:, 0], np.where(each.bars[:, 0] > 0, each.bars[:, 0], 1.0)
    return days, d, w


def _days_mask(ledger: Ledger, days: npt.NDArray[np.generic]) -> Mask:
    return np.isin(ledger.day, days.astype("datetime64[D]"))


def _leader(rows: Sequence[NightlyRow]) -> int | None:
    told = [at for at, row in enumerate(rows) if row.largest_z is not None]
    return max(told, key=lambda at: rows[at].largest_z or 0.0) if told else None


def _nights_to_next_look(ledger: Ledger, champion: Champion, policy: GatePolicy) -> int:
    """0 on a night that decides: looking oftener than the threshold was calibrated for would void its error rate."""
    nights = sum(champion.after is None or night > champion.after for night in ledger.live_nights)
    return -nights % policy.cadence


def _reason(rows: Sequence[NightlyRow], winner: int | None, threshold: float, wait: int) -> str:
    if winner is not None:
        return "better"
    strong = [row for row in rows if row.largest_z is not None and row.largest_z > threshold]
    if strong and wait:
        return "between looks"
    if strong:
        return strong[0].failed[0].name
    return "not better" if any(row.largest_z is not None for row in rows) else "too few days"


def tried_lately(ledger: Ledger, candidates: Sequence[Candidate], *, nights: int = 250) -> int:
    """Distinct recipes with a live score in the last ``nights`` nights, tonight's among them, and former champions."""
    recent = ledger.live_nights[-nights:]
    keys = {each.stream for each in candidates}
    if recent:
        first = np.datetime64(recent[0], "D")
        days: Mapping[str, Stream] = ledger.streams
        for key, stream in days.items():
            if key.startswith(recipe_stream("")) and (stream.live & (ledger.day >= first)).any():
                keys.add(key)
    return len(keys)
