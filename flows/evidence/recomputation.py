"""Scores that the evidence keeps are made again from the archives that made them, and compared.

Who can write evidence can write any number; what the version says of the bar is in its archive, which nobody can
overwrite. Each night looks at a tenth of the past live days, chosen by an id that nobody knew before the night wrote
its own scores; before a promotion it looks at every day. What cannot be made again is left out: a backfill, whose
models were not kept, a version whose archive is retired and collected, a bar that lacks a column by now, and one whose
features look back on a bar that was corrected since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.evidence.collect import Evidence
from flows.evidence.versions import VersionCache, unseen
from flows.gate.scoring.ledger import NightScores, StreamScores, minutes, without_replaced_days
from registry import key_digest
from registry.archive.input_schema import RowsOf
from registry.errors import ArtifactMissing, InputMismatch
from registry.format.records import VersionRecord

SHARE = 0.1
"""Of the past live days, looked at each night; at least one."""

TOLERANCE = 1e-9
"""Largest difference of a probability that is none. On one machine there is none; a data-only form agrees with its
estimator to 1e-12, and other processors add up in another order."""


@dataclass(frozen=True)
class Difference:
    """A version's scores in a stream that its archive does not give. ``of``: the recipe, or the version where the
    stream is one version's; ``largest``: of the differences, 1 where a score was left out or the cut is another."""

    of: str
    version: str
    days: tuple[str, ...]
    scores: int
    largest: float
    words: str


@dataclass(frozen=True)
class Recomputed:
    """What was made again: on which ``days``, whether these are ``every`` past live day, how many ``scores``."""

    days: tuple[str, ...]
    every: bool
    scores: int
    differences: tuple[Difference, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """As a decision records it: the days by name, or, where these are all, how many and which they lie between."""
        if not self.every:
            return {"days": list(self.days), "scores": self.scores}
        return {"first": self.days[0], "last": self.days[-1], "count": len(self.days), "scores": self.scores}


def recompute(evidence: Evidence, data: Dataset, night: str, *, every: bool) -> Recomputed | None:
    """The scores of past nights (those before ``night``) made again; None where there is no past live day.

    ``every``: on all days, as before a promotion; else on a tenth of them.
    """
    past = without_replaced_days([each for each in evidence.nights if each.live])
    past = [each for each in past if each.night != night and each.opens.size]
    sheets = [_Sheet.of(each, data) for each in past]
    days = np.unique(np.concatenate([np.empty(0, "datetime64[D]"), *(sheet.day[sheet.present] for sheet in sheets)]))
    if not days.size:
        return None
    if not every:
        seed = int(key_digest([night, evidence.chance]), 16)
        count = int(np.ceil(SHARE * days.size))
        days = np.sort(np.random.default_rng(seed).choice(days, size=count, replace=False))
    comparing = _Comparing(evidence.scorers, data, days, evidence.nights)
    differences = tuple(comparing.differences(sheets))
    return Recomputed(tuple(days.astype(str).tolist()), every, comparing.compared, differences)


@dataclass(frozen=True, eq=False)
class _Sheet:
    """A night's scores beside the bars there are, arrays of shape (bars of the night,): ``at``: place of the bar in the
    dataset; ``present``: whether it is there; ``day``: its trading day."""

    scores: NightScores
    at: npt.NDArray[np.int64]
    present: Mask
    day: npt.NDArray[np.datetime64]

    @classmethod
    def of(cls, scores: NightScores, data: Dataset) -> _Sheet:
        opens = minutes(pd.DatetimeIndex(data.bars.frame.index))
        at = np.minimum(np.searchsorted(opens, scores.opens), opens.size - 1)
        return cls(scores, at, opens[at] == scores.opens, data.trading_day[at])


@dataclass(frozen=True, eq=False)
class _Claim:
    """What a stream's scores say a version says: ``p`` at the bars ``at`` of the dataset, NaN where it can score a bar
    and no version of the stream did."""

    stream: StreamScores
    at: npt.NDArray[np.int64]
    p: Floats
    night: str


@dataclass(eq=False)
class _Comparing:
    versions: VersionCache
    data: Dataset
    days: npt.NDArray[np.datetime64]
    nights: Sequence[NightScores]
    compared: int = 0

    def differences(self, sheets: Sequence[_Sheet]) -> Iterator[Difference]:
        """Version by version, so that each archive is read once and none is kept."""
        claims: dict[int, list[_Claim]] = {}
        for sheet in sheets:
            for entry, claim in self._claims(sheet):
                claims.setdefault(entry, []).append(claim)
        for entry in sorted(claims):
            yield from self._of_version(entry, claims[entry])

    def _claims(self, sheet: _Sheet) -> Iterator[tuple[int, _Claim]]:
        here = sheet.present & np.isin(sheet.day, self.days)
        if not here.any():
            return
        again = np.isin(sheet.day.astype(str), sheet.scores.replaced)  # there an older version may score what is left
        scored: dict[str, Mask] = {}
        for stream in sheet.scores.streams:
            scored[stream.stream] = scored.get(stream.stream, np.zeros(here.size, np.bool_)) | ~np.isnan(stream.p)
        for stream in sheet.scores.streams:
            told = here & ~np.isnan(stream.p)
            if stream.version is None or not told.any():
                continue
            entry = self.versions.scorer(stream)
            if entry is None:
                continue
            known = unseen(self.data, self.versions.registered_at(entry))[sheet.at]
            left_out = here & known & ~scored[stream.stream] & ~again & np.isin(sheet.day, sheet.day[told])
            chosen = told | left_out
            yield entry, _Claim(stream, sheet.at[chosen], stream.p[chosen], sheet.scores.night)

    def _restated(self, night: str, bars: int) -> Mask:
        """Where a feature that looks back on so many reads one that was corrected after that night: (n_bars,)."""
        days = sorted({day for scores in self.nights if scores.night > night for day in scores.replaced})
        if not days:
            return np.zeros(self.data.label.size, np.bool_)
        corrected = np.cumsum(np.isin(self.data.trading_day, np.array(days, "datetime64[D]")))
        before = np.concatenate([np.zeros(min(bars, corrected.size), corrected.dtype), corrected[:-bars]])
        return np.asarray(corrected > before)

    def _of_version(self, entry: int, claims: Sequence[_Claim]) -> Iterator[Difference]:
        record = self.versions.registered_at(entry)
        places = np.unique(np.concatenate([claim.at for claim in claims]))
        try:
            given, bars = self.versions.once(entry, RowsOf(self.data.bars.frame, places))
        except (ArtifactMissing, InputMismatch):
            return  # it cannot be made again
        for name in dict.fromkeys(claim.stream.stream for claim in claims):
            own = [claim for claim in claims if claim.stream.stream == name]
            told, at = np.concatenate([claim.p for claim in own]), np.concatenate([claim.at for claim in own])
            if bars > 1:
                again = np.concatenate([~self._restated(claim.night, bars)[claim.at] for claim in own])
                again &= ~np.isnan(given[np.searchsorted(places, at)])  # it had too few bars before it
                told, at = told[again], at[again]
            self.compared += at.size
            off = np.abs(told - given[np.searchsorted(places, at)])
            wrong = ~(off <= TOLERANCE)  # NaN where it was left out
            cuts = sorted({claim.stream.cut for claim in own} - {record.cut})
            if wrong.any() or cuts:
                days = self.data.trading_day[at[wrong] if wrong.any() else at]
                yield _difference(own[0].stream, record, np.unique(days), off[wrong], cuts)


def _difference(
    stream: StreamScores, record: VersionRecord, days: npt.NDArray[np.datetime64], off: Floats, cuts: Sequence[float]
) -> Difference:
    """``off``: by how much each wrong score differs, NaN for one left out."""
    left_out, other = int(np.isnan(off).sum()), off[~np.isnan(off)]
    faults = []
    if other.size:
        faults.append(
            f"{other.size:,} of its scores by {record.version} differ from what it says, by up to {other.max():.4f}"
        )
    if left_out:
        faults.append(f"{left_out:,} bars are left out that {record.version} can score")
    if cuts:
        faults.append(f"{record.version} is given the cut {cuts[0]:.4f}, and was registered with {record.cut:.4f}")
    when = str(days[0]) if days.size == 1 else f"{days.size} days from {days[0]} to {days[-1]}"
    recipe = stream.stream.startswith("recipe:")
    return Difference(
        of=stream.name if recipe else record.version,
        version=record.version,
        days=tuple(days.astype(str).tolist()),
        scores=int(off.size),
        largest=1.0 if left_out or cuts else float(other.max()),
        words=f"the evidence of {stream.name if recipe else record.version} ({when}): {'; '.join(faults)}",
    )
