"""Collecting a night's evidence: every newly labelled bar is scored by the versions trained before it.

Each bar is scored once, and the registry keeps the scores: its manifest says through which bar. A bar that the vendor
corrected since then is scored anew, by the version that scored it first, and the decision says on which days. What is
scored too late, or from other values than at first, is no live evidence (:mod:`flows.evidence.hindsight`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from flows.arrays import Mask
from flows.bars import Dataset
from flows.errors import NightRefused
from flows.evidence.backfill import day_fingerprints, walk_forward
from flows.evidence.hindsight import Hindsight, clock_of, first_sight, hindsight
from flows.evidence.reading import read_nights
from flows.evidence.scorers import NamedVersions, Scorers, reach_of
from flows.evidence.signatures import Signatures
from flows.evidence.versions import VersionCache, cannot_score, unseen
from flows.fitting.queue import OnQueueProgress
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import (
    Ledger,
    NightScores,
    StreamScores,
    assemble,
    backfilled,
    fold,
    minutes,
    recipe_stream,
    to_bytes,
    version_stream,
    without_replaced_days,
)
from flows.gate.scoring.sight import FirstSight
from flows.job.plan import Job, policy_of
from registry import Model, Night, key_digest
from registry.archive.input_schema import RowsOf
from registry.clock import read_moment, write_time
from registry.errors import ArtifactMissing, InputMismatch
from registry.format.entries import Entry
from registry.model.evidence import Manifest, ScoredNight, manifest_of

DAYS_NAMED = 20
"""Rescored days that a decision names one by one; of more it says how many, from when to when."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The ledger after tonight's bars. ``scored``: the entry that names its files, None where nothing is kept (a dry
    run). ``policy``: sets the decision threshold of tonight's versions. ``new_bars``: scored for the first time.
    ``scorers``: the versions that scored, ready to score again. ``rescored``: trading days corrected since the last
    decided night and scored anew. ``nights``: the scores that the ledger is made of. ``chance``: an id that nobody knew
    before these scores were written. ``vouched``: what a person lets the night use although no trusted key signed it.
    ``hindsight``: what the nights since the last decided one scored too late to be live, or from restated values.
    """

    ledger: Ledger
    scored: Entry | None
    policy: GatePolicy
    new_bars: int
    scorers: VersionCache
    rescored: tuple[str, ...] = ()
    nights: tuple[NightScores, ...] = ()
    chance: str = ""
    vouched: Mapping[str, Any] | None = None
    hindsight: Hindsight = field(default_factory=Hindsight)

    @property
    def corrections(self) -> str:
        """The rescored days in words; empty where there are none."""
        if len(self.rescored) <= DAYS_NAMED:
            return ", ".join(self.rescored)
        return f"{len(self.rescored)} days from {self.rescored[0]} to {self.rescored[-1]}"


@dataclass(frozen=True)
class _Addition:
    """What a night adds to the evidence: the scores of ``tonight`` and, on a first night, of the ``backfill``.
    ``through``: the newest scored bar; ``new_bars``: scored for the first time; ``since``: the evidence before."""

    tonight: NightScores
    backfill: Sequence[NightScores]
    through: str
    new_bars: int
    since: Manifest

    @property
    def is_empty(self) -> bool:
        """True where evidence was begun before and no bar is new or corrected."""
        return self.since.through is not None and not self.tonight.opens.size and not self.tonight.replaced


@dataclass(frozen=True, eq=False)
class _BarsToScore:
    """The bars that a night scores, masks of shape (n_bars,): ``new`` ones, and those ``corrected`` on ``days`` that
    were scored before; ``seen``: how they look tonight."""

    data: Dataset
    new: Mask
    corrected: Mask
    days: tuple[str, ...] = ()
    seen: FirstSight | None = None

    @cached_property
    def chosen(self) -> Mask:
        return self.new | self.corrected

    def corrected_on(self, day: str) -> Mask:
        return np.asarray(self.corrected & (self.data.trading_day == np.datetime64(day)), np.bool_)

    def scores(self, night: str, streams: Sequence[StreamScores] = ()) -> NightScores:
        """The night's scores of these bars."""
        frame = self.data.bars.frame
        return NightScores(
            night=night,
            live=True,
            opens=minutes(pd.DatetimeIndex(frame.index)[self.chosen]),
            label=self.data.label[self.chosen],
            days=day_fingerprints(self.data, self.chosen),
            streams=tuple(streams),
            replaced=self.days,
            columns=tuple(map(str, frame.columns)),
            seen=self.seen,
            instrument=self.data.instrument,
            question=self.data.question,
        )


def gather(job: Job, model: Model, data: Dataset, night: Night, progress: OnQueueProgress | None = None) -> Evidence:
    """Score what is new, add it to the registry, and give all the evidence there is.

    Raises :class:`NightRefused` where the evidence reaches further than the bars do, or names what no trusted key
    signed, :class:`BarsRejected` where they lack what the champion needs.
    """
    before, decisions = model.scored(), model.decisions.head()
    manifest = Manifest() if before is None else manifest_of(before)
    signatures = Signatures(job, model)
    policy, versions = policy_of(job, decisions), VersionCache(model, trusted=signatures.holds)
    policy.check_longest_window()
    earlier, now = read_nights(model, manifest), clock_of(data, model.access.clock.now())
    opens = pd.DatetimeIndex(data.bars.frame.index)
    labelled = ~np.isnan(data.label)
    if not labelled.any():
        return Evidence(assemble(earlier), None, policy, 0, versions, hindsight=hindsight(data, now, ()))
    through = write_time(opens[labelled][-1].to_pydatetime())
    past: list[NightScores] = []
    new = np.zeros(opens.size, np.bool_)
    if manifest.through is None:
        if job.request.advanced.backfill:
            past = walk_forward(replace(job, gate=policy), data, night=night.day, progress=progress)
        tonight = _BarsToScore(data, new, new, seen=first_sight(data, new, (), now)).scores(night.day)
    else:
        _refuse_past(job, through, manifest.through)
        new = labelled & np.asarray(opens > pd.Timestamp(read_moment(manifest.through)), np.bool_)
        reach = reach_of(data, new)
        scorers = Scorers.of(job, NamedVersions(model, versions, signatures, reach), before)
        scorer = _NightScorer(scorers, versions, _evaluation_bars(data, new, earlier, now), earlier)
        tonight = scorer.scores(night.day)
    addition = _Addition(tonight, past, through, int(new.sum()), manifest)
    everything = [*past, *earlier, *([] if addition.is_empty else [tonight])]  # what is not kept is no night to count
    scored = None if job.request.dry_run else _store(job, model, night, addition, before)
    since = _since(everything, None if decisions is None else decisions.state.get("night"))
    written_tonight = scored is not None and scored.body["night"] == night.day
    return Evidence(
        assemble(everything),
        scored,
        policy,
        addition.new_bars,
        versions,
        tuple(sorted({day for scores in since for day in scores.replaced})),
        nights=tuple(everything),
        chance=scored.operation if scored is not None and written_tonight else model.access.new_id(),
        vouched=signatures.to_dict(),
        hindsight=hindsight(data, now, since),
    )


def _refuse_past(job: Job, through: str, scored_through: str) -> None:
    if through < scored_through:
        raise NightRefused(
            f"the evidence of {job.model} has the bars through {scored_through}, and the newest known label is of "
            f"{through}: give a later as-of, or use another --model to look at the past"
        )


def _store(job: Job, model: Model, night: Night, addition: _Addition, before: Entry | None) -> Entry:
    """The entry that names all the evidence, written where there is something to add to what there was ``before``."""
    if before is not None and addition.is_empty:
        return before
    return model.score(
        ScoredNight(
            to_bytes([addition.tonight]),
            night.day,
            addition.through,
            addition.new_bars,
            backfill=[to_bytes(addition.backfill)] if addition.backfill else [],
        ),
        fold=fold,
        author=job.author,
        since=addition.since,
        key=key_digest([job.model, night.day, "scored", addition.through, list(addition.tonight.replaced)]),
        as_of=night.as_of,
    )


def _since(nights: Sequence[NightScores], decided: str | None) -> list[NightScores]:
    """Those after the last decided night: also of a run that was killed before it could say what it did."""
    return [scores for scores in nights if decided is None or scores.night > decided]


def _evaluation_bars(data: Dataset, new: Mask, earlier: Sequence[NightScores], now: datetime) -> _BarsToScore:
    """The new bars, and those of corrected days; what a backfill scored stays as it is."""
    days = _corrected_days(data, earlier)
    past = np.isin(minutes(pd.DatetimeIndex(data.bars.frame.index)), backfilled(earlier))
    corrected = np.isin(data.trading_day.astype(str), days) & ~np.isnan(data.label) & ~new & ~past
    return _BarsToScore(data, new, corrected, days, first_sight(data, new | corrected, earlier, now))


@dataclass(frozen=True, eq=False)
class _NightScorer:
    """Scores evaluation bars: new ones by every stream's version, corrected days by the versions that scored them
    ``earlier``."""

    scorers: Scorers
    versions: VersionCache
    bars: _BarsToScore
    earlier: Sequence[NightScores]

    def scores(self, night: str) -> NightScores:
        if not self.bars.chosen.any():
            return self.bars.scores(night)
        streams = [*self._of_new_bars()]
        for day in self.bars.days:
            streams += self._of_corrected_day(self.bars.corrected_on(day))
        return self.bars.scores(night, _merged(streams))

    def _of_new_bars(self) -> Iterator[StreamScores]:
        for recipe, entries in self.scorers.recipes:
            left = self.bars.new
            for entry in entries:  # each bar by the newest version that may
                wanted = left & unseen(self.bars.data, self.versions.registered_at(entry))
                left = left & ~wanted
                yield from self._scored_by(entry, recipe_stream(recipe.fingerprint), recipe.name, wanted)
        for place, entry in enumerate(self.scorers.frozen):
            frozen = self.versions.registered_at(entry)
            wanted, name = self.bars.new & unseen(self.bars.data, frozen), frozen.recipe or "unnamed"
            try:
                yield from self._scored_by(entry, version_stream(frozen.version), name, wanted)
            except InputMismatch as error:
                if place == 0:  # nothing can be judged without the champion; the one before it drops out of the race
                    raise cannot_score(frozen.version, name, error) from error

    def _of_corrected_day(self, corrected: Mask) -> Iterator[StreamScores]:
        """The day's bars by the versions that scored them: of those of a stream the newest one trained before each."""
        left: dict[str, Mask] = {}
        for stream, name, entry in _first_scorers(self.bars.data, corrected, self.earlier, self.versions):
            wanted = left.get(stream, corrected) & unseen(self.bars.data, self.versions.registered_at(entry))
            left[stream] = left.get(stream, corrected) & ~wanted
            with suppress(InputMismatch):  # what it needs is gone: no score, as where its archive is
                yield from self._scored_by(entry, stream, name, wanted)

    def _scored_by(self, entry: int, stream: str, name: str, wanted: Mask) -> Iterator[StreamScores]:
        """The scores of a version on the wanted bars; none where there is no such bar or its archive is gone.

        :class:`InputMismatch` where the bars lack what it needs, which tonight's recipes may not.
        """
        if not wanted.any():
            return
        chosen = self.bars.chosen
        p = np.full(int(chosen.sum()), np.nan)
        try:
            p[wanted[chosen]] = self.versions.probabilities(entry, RowsOf(self.bars.data.bars.frame, wanted))
        except ArtifactMissing:
            return  # retired and collected: the stream has no score on these bars
        record = self.versions.registered_at(entry)
        yield StreamScores(stream, name, record.version, record.cut, p, entry)


def _first_scorers(
    data: Dataset, corrected: Mask, earlier: Sequence[NightScores], versions: VersionCache
) -> list[tuple[str, str, int]]:
    """Stream, name and the version's entry of whoever scored one of these bars, the newest versions first."""
    opens = minutes(pd.DatetimeIndex(data.bars.frame.index)[corrected])
    scorers: dict[tuple[str, str, int], None] = {}
    for scores in earlier:
        here = np.isin(scores.opens, opens)
        for stream in scores.streams:
            if stream.version is not None and not np.isnan(stream.p[here]).all():
                entry = versions.scorer(stream)
                if entry is not None:
                    scorers[stream.stream, stream.name, entry] = None
    return sorted(scorers, key=lambda scorer: scorer[2], reverse=True)


def _merged(streams: Sequence[StreamScores]) -> tuple[StreamScores, ...]:
    """One for each stream and version; where a stream's version scored new bars and old ones, both together."""
    merged: dict[tuple[str, str | None, float], StreamScores] = {}
    for scores in streams:
        key = scores.stream, scores.version, scores.cut
        before = merged.get(key)
        p = scores.p if before is None else np.where(np.isnan(before.p), scores.p, before.p)
        merged[key] = replace(scores, p=p)
    return tuple(merged.values())


def _corrected_days(data: Dataset, nights: Sequence[NightScores]) -> tuple[str, ...]:
    """Trading days that are not what nights scored: a bar or a label corrected, a bar gone, a hole filled.

    A backfilled day stays as it is: the models that scored it were not kept, and it is no evidence. A column more is no
    correction, and where one is gone only labels are compared: to score every day anew would void those whose versions
    are gone.
    """
    columns = set(map(str, data.bars.frame.columns))
    opens, days = minutes(pd.DatetimeIndex(data.bars.frame.index)), data.trading_day.astype(str)
    changed: set[str] = set()
    scored = [np.empty(0, np.int64)]
    for scores in without_replaced_days([scores for scores in nights if scores.live]):
        place = np.minimum(np.searchsorted(opens, scores.opens), opens.size - 1)
        present = opens[place] == scores.opens
        at = place[present]
        changed |= set(days[at[data.label[at] != scores.label[present]]].tolist())
        for day, fingerprint in scores.days.items():
            here = np.zeros(opens.size, np.bool_)
            here[at[days[at] == day]] = True
            comparable = here.any() and columns.issuperset(scores.columns)
            if comparable and data.fingerprint(here, scores.columns) != fingerprint:
                changed.add(day)
        scored.append(scores.opens)
    known = np.concatenate(scored)
    if known.size:
        between = (opens > known.min()) & (opens < known.max()) & ~np.isnan(data.label)
        changed |= set(days[between & ~np.isin(opens, known)].tolist())
    return tuple(sorted(changed))
