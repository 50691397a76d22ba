"""Collecting a night's evidence: every newly labelled bar is scored by the versions trained before it.

Each bar is scored once, and the registry keeps the scores: its manifest says through which bar. A bar that the vendor
corrected since then is scored anew, by the version that scored it first, and the decision says on which days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from flows.arrays import Mask
from flows.bars import Dataset
from flows.errors import NightRefused
from flows.evidence.backfill import Progress, day_fingerprints, walk_forward
from flows.evidence.reading import read_nights
from flows.evidence.versions import VersionCache, cannot_score
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
from flows.job.plan import Job, policy_of
from flows.recipes import Recipe
from registry import Model, Night, key_digest
from registry.clock import read_moment, write_time
from registry.errors import ArtifactMissing, InputMismatch
from registry.format.entries import Entry
from registry.format.keys import version_number
from registry.format.records import VersionRecord
from registry.model.evidence import Manifest, ScoredNight
from registry.model.transitions import champion_of, former_champions, newest_of

DAYS_NAMED = 20
"""Rescored days that a decision names one by one; of more it says how many, from when to when."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The ledger after tonight's bars. ``entry``: the entry of the versions log that names its files, None where
    nothing is kept (a dry run). ``policy``: sets the decision threshold of tonight's versions. ``new_bars``: scored for
    the first time. ``scorers``: the versions that scored, ready to score again. ``rescored``: trading days corrected
    since the last decided night and scored anew."""

    ledger: Ledger
    entry: int | None
    policy: GatePolicy
    new_bars: int
    scorers: VersionCache
    rescored: tuple[str, ...] = ()

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
    were scored before."""

    data: Dataset
    new: Mask
    corrected: Mask
    days: tuple[str, ...] = ()

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
        )


def gather(job: Job, model: Model, data: Dataset, night: Night, progress: Progress | None = None) -> Evidence:
    """Score what is new, add it to the registry, and give all the evidence there is.

    Raises :class:`NightRefused` where the evidence reaches further than the bars do, :class:`BarsRejected` where they
    lack what the champion needs.
    """
    manifest, decisions = model.manifest(), model.decisions.head()
    policy, versions = policy_of(job, decisions), VersionCache(model, cores=job.cores)
    policy.check_longest_window()
    earlier = read_nights(model, manifest)
    opens = pd.DatetimeIndex(data.bars.frame.index)
    labelled = ~np.isnan(data.label)
    if not labelled.any():
        return Evidence(assemble(earlier), None, policy, 0, versions)
    through = write_time(opens[labelled][-1].to_pydatetime())
    past: list[NightScores] = []
    new = np.zeros(opens.size, np.bool_)
    if manifest.through is None:
        if job.request.advanced.backfill:
            past = walk_forward(replace(job, gate=policy), data, night=night.day, progress=progress)
        tonight = _BarsToScore(data, new, new).scores(night.day)
    else:
        _refuse_past(job, through, manifest.through)
        new = labelled & np.asarray(opens > pd.Timestamp(read_moment(manifest.through)), np.bool_)
        scorer = _NightScorer(model, job.recipes, versions, _evaluation_bars(data, new, earlier), earlier)
        tonight = scorer.scores(night.day)
    addition = _Addition(tonight, past, through, int(new.sum()), manifest)
    everything = [*past, *earlier, *([] if addition.is_empty else [tonight])]  # what is not kept is no night to count
    entry = None if job.request.dry_run else _store(job, model, night, addition)
    rescored = _rescored(everything, None if decisions is None else decisions.state.get("night"))
    return Evidence(assemble(everything), entry, policy, addition.new_bars, versions, rescored)


def _refuse_past(job: Job, through: str, scored_through: str) -> None:
    if through < scored_through:
        raise NightRefused(
            f"the evidence of {job.model} has the bars through {scored_through}, and the newest known label is of "
            f"{through}: give a later as-of, or use another --model to look at the past"
        )


def _store(job: Job, model: Model, night: Night, addition: _Addition) -> int:
    """The number of the entry that names all the evidence, written where there is something to add."""
    head = model.versions.head()
    watermark = None if head is None else head.state.get("watermark")
    if watermark is not None and addition.is_empty:
        return int(watermark["entry"])
    entry = model.score(
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
    return entry.n


def _rescored(nights: Sequence[NightScores], decided: str | None) -> tuple[str, ...]:
    """Days scored anew since the last decided night: also by a run that was killed before it could say so."""
    since = [scores for scores in nights if decided is None or scores.night > decided]
    return tuple(sorted({day for scores in since for day in scores.replaced}))


def _evaluation_bars(data: Dataset, new: Mask, earlier: Sequence[NightScores]) -> _BarsToScore:
    """The new bars, and those of corrected days; what a backfill scored stays as it is."""
    days = _corrected_days(data, earlier)
    past = np.isin(minutes(pd.DatetimeIndex(data.bars.frame.index)), backfilled(earlier))
    corrected = np.isin(data.trading_day.astype(str), days) & ~np.isnan(data.label) & ~new & ~past
    return _BarsToScore(data, new, corrected, days)


@dataclass(frozen=True, eq=False)
class _NightScorer:
    """Scores evaluation bars: new ones by every stream's version, corrected days by the versions that scored them
    ``earlier``."""

    model: Model
    recipes: Sequence[Recipe]
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
        versions, decisions = self.model.versions.head(), self.model.decisions.head()
        for recipe in self.recipes:
            entry = newest_of(versions, recipe.fingerprint)
            if entry is not None:
                record = self.versions.registered_at(entry)
                unseen = self.bars.new & _unseen(self.bars.data, record)
                yield from self._scored_by(record, recipe_stream(recipe.fingerprint), recipe.name, unseen)
        for place, frozen in enumerate(_frozen(self.versions, decisions)):
            unseen, name = self.bars.new & _unseen(self.bars.data, frozen), frozen.recipe or "unnamed"
            try:
                yield from self._scored_by(frozen, version_stream(frozen.version), name, unseen)
            except InputMismatch as error:
                if place == 0:  # nothing can be judged without the champion; the one before it drops out of the race
                    raise cannot_score(frozen.version, name, error) from error

    def _of_corrected_day(self, corrected: Mask) -> Iterator[StreamScores]:
        """The day's bars by the versions that scored them: of those of a stream the newest one trained before each."""
        left: dict[str, Mask] = {}
        for stream, name, version in _first_scorers(self.bars.data, corrected, self.earlier):
            record = self.versions.version(version)
            wanted = left.get(stream, corrected) & _unseen(self.bars.data, record)
            left[stream] = left.get(stream, corrected) & ~wanted
            with suppress(InputMismatch):  # what it needs is gone: no score, as where its archive is
                yield from self._scored_by(record, stream, name, wanted)

    def _scored_by(self, record: VersionRecord, stream: str, name: str, wanted: Mask) -> Iterator[StreamScores]:
        """The scores of a version on the wanted bars; none where there is no such bar or its archive is gone.

        :class:`InputMismatch` where the bars lack what it needs, which tonight's recipes may not.
        """
        if not wanted.any():
            return
        chosen = self.bars.chosen
        p = np.full(int(chosen.sum()), np.nan)
        try:
            p[wanted[chosen]] = self.versions.probabilities(record.version, self.bars.data.bars.frame[wanted])
        except ArtifactMissing:
            return  # retired and collected: the stream has no score on these bars
        yield StreamScores(stream, name, record.version, record.cut, p)


def _first_scorers(data: Dataset, corrected: Mask, earlier: Sequence[NightScores]) -> list[tuple[str, str, str]]:
    """Stream, name and version of whoever scored one of these bars, the newest versions first."""
    opens = minutes(pd.DatetimeIndex(data.bars.frame.index)[corrected])
    scorers: dict[tuple[str, str, str], None] = {}
    for scores in earlier:
        here = np.isin(scores.opens, opens)
        for stream in scores.streams:
            if stream.version is not None and not np.isnan(stream.p[here]).all():
                scorers[stream.stream, stream.name, stream.version] = None
    return sorted(scorers, key=lambda scorer: version_number(scorer[2]), reverse=True)


def _frozen(versions: VersionCache, decisions: Entry | None) -> list[VersionRecord]:
    """The champion, and the one before it, which stays in the race."""
    present = champion_of(decisions)
    if present is None:
        return []
    former = [champion for champion in former_champions(decisions) if champion.version != present.version]
    entries = [present.entry, *(champion.entry for champion in former[-1:])]
    return [versions.registered_at(entry) for entry in entries]


def _unseen(data: Dataset, record: VersionRecord) -> Mask:
    """Bars whose label the version cannot have been trained on: shape (n_bars,)."""
    if record.known_at is None:
        return ~np.isnan(data.label)
    return np.asarray(data.known_at > pd.Timestamp(read_moment(record.known_at)), np.bool_)


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
