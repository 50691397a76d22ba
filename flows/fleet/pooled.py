"""A recipe's lead on all instruments of a fleet at once.

A day of the pool is the sum, over the models that have it, of the recipe's lead over that model's own champion in units
of how much such leads vary there::

    D_t = Σ_i d_it / s_it       s_it: deviation of the recipes around their mean on the 250 days before day t

Sums of a day are one series, and the nightly gate's own z (:mod:`flows.gate.nightly.sequential`) is taken of it, with
the autocorrelation and the variance ratios of the pooled days. So instruments that move together make the sums vary
more, and nothing has to be known or estimated of how they are correlated, or of how many they are. s is known before
the day, so where no recipe is better than any champion, no sum has a mean above zero and the threshold of a year of
nights holds. In units of s no model counts more because its days vary more, its bars are fewer or its scores are of
another size.

Where a recipe is the champion's own it has no lead to speak of: the model is left out of that recipe's sum. A day that
fewer than half of a recipe's models have (a weekend of the one that trades it) is added to the next day.

A passed threshold says that the recipe is better on the average of its models. It is proposed where its own lead is
above zero and no guard of that model's last night holds it back.

>>> judge_pooled([MemberDays("gbpusd", day, {"recipe:1f": Track("line", d)}, s), ...], budget=0.0125)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.nightly.calibration import TOGETHER_SHARE, YearOfNights, calibrate
from flows.gate.nightly.dependence import OverWeeks
from flows.gate.nightly.sequential import WINDOWS, WindowEvidence, judge
from registry.format.phrases import listed, plural

__all__ = [
    "FEWEST_BEFORE",
    "FEWEST_MODELS",
    "POOLED_SHARE",
    "MemberDays",
    "PooledDecision",
    "PooledRow",
    "Proposed",
    "Track",
    "deviations",
    "judge_pooled",
    "judge_pooled_days",
    "pooled_days",
    "pooled_threshold",
    "share_of",
]

POOLED_SHARE = 0.25
"""Of a fleet's yearly budget, for the pool; the gates of its models have the rest in equal parts. The pool sees so much
at once that a quarter is enough, and the gates alone lose little (docs/gate.md, "A fleet")."""

FEWEST_BEFORE = 20
"""Days before a day that its deviation is taken from; with fewer it is no evidence."""

FEWEST_MODELS = 2

_WEEK = np.timedelta64(7, "D")
_SAME = 1e-12  # a variance this small beside the scores' own size is rounding: recipes that say the same


@dataclass(frozen=True, eq=False)
class Track:
    """A recipe on one model: its ``name``, its daily ``lead`` over the champion, shape (n_days,), NaN where there is
    none; ``version``: of the last night; ``held_by``: why that is not to be promoted there, None where nothing is."""

    name: str
    lead: Floats
    version: str | None = None
    held_by: str | None = None


@dataclass(frozen=True, eq=False)
class MemberDays:
    """One model's days: ``day``, ascending, and ``deviation`` before each, of shape (n_days,); ``tracks``: by stream,
    without that of the champion's own recipe."""

    model: str
    day: npt.NDArray[np.datetime64]
    tracks: Mapping[str, Track]
    deviation: Floats


@dataclass(frozen=True)
class PooledRow:
    """A recipe: on how many ``models`` and ``days``; the window of its largest z, and its mean there in deviations a
    day; None with too few days."""

    recipe: str
    stream: str
    models: int
    days: int
    window: int | None
    mean: float | None
    z: float | None


@dataclass(frozen=True)
class Proposed:
    """What the pool says of the leading recipe on one model: ``lead``, its own mean lead a bar over up to 250 days;
    ``version`` is proposed where ``held_by`` is None."""

    model: str
    version: str | None
    lead: float
    held_by: str | None = None


@dataclass(frozen=True)
class PooledDecision:
    """One look at the pool. ``stream``: of the leading recipe; ``proposed``: of it where it passed, else empty.
    ``left_out``: by model, why it is not part of it. ``basis``: by model, the decision whose evidence was pooled, entry
    and digest."""

    action: Literal["proposed", "held"]
    sentence: str
    rows: tuple[PooledRow, ...]
    stream: str | None
    proposed: tuple[Proposed, ...]
    threshold: float | None
    budget: float
    tried: int
    young: bool
    left_out: Mapping[str, str] = field(default_factory=dict)
    basis: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)

    def __str__(self) -> str:
        out = "".join(f"; without {name}: {reason}" for name, reason in self.left_out.items())
        return f"pooled: {self.sentence}{out}"

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says: who judges it again from its basis finds the same."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, allow_nan=False).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {**asdict(self), "sha256": self.digest}


def deviations(scores: Floats) -> Floats:
    """How much a recipe's daily score varied around the mean of all over up to 250 days before each day: shape
    (…, n_days) from (…, n_days, n_recipes), NaN with fewer than 20 days before. One recipe alone: around its own
    mean."""
    recipes = scores.shape[-1]
    beside = scores - scores.mean(axis=-1, keepdims=True) if recipes > 1 else scores
    n = np.minimum(np.arange(scores.shape[-2]), NIGHTS_A_YEAR).astype(np.float64)
    mean = _before(beside) / np.maximum(n, 1.0)[:, None]
    square = _before(np.square(beside)) / np.maximum(n, 1.0)[:, None]
    variance = (square - np.square(mean)).sum(axis=-1) / max(recipes - 1, 1)
    size = (_before(np.square(scores)) / np.maximum(n, 1.0)[:, None]).sum(axis=-1)
    known = (n >= FEWEST_BEFORE) & (variance > _SAME * size)
    return np.sqrt(np.where(known, variance, np.nan))


def pooled_days(members: Sequence[MemberDays]) -> tuple[tuple[str, ...], npt.NDArray[np.datetime64], Floats]:
    """Streams that two models and more have, ascending; days; and the pooled lead of each, shape (n_days, n_streams),
    NaN where it has none. The order of the members changes nothing."""
    ordered = sorted(members, key=lambda member: member.model)
    having = {
        stream: [each for each in ordered if stream in each.tracks] for member in ordered for stream in member.tracks
    }
    streams = tuple(sorted(stream for stream, who in having.items() if len(who) >= FEWEST_MODELS))
    empty = np.empty(0, "datetime64[D]")
    days = np.unique(np.concatenate([empty, *(member.day for member in ordered)]))
    sums = np.full((days.size, len(streams)), np.nan)
    for column, stream in enumerate(streams):
        sums[:, column] = _summed(days, [_scaled(days, member, stream) for member in having[stream]])
    return streams, days, sums


def share_of(budget: float, models: int) -> float:
    """What each of so many models has of a fleet's yearly budget."""
    return round(budget * (1.0 - POOLED_SHARE) / models, 6)


def judge_pooled_days(sums: Floats) -> WindowEvidence:
    """The gate's evidence of pooled days, shape (n_days, n_recipes), NaN where a recipe has none."""
    names = [str(recipe) for recipe in range(sums.shape[1])]
    evidence = judge(sums, np.ones(sums.shape[0]))
    return OverWeeks(names, sums[~np.isnan(sums).any(axis=1)]).widened(evidence, names)


def pooled_threshold(recipes: int, budget: float, *, young: bool) -> float:
    """The z that the largest of so many recipes exceeds in a year with the probability ``budget``.

    The nightly gate gives two fifths of its budget to the mean of all recipes; the pool looks at recipes alone, so all
    of it is theirs.
    """
    whole = budget if recipes == 1 else round(budget / (1.0 - TOGETHER_SHARE), 6)
    return calibrate(recipes, YearOfNights(budget=whole, young=young)).threshold


def judge_pooled(members: Sequence[MemberDays], *, budget: float, tried: int = 0) -> PooledDecision:
    """What the pool says tonight. ``budget``: a year's, of the pool alone; ``tried``: recipes that two models and more
    had in the last 250 nights."""
    streams, _, sums = pooled_days(members)
    tried = max(tried, len(streams))
    if not streams:
        return PooledDecision("held", "no recipe has evidence on two models", (), None, (), None, budget, tried, True)
    evidence = judge_pooled_days(sums)
    young = int(evidence.days.max()) < WINDOWS[-1]
    threshold = pooled_threshold(tried, budget, young=young)
    rows = tuple(_row(members, stream, evidence, at) for at, stream in enumerate(streams))
    best = evidence.best
    if best is None:
        words = f"too few days: {plural(int(evidence.days.max()), 'day')}"
        return PooledDecision("held", words, rows, None, (), threshold, budget, tried, young)
    row = rows[best.recipe]
    proposed = _proposed(members, row.stream) if best.z > threshold else ()
    over = f"over {plural(best.days, 'day')}"
    words = f"{row.recipe} on {plural(row.models, 'model')} z {best.z:.2f} of {threshold:.2f} {over}"
    where = [each.model for each in proposed if each.held_by is None]
    if not proposed:
        return PooledDecision("held", f"not better: {words}", rows, row.stream, (), threshold, budget, tried, young)
    held = "".join(f"; not on {each.model}: {each.held_by}" for each in proposed if each.held_by is not None)
    said = f"proposed: {listed(where)}" if where else "better, but held everywhere"
    action: Literal["proposed", "held"] = "proposed" if where else "held"
    return PooledDecision(action, f"{said}: {words}{held}", rows, row.stream, proposed, threshold, budget, tried, young)


def _row(members: Sequence[MemberDays], stream: str, evidence: WindowEvidence, at: int) -> PooledRow:
    having = [member for member in members if stream in member.tracks]
    best, name = evidence.best_of(at), min(member.tracks[stream].name for member in having)
    figures = (None, None, None) if best is None else (best.days, best.mean, best.z)
    return PooledRow(name, stream, len(having), int(evidence.days[at]), *figures)


def _proposed(members: Sequence[MemberDays], stream: str) -> tuple[Proposed, ...]:
    """By model, in their order: where the recipe leads, and what holds it back where it does not."""
    found = []
    for member in members:
        track = member.tracks.get(stream)
        if track is None:
            continue
        own = track.lead[~np.isnan(track.lead)][-NIGHTS_A_YEAR:]
        lead = float(own.mean()) if own.size else 0.0
        held = track.held_by if lead > 0.0 else "its own lead there is not above zero"
        found.append(Proposed(member.model, track.version, lead, held))
    return tuple(found)


def _scaled(days: npt.NDArray[np.datetime64], member: MemberDays, stream: str) -> Floats:
    """The member's lead in its deviations on each of ``days``, NaN where there is none."""
    scaled = np.full(days.size, np.nan)
    scaled[np.searchsorted(days, member.day)] = member.tracks[stream].lead / member.deviation
    return scaled


def _summed(days: npt.NDArray[np.datetime64], leads: Sequence[Floats]) -> Floats:
    """Sums by day; one that fewer than half of those have who had a day within the week goes into the next."""
    there, count = ~np.isnan(np.stack(leads)), np.isfinite(np.stack(leads)).sum(axis=0)
    last = np.maximum.accumulate(np.where(there, np.arange(days.size), -1), axis=1)
    active = ((last >= 0) & (days - days[last] < _WEEK)).sum(axis=0)
    total, sums, waiting = np.nansum(np.stack(leads), axis=0), np.full(days.size, np.nan), 0.0
    for at in np.flatnonzero(count).tolist():
        waiting += total[at]
        if 2 * count[at] >= active[at]:
            sums[at], waiting = waiting, 0.0
    return sums


def _before(values: Floats) -> Floats:
    """Sums over the last 250 days before each day, along the axis of days."""
    total = np.cumsum(values, axis=-2)
    until = np.concatenate([np.zeros_like(total[..., :1, :]), total[..., :-1, :]], axis=-2)
    sums = until.copy()
    sums[..., NIGHTS_A_YEAR:, :] -= until[..., :-NIGHTS_A_YEAR, :]
    return np.asarray(sums)
