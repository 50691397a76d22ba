"""The versions of a model as a table: when, by whom, of which recipe, how they scored, with which parameters.

    registry.history("gbpusd_m15_direction", url="s3://models/registry")     # or history_frame(model.history())

pandas is imported when a table is made, not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .clock import read_time
from .errors import Corrupt
from .reader import Version

if TYPE_CHECKING:
    import pandas as pd

FIRST_COLUMNS = ("version", "date", "author", "recipe")


def history_frame(versions: Sequence[Version]) -> pd.DataFrame:
    """The table of some versions, one row each in the order given.

    ``date`` is a moment in UTC, metrics are float64 (NaN where a version has none), parameters keep their kind: whole
    numbers stay whole beside versions that lack the parameter. A metric named like another column gets the prefix
    ``metric_``.
    """
    import pandas as pd

    metrics = _names(version.record.metrics for version in versions)
    parameters = _names(version.record.parameters for version in versions)
    columns: dict[str, Any] = {
        "version": [version.record.version for version in versions],
        "date": pd.to_datetime([dated(version) for version in versions], utc=True),
        "author": [author_of(version) for version in versions],
        "recipe": [version.record.recipe for version in versions],
    }
    for name in metrics:
        column = f"metric_{name}" if name in FIRST_COLUMNS or name.startswith("param_") else name
        columns[column] = _floats([version.record.metrics.get(name) for version in versions])
    for name in parameters:
        columns[f"param_{name}"] = _typed([version.record.parameters.get(name) for version in versions])
    return pd.DataFrame(columns)


def dated(version: Version) -> datetime:
    """When it was registered; for an imported version when it was registered first. :class:`Corrupt`."""
    imported = _imported(version)
    if "date" not in imported:
        return version.registered_at
    try:
        return read_time(imported["date"])
    except (ValueError, TypeError) as error:
        raise Corrupt(f"{version} was imported with a date that is none: {imported['date']!r}") from error


def author_of(version: Version) -> str:
    """Who registered it; for an imported version who registered it first."""
    return str(_imported(version).get("author", version.author))


def _imported(version: Version) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (version.record.details or {}).get("imported", {})
    return found


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _typed(values: list[Any]) -> Any:
    """A column that keeps whole numbers and truth values what they are where some versions lack them."""
    import pandas as pd

    kinds = {type(value) for value in values if value is not None}
    if kinds == {int} and all(value is None or abs(value) < 2**63 for value in values):
        return pd.array(values, dtype="Int64")
    if kinds == {bool}:
        return pd.array(values, dtype="boolean")
    if float in kinds and kinds <= {int, float}:
        return _floats(values)
    return pd.Series(values, dtype=object)


def _floats(values: list[Any]) -> npt.NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
