"""The versions of a model as a table: when, by whom, of which recipe, how they scored, with which parameters.

    registry.history("gbpusd_m15_direction", url="s3://models/registry")     # or history_frame(model.history())

Where the model has a local cache, the table's columns are kept in it under the number and digest of the newest entry
that they hold: read again, only the entries after that are asked for, back to the one of that digest. The columns are
this module's own writing and are believed as far as the cache's folder is.

pandas is imported when a table is made, not before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from registry.clock import write_time
from registry.extras import needing
from registry.format.entries import canonical, digest
from registry.log.cache import Cache
from registry.log.parallel import Progress, quiet
from registry.log.segments import older
from registry.model.reader import ModelReader
from registry.model.version import Version, author_of, dated, version_of

if TYPE_CHECKING:
    import pandas as pd

FIRST_COLUMNS = ("version", "date", "author", "recipe")
FORMAT = 1

_CACHED = re.compile(r"(\d{10})-([0-9a-f]{64})-[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class HistoryColumns:
    """The table before pandas: lists of one length, in plain values. Moments as :func:`write_time` writes them."""

    version: list[str] = field(default_factory=list)
    date: list[str] = field(default_factory=list)
    author: list[str] = field(default_factory=list)
    recipe: list[str | None] = field(default_factory=list)
    metrics: dict[str, list[float | None]] = field(default_factory=dict)
    parameters: dict[str, list[Any]] = field(default_factory=dict)

    def and_then(self, versions: Sequence[Version]) -> HistoryColumns:
        """These rows, and after them those of ``versions``."""
        if not versions:
            return self
        records = [version.record for version in versions]
        return HistoryColumns(
            [*self.version, *(record.version for record in records)],
            [*self.date, *(write_time(dated(version)) for version in versions)],
            [*self.author, *(author_of(version) for version in versions)],
            [*self.recipe, *(record.recipe for record in records)],
            _longer(self.metrics, [record.metrics for record in records], len(self.version)),
            _longer(self.parameters, [record.parameters for record in records], len(self.version)),
        )

    def frame(self) -> pd.DataFrame:
        """As a DataFrame: see :func:`history_frame`. :class:`PackageMissing`."""
        with needing("history", "a table of versions"):
            import pandas as pd

        columns: dict[str, Any] = {
            "version": self.version,
            "date": pd.to_datetime(np.array([moment[:-1] for moment in self.date], "datetime64[us]"), utc=True),
            "author": self.author,
            "recipe": self.recipe,
        }
        for name, metric in self.metrics.items():
            column = f"metric_{name}" if name in FIRST_COLUMNS or name.startswith("param_") else name
            columns[column] = _floats(metric)
        for name, parameter in self.parameters.items():
            columns[f"param_{name}"] = _typed(parameter)
        return pd.DataFrame(columns)


def history_frame(versions: Sequence[Version]) -> pd.DataFrame:
    """The table of some versions, one row each in the order given.

    ``date`` is a moment in UTC, metrics are float64 (NaN where a version has none), parameters keep their kind: whole
    numbers stay whole beside versions that lack the parameter. A metric named like another column gets the prefix
    ``metric_``.
    """
    return HistoryColumns().and_then(versions).frame()


def read_history(model: ModelReader, *, progress: Progress = quiet) -> pd.DataFrame:
    """The table of all versions of a model, oldest first; empty where it has none."""
    head = model.versions.head()
    if model.cache is None or head is None:
        return history_frame(model.history(progress=progress))
    place = f"history/{digest(f'{model.store.url} {model.versions.prefix}'.encode())[:32]}"
    before, known = _cached_columns(model.cache, place, head.n)
    newer = [head] if head.n > before else []
    for entry in older(model.versions, head, first=max(before, 1)) if head.n > before else ():
        progress("reading versions", head.n - entry.n, head.n - before)
        newer.append(entry)
    if known is not None and (newer[-1] if newer else head).digest != known.digest:
        before, known = 0, None  # of another registry of the same address
        newer = list(model.versions.walk())
    added = [version_of(entry) for entry in reversed(newer) if entry.n > before and entry.kind == "registered"]
    columns = (HistoryColumns() if known is None else known.columns).and_then(model.completed(added))
    if head.n > before:
        model.cache.put(place, f"{head.n:010d}-{head.digest}-", _to_bytes(columns))
    return columns.frame()


@dataclass(frozen=True, eq=False)
class _CachedColumns:
    """Columns from the cache; ``digest``: of the newest entry that they hold."""

    digest: str
    columns: HistoryColumns


def _cached_columns(cache: Cache, place: str, newest: int) -> tuple[int, _CachedColumns | None]:
    """The newest columns that reach no further than entry ``newest``, and how far they reach; 0 and None without."""
    for name in reversed(cache.names(place)):
        match = _CACHED.fullmatch(name)
        if match is None or int(match[1]) > newest:
            continue
        data = cache.get(place, name)
        values = None if data is None else json.loads(data)
        if values is not None and values.pop("format") == FORMAT:
            return int(match[1]), _CachedColumns(match[2], HistoryColumns(**values))
    return 0, None


def _to_bytes(columns: HistoryColumns) -> bytes:
    return canonical({"format": FORMAT, **columns.__dict__})


def _longer(columns: Mapping[str, list[Any]], rows: Sequence[Mapping[str, Any]], before: int) -> dict[str, list[Any]]:
    """Columns of ``before`` rows with more rows; a name that appears later has None before."""
    names = dict.fromkeys([*columns, *_names(rows)])
    return {name: [*columns.get(name, [None] * before), *(row.get(name) for row in rows)] for name in names}


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _typed(values: list[Any]) -> Any:
    """A column that keeps whole numbers and truth values what they are where some versions lack them."""
    import pandas as pd

    found = set(map(type, values))
    kinds = found - {type(None)}
    if kinds == {int}:
        whole = values if kinds == found else [value for value in values if value is not None]
        if max(max(whole), -min(whole)) < 2**63:
            return pd.array(np.array(values, np.int64) if kinds == found else values, dtype="Int64")
    if kinds == {bool}:
        return pd.array(values, dtype="boolean")
    if float in kinds and kinds <= {int, float}:
        return _floats(values)
    return pd.Series(values, dtype=object)


def _floats(values: list[Any]) -> npt.NDArray[np.float64]:
    return np.array(values, dtype=np.float64)  # numpy makes NaN of None
