"""A night's evidence: every newly labelled bar scored by the versions trained before it, and kept in the registry.

Each bar is scored once: the registry's manifest says through which bar. A bar that the vendor corrected since is scored
anew, by the version that scored it first, and the decision says on which days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from flows.arrays import Mask
from flows.bars import Dataset
from flows.errors import NightRefused
from flows.evidence.backfill import Progress, marks, walk_forward
from flows.evidence.versions import VersionCache, cannot_score
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import (
    Ledger,
    NightScores,
    StreamScores,
    assemble,
    backfilled,
    fold,
    from_bytes,
    minutes,
    recipe_stream,
    standing,
    to_bytes,
    version_stream,
)
from flows.job.plan import Job, policy_of
from registry import Model, Night, key_digest
from registry.clock import read_time, write_time
from registry.errors import ArtifactMissing, InputMismatch
from registry.format.entries import Entry
from registry.format.keys import version_number
from registry.format.records import VersionRecord
from registry.model.scorer import Manifest
from registry.model.transitions import champion_of, former_champions, newest_of

DAYS_NAMED = 20
"""Rescored days that a decision names one by one; of more it says how many, from when to when."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The ledger after tonight's bars. ``entry``: the entry of the versions log that names its files, None where
    nothing is kept (a dry run). ``policy``: by which tonight's versions get their cut. ``new_bars``: scored for the
    first time. ``scorers``: the versions that were asked, to be asked again. ``rescored``: trading days corrected since
    the last decided night and scored anew."""

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


def gather(job: Job, model: Model, data: Dataset, night: Night, progress: Progress | None = None) -> Evidence:
    """Score what is new, add it to the registry, and give all the evidence there is.

    Raises :class:`NightRefused` where the evidence reaches further than the bars do, :class:`BarsRejected` where they
    lack what the champion needs.
    """
    manifest, decisions = model.manifest(), model.decisions.head()
    policy, scorers = policy_of(job, decisions), VersionCache(model, cores=job.cores)
    sheets = [sheet for file in model.evidence(manifest) for sheet in from_bytes(file)]
    opens = pd.DatetimeIndex(data.bars.frame.index)
    labelled = ~np.isnan(data.label)
    if not labelled.any():
        return Evidence(assemble(sheets), None, policy, 0, scorers)
    through = write_time(opens[labelled][-1].to_pydatetime())
    past: list[NightScores] = []
    if manifest.through is None:
        new = np.zeros(opens.size, np.bool_)
        if job.request.advanced.backfill:
            past = walk_forward(replace(job, gate=policy), data, night=night.day, progress=progress)
        tonight = _sheet(data, night.day, new, ())
    else:
        _refuse_past(job, through, manifest.through)
        new = labelled & np.asarray(opens > pd.Timestamp(read_time(manifest.through)), np.bool_)
        tonight = _scored(job, model, scorers, data, night.day, new, _corrected(data, sheets), sheets)
    adds = manifest.through is None or bool(tonight.opens.size or tonight.replaced)
    everything = [*past, *sheets, *([tonight] if adds else [])]  # what is not kept is no night to count
    entry = None if job.request.dry_run else _kept(job, model, night, through, int(new.sum()), past, tonight, manifest)
    rescored = _rescored(everything, None if decisions is None else decisions.state.get("night"))
    return Evidence(assemble(everything), entry, policy, int(new.sum()), scorers, rescored)


def at_decision(model: Model, entry: int) -> Ledger:
    """The ledger as the ``scored`` entry of this number names it: what a past decision saw."""
    files = model.evidence(model.manifest(entry))
    return assemble([sheet for file in files for sheet in from_bytes(file)])


def _refuse_past(job: Job, through: str, scored_through: str) -> None:
    if through < scored_through:
        raise NightRefused(
            f"the evidence of {job.model} has the bars through {scored_through}, and the newest known label is of "
            f"{through}: give a later as-of, or use another --model to look at the past"
        )


def _kept(
    job: Job,
    model: Model,
    night: Night,
    through: str,
    bars: int,
    past: Sequence[NightScores],
    tonight: NightScores,
    manifest: Manifest,
) -> int:
    """The number of the entry that names all the evidence, written where there is something to add."""
    head = model.versions.head()
    watermark = None if head is None else head.state.get("watermark")
    if watermark is not None and manifest.through is not None and not tonight.opens.size and not tonight.replaced:
        return int(watermark["entry"])
    entry = model.score(
        to_bytes([tonight]),
        night=night.day,
        through=through,
        bars=bars,
        fold=fold,
        author=job.author,
        backfill=[to_bytes(past)] if past else [],
        since=manifest,
        key=key_digest([job.model, night.day, "scored", through, list(tonight.replaced)]),
        as_of=night.as_of,
    )
    return entry.n


def _rescored(sheets: Sequence[NightScores], decided: str | None) -> tuple[str, ...]:
    """Days scored anew since the last decided night: also by a run that was killed before it could say so."""
    since = [sheet for sheet in sheets if decided is None or sheet.night > decided]
    return tuple(sorted({day for sheet in since for day in sheet.replaced}))


def _scored(
    job: Job,
    model: Model,
    scorers: VersionCache,
    data: Dataset,
    night: str,
    new: Mask,
    rescored: tuple[str, ...],
    sheets: Sequence[NightScores],
) -> NightScores:
    """Tonight's sheet: new bars by every stream's version, corrected days by the versions that scored them."""
    kept = np.isin(minutes(pd.DatetimeIndex(data.bars.frame.index)), backfilled(sheets))
    again = np.isin(data.trading_day.astype(str), rescored) & ~np.isnan(data.label) & ~new & ~kept
    asked = new | again
    if not asked.any():
        return _sheet(data, night, asked, rescored)
    series = [*_on_new_bars(job, model, scorers, data, new, asked)]
    for day in rescored:
        series += _on_corrected_day(scorers, data, again & (data.trading_day == np.datetime64(day)), asked, sheets)
    return _sheet(data, night, asked, rescored, _merged(series))


def _on_new_bars(
    job: Job, model: Model, scorers: VersionCache, data: Dataset, new: Mask, asked: Mask
) -> Iterator[StreamScores]:
    versions, decisions = model.versions.head(), model.decisions.head()
    for recipe in job.recipes:
        entry = newest_of(versions, recipe.fingerprint)
        if entry is not None:
            record = scorers.registered_at(entry)
            unseen = new & _unseen(data, record)
            yield from _said(scorers, data, record, recipe_stream(recipe.fingerprint), recipe.name, unseen, asked)
    for place, frozen in enumerate(_frozen(scorers, decisions)):
        unseen, name = new & _unseen(data, frozen), frozen.recipe or "unnamed"
        try:
            yield from _said(scorers, data, frozen, version_stream(frozen.version), name, unseen, asked)
        except InputMismatch as error:
            if place == 0:  # nothing can be judged without the champion; the one before it drops out of the race
                raise cannot_score(frozen.version, name, error) from error


def _on_corrected_day(
    scorers: VersionCache, data: Dataset, again: Mask, asked: Mask, sheets: Sequence[NightScores]
) -> Iterator[StreamScores]:
    """The day's bars by the versions that scored them: of those of a stream the newest one trained before each bar."""
    left: dict[str, Mask] = {}
    for stream, name, version in _scorers(data, again, sheets):
        record = scorers.version(version)
        wanted = left.get(stream, again) & _unseen(data, record)
        left[stream] = left.get(stream, again) & ~wanted
        with suppress(InputMismatch):  # what it needs is gone: no score, as where its archive is
            yield from _said(scorers, data, record, stream, name, wanted, asked)


def _scorers(data: Dataset, again: Mask, sheets: Sequence[NightScores]) -> list[tuple[str, str, str]]:
    """Stream, name and version of whoever scored one of these bars, the newest versions first."""
    opens = minutes(pd.DatetimeIndex(data.bars.frame.index)[again])
    found: dict[tuple[str, str, str], None] = {}
    for sheet in sheets:
        here = np.isin(sheet.opens, opens)
        for each in sheet.series:
            if each.version is not None and not np.isnan(each.p[here]).all():
                found[each.stream, each.name, each.version] = None
    return sorted(found, key=lambda scorer: version_number(scorer[2]), reverse=True)


def _frozen(scorers: VersionCache, decisions: Entry | None) -> list[VersionRecord]:
    """The champion, and the one before it, which stays in the race."""
    present = champion_of(decisions)
    if present is None:
        return []
    former = [each for each in former_champions(decisions) if each.version != present.version]
    entries = [present.entry, *(each.entry for each in former[-1:])]
    return [scorers.registered_at(entry) for entry in entries]


def _unseen(data: Dataset, record: VersionRecord) -> Mask:
    """Bars whose label the version cannot have been trained on: shape (n_bars,)."""
    if record.known_at is None:
        return ~np.isnan(data.label)
    return np.asarray(data.known_at > pd.Timestamp(read_time(record.known_at)), np.bool_)


def _said(
    scorers: VersionCache,
    data: Dataset,
    record: VersionRecord,
    stream: str,
    name: str,
    wanted: Mask,
    asked: Mask,
) -> Iterator[StreamScores]:
    """What a version says on the wanted bars; nothing where there are none or its archive is gone.

    :class:`InputMismatch` where the bars lack what it needs, which tonight's recipes may not.
    """
    if not wanted.any():
        return
    p = np.full(int(asked.sum()), np.nan)
    try:
        p[wanted[asked]] = scorers.probabilities(record.version, data.bars.frame[wanted])
    except ArtifactMissing:
        return  # retired and collected: the stream has no score on these bars
    yield StreamScores(stream, name, record.version, record.cut, p)


def _merged(series: Sequence[StreamScores]) -> tuple[StreamScores, ...]:
    """One series for each stream and version; where a stream's version scored new bars and old ones, both together."""
    found: dict[tuple[str, str | None, float], StreamScores] = {}
    for each in series:
        key = each.stream, each.version, each.cut
        before = found.get(key)
        p = each.p if before is None else np.where(np.isnan(before.p), each.p, before.p)
        found[key] = StreamScores(each.stream, each.name, each.version, each.cut, p)
    return tuple(found.values())


def _sheet(
    data: Dataset, night: str, asked: Mask, rescored: tuple[str, ...], series: tuple[StreamScores, ...] = ()
) -> NightScores:
    opens = pd.DatetimeIndex(data.bars.frame.index)[asked]
    columns = tuple(map(str, data.bars.frame.columns))
    return NightScores(night, True, minutes(opens), data.label[asked], marks(data, asked), series, rescored, columns)


def _corrected(data: Dataset, sheets: Sequence[NightScores]) -> tuple[str, ...]:
    """Trading days that are not what nights scored: a bar or a label corrected, a bar gone, a hole filled.

    A backfilled day stays as it is: the models that scored it were not kept, and it is no evidence. A column more is no
    correction, and where one is gone only labels are compared: to score every day anew would void those whose versions
    are gone.
    """
    columns = set(map(str, data.bars.frame.columns))
    opens, days = minutes(pd.DatetimeIndex(data.bars.frame.index)), data.trading_day.astype(str)
    changed: set[str] = set()
    scored = [np.empty(0, np.int64)]
    for sheet in standing([sheet for sheet in sheets if sheet.live]):
        place = np.minimum(np.searchsorted(opens, sheet.opens), opens.size - 1)
        present = opens[place] == sheet.opens
        at = place[present]
        changed |= set(days[at[data.label[at] != sheet.label[present]]].tolist())
        for day, mark in sheet.days.items():
            here = np.zeros(opens.size, np.bool_)
            here[at[days[at] == day]] = True
            if here.any() and columns.issuperset(sheet.columns) and data.fingerprint(here, sheet.columns) != mark:
                changed.add(day)
        scored.append(sheet.opens)
    known = np.concatenate(scored)
    if known.size:
        between = (opens > known.min()) & (opens < known.max()) & ~np.isnan(data.label)
        changed |= set(days[between & ~np.isin(opens, known)].tolist())
    return tuple(sorted(changed))
