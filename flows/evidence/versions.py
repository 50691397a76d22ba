"""A cache of the versions that score bars in one night: each is read from the registry and made ready once.

A version is known by the entry that registered it. Its name is what that entry says, and another may say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.errors import BarsRejected
from flows.gate.scoring.ledger import StreamScores
from flows.recipes import archived_scores
from registry import Model
from registry.clock import read_moment
from registry.errors import InputMismatch
from registry.format.entries import Entry
from registry.format.records import VersionRecord
from registry.model.version import version_of

if TYPE_CHECKING:
    from registry.archive.archive import Archive
    from registry.archive.input_schema import Columns, RowsOf


class VersionCache:
    """The versions of one model, for as long as a night lasts."""

    def __init__(self, model: Model, *, trusted: Callable[[Entry], bool] | None = None) -> None:
        """``trusted``: whether the entry that registered a version may be used; None for any."""
        self._model = model
        self._trusted = trusted
        self._registrations: dict[int, Entry] = {}
        self._by_name: dict[str, int | None] = {}
        self._ready: dict[int, Archive] = {}

    def registration(self, entry: int) -> Entry:
        """This entry of the versions log, which registered a version."""
        if entry not in self._registrations:
            self._registrations[entry] = self._model.registration(entry)
        return self._registrations[entry]

    def registered_at(self, entry: int) -> VersionRecord:
        """The version that this entry of the versions log registered."""
        return version_of(self.registration(entry)).record

    def scorer(self, scores: StreamScores) -> int | None:
        """The entry of the version that made these scores; see :meth:`entry_of`."""
        return self.entry_of(str(scores.version), scores.entry)

    def entry_of(self, name: str, entry: int | None) -> int | None:
        """The entry that evidence names beside a version's name.

        That of older packages names none: there the name is looked up, and what is found is None where it is not
        trusted, since another may have taken the name. :class:`~registry.errors.VersionNotFound`.
        """
        if entry is not None:
            return entry
        if name not in self._by_name:
            found = self._model.version(name).entry
            usable = self._trusted is None or self._trusted(self.registration(found))
            self._by_name[name] = found if usable else None
        return self._by_name[name]

    def probabilities(self, entry: int, frame: Columns | RowsOf) -> Floats:
        """The score of each row of ``frame``, shape (n,), of the version that this entry registered; NaN where the bars
        before a row are fewer than its features look back on.

        Raises :class:`~registry.errors.ArtifactMissing` where it is retired and collected.
        """
        if entry not in self._ready:
            self._ready[entry] = self._model.archive(self.registered_at(entry))
        return archived_scores(self._ready[entry], frame)

    def once(self, entry: int, frame: Columns | RowsOf) -> tuple[Floats, int]:
        """As :meth:`probabilities`, and on how many bars its features look back. Nothing is kept ready: for very many
        versions."""
        archive = self._model.archive(self.registered_at(entry))
        return archived_scores(archive, frame), archive.signature.bars


def unseen(data: Dataset, record: VersionRecord) -> Mask:
    """Bars with a known label that close when all training labels were known, or later: shape (n_bars,).

    So no move that a label tells of is told of by a training label too. With labels of the next bar these are the bars
    whose label came after every training label.
    """
    known = ~np.isnan(data.label)
    if record.known_at is None:
        return known
    closes = pd.DatetimeIndex(data.bars.frame.index) + data.instrument.step
    return np.asarray(known & (closes >= pd.Timestamp(read_moment(record.known_at))), np.bool_)


def cannot_score(version: str, recipe: str, error: InputMismatch) -> BarsRejected:
    """A night's error for bars that the champion cannot score."""
    return BarsRejected(
        f"{version} ({recipe}) cannot score the new bars: {error}; fix the files, or, if what it needs is gone for "
        "good, make a version champion that does without it"
    )
