"""When a night scored its bars, and what it saw then: whether a score is live, or was made when the bar was long past.

A prediction is evidence because it was made before the bar was known. A registry cannot prove that; it can say how long
after the bar's own night the score was made, and whether the bar still looked as it did when it was first scored. What
was scored too late, or from other values, is **retrospective**: it is kept, and counts like a backfill and no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.arrays import Mask
from flows.errors import GateRefused
from flows.gate.scoring.packing import packed, unpacked
from registry.clock import read_time
from registry.format.checks import TEXT, TIME, Fields, ListOf, MapOf

LIVE, LATE, RESTATED = 0, 1, 2
"""How a score stands: made in time; made too late; made from other values than those of the first time."""

SIGHT = Fields(
    {"at": TIME, "standing": TEXT, "rows": TEXT, "inputs": MapOf(MapOf(TEXT)), "restated": MapOf(ListOf(TEXT))}
)
"""A :class:`FirstSight` in an evidence file."""


@dataclass(frozen=True, eq=False)
class FirstSight:
    """Of a night's bars, arrays of shape (n_bars,). ``at``: when they were scored, by the clock on the wall.
    ``standing``: :data:`LIVE`, :data:`LATE` or :data:`RESTATED`. ``rows``: a fingerprint of each bar's values.
    ``inputs``: trading day → column → fingerprint of its values on these bars. ``restated``: trading day → the columns
    that have other values than when its bars were first scored, none where they cannot be told."""

    at: str
    standing: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.uint64]
    inputs: Mapping[str, Mapping[str, str]]
    restated: Mapping[str, Sequence[str]]

    @property
    def live(self) -> Mask:
        return np.asarray(self.standing == LIVE, np.bool_)

    def lag(self, opens: npt.NDArray[np.int64], minutes: int = 15) -> npt.NDArray[np.int64]:
        """Minutes from the close of each bar to its scoring; ``opens``: in minutes since 1970 UTC, shape (n_bars,);
        ``minutes`` of a bar."""
        scored = np.datetime64(read_time(self.at).replace(tzinfo=None), "m").astype(np.int64)
        return np.asarray(scored - opens - minutes, np.int64)

    def of(self, stays: Mask, gone: set[str]) -> FirstSight:
        """That of the bars that stay, without the days that are gone."""
        inputs = {day: columns for day, columns in self.inputs.items() if day not in gone}
        restated = {day: columns for day, columns in self.restated.items() if day not in gone}
        return replace(self, standing=self.standing[stays], rows=self.rows[stays], inputs=inputs, restated=restated)

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "standing": packed(self.standing, "<u1"),
            "rows": packed(self.rows, "<u8"),
            "inputs": {day: dict(columns) for day, columns in self.inputs.items()},
            "restated": {day: list(columns) for day, columns in self.restated.items()},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], bars: int) -> FirstSight:
        """What :meth:`to_json` wrote of so many bars; :class:`~flows.errors.GateRefused` for what is none."""
        standing, rows = unpacked(values["standing"], "<u1"), unpacked(values["rows"], "<u8")
        if standing.shape != (bars,) or rows.shape != (bars,) or (standing > RESTATED).any():
            raise GateRefused(
                f"what was seen at {values['at']} is of other bars, or says what this version does not know"
            )
        return cls(values["at"], standing, rows, values["inputs"], values["restated"])
