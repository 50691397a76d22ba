"""A cache of the versions that score bars in one night: each is read from the registry and made ready once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.arrays import Floats
from flows.errors import BarsRejected
from flows.recipes import ArchivedModel
from registry import Model
from registry.errors import InputMismatch
from registry.format.records import VersionRecord

if TYPE_CHECKING:
    from registry.archive.input_schema import Columns


class VersionCache:
    """The versions of one model, for as long as a night lasts; forests predict on ``cores``."""

    def __init__(self, model: Model, *, cores: int) -> None:
        self._model = model
        self._cores = cores
        self._names: dict[int, str] = {}
        self._records: dict[str, VersionRecord] = {}
        self._ready: dict[str, ArchivedModel] = {}

    def registered_at(self, entry: int) -> VersionRecord:
        """The version that this entry of the versions log registered."""
        if entry not in self._names:
            record = self._model.registered_at(entry).record
            self._names[entry] = record.version
            self._records[record.version] = record
        return self._records[self._names[entry]]

    def version(self, name: str) -> VersionRecord:
        """The version of this name."""
        if name not in self._records:
            self._records[name] = self._model.version(name).record
        return self._records[name]

    def probabilities(self, name: str, frame: Columns) -> Floats:
        """P(up) of each row of ``frame``, shape (n,), of the version of this name.

        Raises :class:`~registry.errors.ArtifactMissing` where it is retired and collected.
        """
        if name not in self._ready:
            record = self.version(name)
            self._ready[name] = ArchivedModel(self._model.archive(record), record.environment)
        return self._ready[name].probabilities(frame, cores=self._cores)


def cannot_score(version: str, recipe: str, error: InputMismatch) -> BarsRejected:
    """A night's error for bars that the champion cannot score."""
    return BarsRejected(
        f"{version} ({recipe}) cannot score the new bars: {error}; fix the files, or, if what it needs is gone for "
        "good, make a version champion that does without it"
    )
