"""A night's evidence: every newly labelled bar scored by the versions trained before it, and kept in the registry.

Each bar is scored once: the registry's manifest says through which bar. A bar that the vendor corrected since is scored
anew, by the version that scored it first, and the decision says on which days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.backfill import Progress, marks, walk_forward
from flows.bars import Dataset
from flows.gate.ledger import (
    Ledger,
    Series,
    Sheet,
    assemble,
    fold,
    from_bytes,
    minutes,
    recipe_stream,
    to_bytes,
    version_stream,
)
from flows.plan import Job
from flows.recipes import probabilities
from registry import Model, Night, key_digest
from registry.clock import read_time, write_time
from registry.entries import Entry
from registry.errors import ArtifactMissing, VersionNotFound
from registry.records import ChampionRecord, VersionRecord
from registry.transitions import champion_of, newest_of

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The ledger after tonight's bars. ``entry``: the entry of the versions log that names its files, None where
    nothing is kept (a dry run). ``new_bars``: scored tonight. ``rescored``: trading days corrected since."""

    ledger: Ledger
    entry: int | None
    new_bars: int
    rescored: tuple[str, ...] = ()


def gather(job: Job, book: Model, data: Dataset, night: Night, progress: Progress | None = None) -> Evidence:
    """Score what is new, add it to the registry, and give all the evidence there is."""
    manifest = book.manifest()
    sheets = [sheet for file in book.evidence(manifest) for sheet in from_bytes(file)]
    opens = pd.DatetimeIndex(data.bars.frame.index)
    labelled = ~np.isnan(data.label)
    if not labelled.any():
        return Evidence(assemble(sheets), None, 0)
    through = write_time(opens[labelled][-1].to_pydatetime())
    past: list[Sheet] = []
    rescored: tuple[str, ...] = ()
    if manifest.through is None:
        past = walk_forward(job, data, night=night.day, progress=progress) if job.request.backfill else []
        tonight = _sheet(data, night.day, np.zeros(opens.size, np.bool_), ())
    else:
        new = labelled & np.asarray(opens > pd.Timestamp(read_time(manifest.through)), np.bool_)
        rescored = _corrected(data, sheets)
        tonight = _scored(job, book, data, night.day, new, rescored, sheets)
    ledger = assemble([*past, *sheets, tonight])
    if job.request.dry_run:
        return Evidence(ledger, None, tonight.opens.size, rescored)
    if manifest.through is not None and not tonight.opens.size and not rescored:
        head = book.versions.head()
        return Evidence(ledger, None if head is None else head.state["watermark"]["entry"], 0)
    entry = book.score(
        to_bytes([tonight]),
        night=night.day,
        through=through,
        bars=int(tonight.opens.size),
        fold=fold,
        author=job.author,
        backfill=[to_bytes(past)] if past else [],
        key=key_digest([job.model, night.day, "scored", through, list(rescored)]),
        as_of=night.as_of,
    )
    return Evidence(ledger, entry.n, int(tonight.opens.size), rescored)


def at_decision(book: Model, entry: int) -> Ledger:
    """The ledger as the ``scored`` entry of this number names it: what a past decision saw."""
    files = book.evidence(book.manifest(entry))
    return assemble([sheet for file in files for sheet in from_bytes(file)])


def _scored(
    job: Job, book: Model, data: Dataset, night: str, new: Mask, rescored: tuple[str, ...], sheets: Sequence[Sheet]
) -> Sheet:
    """Tonight's sheet: new bars by every stream's version, corrected days by the versions that scored them."""
    again = np.isin(data.trading_day.astype(str), rescored) & ~np.isnan(data.label) & ~new
    asked = new | again
    if not asked.any():
        return _sheet(data, night, asked, rescored)
    series = [*_on_new_bars(job, book, data, new, asked)]
    for day in rescored:
        series += _on_corrected_day(job, book, data, again & (data.trading_day.astype(str) == day), asked, day, sheets)
    return _sheet(data, night, asked, rescored, _merged(series))


def _on_new_bars(job: Job, book: Model, data: Dataset, new: Mask, asked: Mask) -> Iterator[Series]:
    versions, decisions = book.versions.head(), book.decisions.head()
    for recipe in job.recipes:
        entry = newest_of(versions, recipe.fingerprint)
        if entry is not None:
            record = book.registered_at(entry).record
            yield from _said(job, book, data, record, recipe_stream(recipe.fingerprint), recipe.name, new, asked)
    for champion in _frozen_streams(decisions):
        stream = version_stream(champion.version)
        yield from _said(job, book, data, champion, stream, champion.recipe or "unnamed", new, asked)


def _on_corrected_day(
    job: Job, book: Model, data: Dataset, again: Mask, asked: Mask, day: str, sheets: Sequence[Sheet]
) -> Iterator[Series]:
    scorers = {
        each.stream: each for sheet in sheets if day in sheet.days for each in sheet.series if each.version is not None
    }
    for each in scorers.values():
        try:
            record = book.version(str(each.version)).record
        except VersionNotFound:
            continue
        yield from _said(job, book, data, record, each.stream, each.name, again, asked)


def _frozen_streams(decisions: Entry | None) -> list[ChampionRecord]:
    """The champion, and the one before it, which stays in the race."""
    present = champion_of(decisions)
    if decisions is None or present is None:
        return []
    former = [each for each in decisions.state.get("former", ()) if each["version"] != present.version]
    return [present, *(ChampionRecord.from_dict(each) for each in former[-1:])]


def _said(
    job: Job,
    book: Model,
    data: Dataset,
    record: VersionRecord | ChampionRecord,
    stream: str,
    name: str,
    wanted: Mask,
    asked: Mask,
) -> Iterator[Series]:
    """What a version says on the wanted bars whose label it cannot have been trained on; nothing if it is gone."""
    known = data.known_at
    unseen = (
        wanted if record.known_at is None else wanted & np.asarray(known > pd.Timestamp(read_time(record.known_at)))
    )
    if not unseen.any():
        return
    try:
        archive = book.archive(record)
    except ArtifactMissing:
        return  # retired and collected: the stream has no score on these bars
    p = np.full(int(asked.sum()), np.nan)
    p[unseen[asked]] = probabilities(archive.estimator(), archive.signature, data.bars.frame[unseen], cores=job.cores)
    yield Series(stream, name, record.version, record.cut, p)


def _merged(series: Sequence[Series]) -> tuple[Series, ...]:
    """One series for each stream and version; where a stream's version scored new bars and old ones, both together."""
    found: dict[tuple[str, str | None, float], Series] = {}
    for each in series:
        key = each.stream, each.version, each.cut
        before = found.get(key)
        p = each.p if before is None else np.where(np.isnan(before.p), each.p, before.p)
        found[key] = Series(each.stream, each.name, each.version, each.cut, p)
    return tuple(found.values())


def _sheet(data: Dataset, night: str, asked: Mask, rescored: tuple[str, ...], series: tuple[Series, ...] = ()) -> Sheet:
    opens = pd.DatetimeIndex(data.bars.frame.index)[asked]
    return Sheet(night, True, minutes(opens), data.label[asked], marks(data, asked), series, rescored)


def _corrected(data: Dataset, sheets: Sequence[Sheet]) -> tuple[str, ...]:
    """Trading days whose scored bars are no longer what they were: corrected, or gone."""
    opens = minutes(pd.DatetimeIndex(data.bars.frame.index))
    days = data.trading_day.astype(str)
    replaced: set[str] = set()
    changed: set[str] = set()
    for sheet in reversed(sheets):
        present = np.isin(opens, sheet.opens)
        for day, mark in sheet.days.items():
            if day in replaced:
                continue
            here = present & (days == day)
            if here.any() and data.fingerprint(here) != mark:
                changed.add(day)
        replaced |= set(sheet.replaced)
    return tuple(sorted(changed))
