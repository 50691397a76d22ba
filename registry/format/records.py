"""What the logs talk about: a version, a champion. Plain data, JSON both ways, unknown fields ignored when read.

A record read from a newer writer may hold fields that this reader does not know; the entry keeps them in its raw body,
and states carry them forward (see :mod:`registry.format.entries`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Self

from registry.errors import Corrupt

Json = dict[str, Any]


@functools.cache
def _fields(record: Hashable) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(record))  # type: ignore[arg-type]  # subclasses are dataclasses


class Record:
    """Base of the frozen dataclasses that are written as JSON objects; fields at their default are left out."""

    def to_dict(self) -> Json:
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]  # subclasses are dataclasses
        return {name: _plain(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        known = _fields(cls)  # type: ignore[arg-type]  # a class is hashable
        try:
            return cls(**{name: value for name, value in values.items() if name in known})
        except (TypeError, AttributeError) as error:
            raise Corrupt(f"this is not a {cls.__name__}: {str(values)[:80]}; run `registry verify`") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@dataclasses.dataclass(frozen=True)
class VersionRecord(Record):
    """One trained model: what it is, what it was trained on and with, how it scored and on which bars.

    ``version`` (``"v3"``), ``artifact``, ``sha256`` and ``size`` (bytes) are given by the registry; the rest by whoever
    registers. Moments are ISO 8601 in UTC. A field that does not apply is None.
    """

    version: str = ""
    artifact: str | None = None
    """Key of the archive; None for a record without artifact (imported, or retired before it was copied)."""
    sha256: str | None = None
    size: int | None = None
    recipe: str | None = None
    recipe_fingerprint: str | None = None
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    metrics: Mapping[str, float | None] = dataclasses.field(default_factory=dict)
    measured_on: Mapping[str, Any] | None = None
    """Where the metrics come from: rule, first and last bar, number of bars, fingerprint of those bars."""
    features: tuple[str, ...] | list[str] = ()
    columns: tuple[str, ...] | list[str] = ()
    dtypes: tuple[str, ...] | list[str] = ()
    cut: float = 0.5
    """It says "up" where its score is above this."""
    ranges: Sequence[Sequence[float]] | None = None
    """Of each feature, in their order, what training rows lay between: :mod:`registry.model.likeness`."""
    dataset_fingerprint: str | None = None
    trained_from: str | None = None
    trained_to: str | None = None
    known_at: str | None = None
    """When its newest training label became known: bars that close from then on are out of sample."""
    rows: int | None = None
    seed: int | None = None
    environment: Mapping[str, str] | None = None
    source_revision: str | None = None
    seconds: float | None = None
    """How long the fit took."""
    night: str | None = None
    simulated: bool | None = None
    """True where the bars were simulated; such a model says nothing about a market."""
    allowed: tuple[str, ...] | list[str] | None = None
    """Checks of the bars whose findings a person allowed."""
    instrument: Mapping[str, Any] | None = None
    """Whose bars it was trained on and scores, where that is not GBPUSD in quarters of an hour."""
    label: Mapping[str, Any] | None = None
    """What it learnt to tell, where that is not whether the next bar closes higher."""
    details: Mapping[str, Any] | None = None
    moved: Mapping[str, Any] | None = None
    """Where fields too large for the entry are: :mod:`registry.model.large_records`. None in a record that is whole."""

    @property
    def number(self) -> int:
        return int(self.version.removeprefix("v"))


@dataclasses.dataclass(frozen=True)
class ChampionRecord(Record):
    """The version production loads, why and since when: enough to load it without another request than the artifact's.

    ``(version, decision)`` is its identity: the same version promoted twice is two championships (A, B, A is seen).
    """

    version: str
    decision: int
    """Number of the entry of the decisions log that made it champion."""
    since: str
    by: str
    how: str
    """Kind of that entry: promoted, returned or rolled_back."""
    entry: int
    """Number of the entry of the versions log that registered it."""
    artifact: str | None = None
    sha256: str | None = None
    size: int | None = None
    cut: float = 0.5
    recipe: str | None = None
    recipe_fingerprint: str | None = None
    forced: bool | None = None
    night: str | None = None
    known_at: str | None = None
    simulated: bool | None = None
    registry: str | None = None
    """The id of the registry that it was made champion in; None in format 1."""
    signature: Mapping[str, Any] | None = None
    """Of this record without it, by a promoter's key (see :mod:`registry.trust.signing`)."""

    @property
    def identity(self) -> tuple[str, int]:
        return self.version, self.decision


@dataclasses.dataclass(frozen=True)
class FormerChampion(Record):
    """What a state remembers of a former champion: no more, because ten of them stand in every entry."""

    version: str
    decision: int
    """Number of the entry that made it champion."""
    since: str
    entry: int
    """Number of the entry of the versions log that registered it."""
