"""The evidence ledger: what every stream said about every bar before it was known, and what came.

A **stream** is what is judged. ``recipe:<fingerprint>`` is a recipe's: each bar scored by the newest version trained
before it. ``version:v12`` is one frozen version's: the champion's, and a former champion's.

A night adds one :class:`NightScores`. Sheets are kept as canonical bytes (the same sheets give the same bytes) and put
together into a :class:`Ledger`; of two sheets that speak of the same bar and stream the later one counts.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import rollover, trading_day
from flows.errors import GateRefused

FORMAT = 1

Minutes = npt.NDArray[np.int64]


def recipe_stream(fingerprint: str) -> str:
    return f"recipe:{fingerprint}"


def version_stream(version: str) -> str:
    return f"version:{version}"


@dataclass(frozen=True, eq=False)
class StreamScores:
    """What one version said on a sheet's bars, for one stream: ``p`` of shape (n_bars,), NaN where it was not asked."""

    stream: str
    name: str
    version: str | None
    cut: float
    p: Floats


@dataclass(frozen=True, eq=False)
class NightScores:
    """One night's scores. ``opens``: shape (n_bars,), the bars' opens in minutes since 1970 UTC, ascending; ``label``:
    0 or 1 each. ``days``: fingerprint of the scored bars of each trading day, so that a later correction is seen.
    ``live`` is false for a backfill. ``replaced``: trading days that this sheet scores anew; what was live there is
    void. ``columns``: those that the fingerprints are of; empty for all that the bars had.
    """

    night: str
    live: bool
    opens: Minutes
    label: Floats
    days: Mapping[str, str]
    series: tuple[StreamScores, ...]
    replaced: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Stream:
    """One stream over the ledger's bars, arrays of shape (n_bars,): ``p`` and ``cut`` NaN where it has no score;
    ``live`` true where it was scored by a night and not by a backfill. ``last_version``: who scored its newest bar."""

    name: str
    p: Floats
    cut: Floats
    live: Mask
    last_version: str | None

    @property
    def scored(self) -> Mask:
        return ~np.isnan(self.p)


@dataclass(frozen=True, eq=False)
class Ledger:
    """All evidence. ``opens``: shape (n_bars,), UTC; ``label``, ``day`` (datetime64[D]) and ``counted`` (not in the
    rollover hour) of the same shape. ``days``: the newest fingerprint of each trading day's scored bars."""

    opens: pd.DatetimeIndex
    label: Floats
    day: npt.NDArray[np.datetime64]
    counted: Mask
    streams: Mapping[str, Stream]
    days: Mapping[str, str]
    live_nights: tuple[str, ...]


def to_bytes(sheets: Sequence[NightScores]) -> bytes:
    """The canonical bytes of some sheets, oldest first."""
    values = {"format": FORMAT, "sheets": [_written(sheet) for sheet in sheets]}
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def from_bytes(data: bytes) -> list[NightScores]:
    """The sheets in a file; :class:`~flows.errors.GateRefused` where it is none."""
    try:
        values = json.loads(data)
        if values["format"] > FORMAT:
            raise GateRefused(f"the evidence is of format {values['format']}: upgrade this package")
        return [_read(each) for each in values["sheets"]]
    except (ValueError, KeyError, TypeError) as error:
        raise GateRefused(f"an evidence file is unreadable ({error}): run `registry verify`") from error


def fold(files: Sequence[bytes]) -> bytes:
    """One file of several, oldest first: the same sheets in the same order."""
    return to_bytes([sheet for data in files for sheet in from_bytes(data)])


def assemble(sheets: Iterable[NightScores]) -> Ledger:
    """The ledger of some sheets, oldest first."""
    kept = standing(list(sheets))
    opens = np.unique(np.concatenate([sheet.opens for sheet in kept])) if kept else np.empty(0, np.int64)
    label = np.full(opens.size, np.nan)
    found: dict[str, tuple[Floats, Floats, Mask]] = {}
    last: dict[str, tuple[int, str, str | None]] = {}  # newest bar, name, version
    days: dict[str, str] = {}
    for sheet in kept:
        at = np.searchsorted(opens, sheet.opens)
        label[at] = sheet.label
        days |= sheet.days
        for series in sheet.series:
            if series.stream not in found:
                empty = np.full(opens.size, np.nan)
                found[series.stream] = (empty, empty.copy(), np.zeros(opens.size, np.bool_))
            said = ~np.isnan(series.p)
            p, cut, live = found[series.stream]
            p[at[said]], cut[at[said]], live[at[said]] = series.p[said], series.cut, sheet.live
            newest = int(at[said].max(initial=-1))
            if newest >= last.get(series.stream, (-1,))[0]:  # a corrected day is scored anew by an older version
                last[series.stream] = (newest, series.name, series.version)
    index = pd.DatetimeIndex(opens.astype("datetime64[m]").astype("datetime64[ns]"), tz="UTC")
    streams = {key: Stream(last[key][1], *found[key], last[key][2]) for key in found}
    nights = tuple(dict.fromkeys(sheet.night for sheet in kept if sheet.live))
    return Ledger(index, label, trading_day(index), ~rollover(index), streams, days, nights)


def minutes(opens: pd.DatetimeIndex) -> Minutes:
    """Opens as minutes since 1970 UTC, shape (n_bars,)."""
    return np.asarray(opens.tz_convert("UTC").tz_localize(None)).astype("datetime64[m]").astype(np.int64)


def standing(sheets: Sequence[NightScores]) -> list[NightScores]:
    """The sheets, oldest first, without the live bars of days that a later one scores anew. A backfill stays as it is:
    the models that made it were not kept."""
    replaced: set[str] = set()
    kept = []
    for sheet in reversed(sheets):
        if replaced and sheet.live:
            index = pd.DatetimeIndex(sheet.opens.astype("datetime64[m]").astype("datetime64[ns]"), tz="UTC")
            stays = ~np.isin(trading_day(index).astype(str), sorted(replaced))
            sheet = _only(sheet, stays, replaced)
        replaced |= set(sheet.replaced)
        kept.append(sheet)
    return kept[::-1]


def backfilled(sheets: Sequence[NightScores]) -> Minutes:
    """Opens of the bars that a backfill scored and no night did: most of the first night's own day are such."""
    past, live = (
        np.concatenate([np.empty(0, np.int64), *(sheet.opens for sheet in sheets if sheet.live is kind)])
        for kind in (False, True)
    )
    return np.setdiff1d(past, live)


def _only(sheet: NightScores, stays: Mask, gone: set[str]) -> NightScores:
    series = tuple(StreamScores(each.stream, each.name, each.version, each.cut, each.p[stays]) for each in sheet.series)
    days = {day: value for day, value in sheet.days.items() if day not in gone}
    return replace(sheet, opens=sheet.opens[stays], label=sheet.label[stays], days=days, series=series)


def _written(sheet: NightScores) -> dict[str, Any]:
    return {
        "night": sheet.night,
        "live": sheet.live,
        "opens": _packed(sheet.opens, "<i8"),
        "label": _packed(sheet.label, "<u1"),
        "days": dict(sheet.days),
        "replaced": list(sheet.replaced),
        "columns": list(sheet.columns),
        "series": [
            {
                "stream": each.stream,
                "name": each.name,
                "version": each.version,
                "cut": each.cut,
                "p": _packed(each.p, "<f8"),
            }
            for each in sheet.series
        ],
    }


def _read(values: Mapping[str, Any]) -> NightScores:
    opens = _unpacked(values["opens"], "<i8").astype(np.int64)
    series = tuple(
        StreamScores(
            each["stream"], each["name"], each["version"], each["cut"], _unpacked(each["p"], "<f8").astype(float)
        )
        for each in values["series"]
    )
    label = _unpacked(values["label"], "<u1").astype(float)
    if any(each.p.shape != opens.shape for each in series) or label.shape != opens.shape:
        raise GateRefused(f"the evidence of night {values['night']} has columns of different lengths")
    lists = {"replaced": tuple(values["replaced"]), "columns": tuple(values.get("columns", ()))}
    return NightScores(values["night"], values["live"], opens, label, values["days"], series, **lists)


def _packed(values: npt.NDArray[Any], dtype: str) -> str:
    """Exact and compact: the array's little-endian bytes in base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode("ascii")


def _unpacked(text: str, dtype: str) -> npt.NDArray[Any]:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=dtype)
