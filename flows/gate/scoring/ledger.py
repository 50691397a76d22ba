"""The evidence ledger holds every stream's prediction of every bar, made before the bar was known, and its label.

A **stream** is what is judged. ``recipe:<fingerprint>`` is a recipe's: each bar scored by the newest version trained
before it. ``version:v12`` is one frozen version's: the champion's, and a former champion's.

A night adds one :class:`NightScores`. These are kept as canonical bytes (the same scores give the same bytes) and
assembled into a :class:`Ledger`; where two nights score the same bar of a stream, the later one counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import NEXT_BAR, Label, rollover, trading_day
from flows.errors import GateRefused
from flows.gate.scoring.packing import packed, unpacked
from flows.gate.scoring.sight import SIGHT, FirstSight
from flows.instruments import GBPUSD_M15, Instrument
from registry.format.checks import FLAG, NUMBERED, OBJECT, SHARE, TEXT, Fields, ListOf, MapOf, Nullable
from registry.format.phrases import listed

FORMAT = 2
"""Of a file with retrospective scores; without any it is 1, as always. Who knows 1 alone would count them as live."""

_MINUTES = (-36_816_480, 153_577_440)
"""Those of 1900 and of 2262, since 1970."""
_STREAM = Fields(
    {"stream": TEXT, "name": TEXT, "version": Nullable(TEXT), "entry": NUMBERED, "cut": SHARE, "p": TEXT},
    optional=["entry"],
)
_SCORES = Fields(
    {
        "night": TEXT,
        "live": FLAG,
        "opens": TEXT,
        "label": TEXT,
        "days": MapOf(TEXT),
        "replaced": ListOf(TEXT),
        "columns": ListOf(TEXT),
        "series": ListOf(_STREAM),
        "seen": SIGHT,
        "instrument": OBJECT,
        "question": OBJECT,
    },
    optional=["columns", "seen", "instrument", "question"],
)
_FILE = Fields({"format": NUMBERED, "sheets": ListOf(_SCORES)})

Minutes = npt.NDArray[np.int64]


def recipe_stream(fingerprint: str) -> str:
    return f"recipe:{fingerprint}"


def version_stream(version: str) -> str:
    return f"version:{version}"


@dataclass(frozen=True, eq=False)
class StreamScores:
    """The predictions of one version on a night's bars, for one stream: ``p`` of shape (n_bars,), NaN where there is
    none; ``cut``: the decision threshold, above which it says "up". ``entry``: of the versions log, that registered the
    version; None where an older package scored, or no version did."""

    stream: str
    name: str
    version: str | None
    cut: float
    p: Floats
    entry: int | None = None


@dataclass(frozen=True, eq=False)
class NightScores:
    """One night's scores. ``opens``: shape (n_bars,), the bars' opens in minutes since 1970 UTC, ascending; ``label``:
    0 or 1 each. ``days``: fingerprint of the scored bars of each trading day, so that a later correction is seen.
    ``live`` is false for a backfill. ``replaced``: trading days that this night scores anew; what was live there is
    void. ``columns``: those that the fingerprints are of; empty for all that the bars had. ``seen``: when the bars were
    scored and which of them too late to be live; None for a backfill, and for an older package, whose nights are live.
    ``instrument``: whose bars they are; a file names it where it is not GBPUSD of 15 minutes. ``question``: what the
    labels say; a file names it where it is not the next bar.
    """

    night: str
    live: bool
    opens: Minutes
    label: Floats
    days: Mapping[str, str]
    streams: tuple[StreamScores, ...]
    replaced: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    seen: FirstSight | None = None
    instrument: Instrument = GBPUSD_M15
    question: Label = NEXT_BAR

    @property
    def live_bars(self) -> Mask:
        """Which bars were scored by a night and in time, shape (n_bars,)."""
        if self.seen is None or not self.live:
            return np.full(self.opens.size, self.live, np.bool_)
        return self.seen.live


@dataclass(frozen=True, eq=False)
class Stream:
    """One stream over the ledger's bars, arrays of shape (n_bars,): ``p`` and ``cut`` NaN where it has no score;
    ``live`` true where it was scored by a night, in time, and not by a backfill. ``last_version`` scored its newest
    bar, and ``last_entry`` registered it (None where that is not known)."""

    name: str
    p: Floats
    cut: Floats
    live: Mask
    last_version: str | None
    last_entry: int | None = None

    @cached_property
    def scored(self) -> Mask:
        """Where it has a score, shape (n_bars,); a replay asks for it each night."""
        return ~np.isnan(self.p)


@dataclass(frozen=True, eq=False)
class Ledger:
    """All evidence. ``opens``: shape (n_bars,), UTC; ``label``, ``day`` (datetime64[D]) and ``counted`` of the same
    shape: not in the rollover hour, nor, with another label than the next bar, asking about a close in it. ``days``:
    the newest fingerprint of each trading day's scored bars."""

    opens: pd.DatetimeIndex
    label: Floats
    day: npt.NDArray[np.datetime64]
    counted: Mask
    streams: Mapping[str, Stream]
    days: Mapping[str, str]
    live_nights: tuple[str, ...]
    instrument: Instrument = GBPUSD_M15
    question: Label = NEXT_BAR


def to_bytes(nights: Sequence[NightScores]) -> bytes:
    """The canonical bytes of the scores of some nights, oldest first."""
    number = 1 if all(scores.seen is None or scores.seen.live.all() for scores in nights) else FORMAT
    values = {"format": number, "sheets": [_to_json(scores) for scores in nights]}
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def from_bytes(data: bytes) -> list[NightScores]:
    """The scores in a file; :class:`~flows.errors.GateRefused` where it holds none."""
    try:
        values = json.loads(data)
        if values["format"] > FORMAT:
            raise GateRefused(f"the evidence is of format {values['format']}: upgrade this package")
        wrong = _FILE.fault(values)
        if wrong is not None:
            raise ValueError(f"{wrong.field[:60]} is {ascii(wrong.found)[:60]}, expected {wrong.expected}")
        return [_from_json(scores) for scores in values["sheets"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GateRefused(f"an evidence file is unreadable ({error}): run `registry verify`") from error


def fold(files: Sequence[bytes]) -> bytes:
    """One file of several, oldest first: the same scores in the same order."""
    return to_bytes([scores for data in files for scores in from_bytes(data)])


def assemble(nights: Iterable[NightScores]) -> Ledger:
    """The ledger of the scores of some nights, oldest first; :class:`~flows.errors.GateRefused` where they are of two
    instruments, or of two labels."""
    valid = without_replaced_days(list(nights))
    instrument, question = _instrument_of(valid), _question_of(valid)
    opens = np.unique(np.concatenate([scores.opens for scores in valid])) if valid else np.empty(0, np.int64)
    label = np.full(opens.size, np.nan)
    columns: dict[str, tuple[Floats, Floats, Mask]] = {}  # p, cut, live
    last: dict[str, tuple[int, StreamScores]] = {}  # newest bar, and who scored it
    days: dict[str, str] = {}
    for scores in valid:
        at = np.searchsorted(opens, scores.opens)
        label[at] = scores.label
        days |= scores.days
        in_time = scores.live_bars
        for stream in scores.streams:
            key = stream.stream
            if key not in columns:
                empty = np.full(opens.size, np.nan)
                columns[key] = (empty, empty.copy(), np.zeros(opens.size, np.bool_))
            scored = ~np.isnan(stream.p)
            p, cut, live = columns[key]
            p[at[scored]], cut[at[scored]], live[at[scored]] = stream.p[scored], stream.cut, in_time[scored]
            newest = int(at[scored].max(initial=-1))
            if key not in last or newest >= last[key][0]:  # a corrected day is scored anew by an older version
                last[key] = (newest, stream)
    index = opens_of(opens)
    streams = {
        key: Stream(scorer.name, *columns[key], scorer.version, scorer.entry) for key, (_, scorer) in last.items()
    }
    live_nights = tuple(dict.fromkeys(scores.night for scores in valid if scores.live))
    counted = ~rollover(index, instrument)
    if question != NEXT_BAR:
        counted &= ~rollover(index + question.bars * instrument.step, instrument)
    day = trading_day(index, instrument)
    return Ledger(index, label, day, counted, streams, days, live_nights, instrument, question)


def minutes(opens: pd.DatetimeIndex) -> Minutes:
    """Opens as minutes since 1970 UTC, shape (n_bars,)."""
    return np.asarray(opens.tz_convert("UTC").tz_localize(None)).astype("datetime64[m]").astype(np.int64)


def opens_of(minutes_since: Minutes) -> pd.DatetimeIndex:
    """What :func:`minutes` made of them, in UTC."""
    return pd.DatetimeIndex(minutes_since.astype("datetime64[m]").astype("datetime64[ns]"), tz="UTC")


def without_replaced_days(nights: Sequence[NightScores]) -> list[NightScores]:
    """The scores, oldest first, without the live bars of days that a later night scores anew. A backfill stays as it
    is: the models that made it were not kept."""
    replaced: set[str] = set()
    valid = []
    for scores in reversed(nights):
        if replaced and scores.live:
            index = opens_of(scores.opens)
            stays = ~np.isin(trading_day(index, scores.instrument).astype(str), sorted(replaced))
            scores = _restricted(scores, stays, replaced)
        replaced |= set(scores.replaced)
        valid.append(scores)
    return valid[::-1]


def backfilled(nights: Sequence[NightScores]) -> Minutes:
    """Opens of the bars that a backfill scored and no night did: most of the first night's own day are such."""
    past, live = (
        np.concatenate([np.empty(0, np.int64), *(scores.opens for scores in nights if scores.live is kind)])
        for kind in (False, True)
    )
    return np.setdiff1d(past, live)


def _instrument_of(nights: Sequence[NightScores]) -> Instrument:
    names = list(dict.fromkeys(scores.instrument.name for scores in nights))
    if len(names) > 1:
        raise GateRefused(f"the evidence is of {listed(names)} at once: a model has bars of one instrument only")
    return nights[-1].instrument if nights else GBPUSD_M15


def _question_of(nights: Sequence[NightScores]) -> Label:
    labels = list(dict.fromkeys(scores.question for scores in nights))
    if len(labels) > 1:
        raise GateRefused(
            f"the evidence is of the labels {listed([str(each) for each in labels])} at once: a model has one label; "
            "give another one a model of its own"
        )
    return labels[0] if labels else NEXT_BAR


def _restricted(scores: NightScores, stays: Mask, gone: set[str]) -> NightScores:
    """The scores of the bars that stay, without the fingerprints of the days that are gone."""
    streams = tuple(replace(stream, p=stream.p[stays]) for stream in scores.streams)
    days = {day: value for day, value in scores.days.items() if day not in gone}
    seen = None if scores.seen is None else scores.seen.of(stays, gone)
    return replace(scores, opens=scores.opens[stays], label=scores.label[stays], days=days, streams=streams, seen=seen)


def _to_json(scores: NightScores) -> dict[str, Any]:
    return {
        "night": scores.night,
        "live": scores.live,
        "opens": packed(scores.opens, "<i8"),
        "label": packed(scores.label, "<u1"),
        "days": dict(scores.days),
        "replaced": list(scores.replaced),
        "columns": list(scores.columns),
        **({} if scores.seen is None else {"seen": scores.seen.to_json()}),
        **({} if scores.instrument == GBPUSD_M15 else {"instrument": scores.instrument.to_dict()}),
        **({} if scores.question == NEXT_BAR else {"question": scores.question.to_dict()}),
        "series": [
            {
                "stream": stream.stream,
                "name": stream.name,
                "version": stream.version,
                **({} if stream.entry is None else {"entry": stream.entry}),
                "cut": stream.cut,
                "p": packed(stream.p, "<f8"),
            }
            for stream in scores.streams
        ],
    }


def _from_json(values: Mapping[str, Any]) -> NightScores:
    opens = unpacked(values["opens"], "<i8").astype(np.int64)
    streams = tuple(
        StreamScores(
            stream["stream"],
            stream["name"],
            stream["version"],
            stream["cut"],
            unpacked(stream["p"], "<f8").astype(float),
            stream.get("entry"),
        )
        for stream in values["series"]
    )
    label = unpacked(values["label"], "<u1").astype(float)
    if not (np.diff(opens) > 0).all() or not ((opens >= _MINUTES[0]) & (opens < _MINUTES[1])).all():
        raise GateRefused(f"the evidence of night {values['night']} has bars out of order, or at no time there is")
    if (label > 1).any() or any(((stream.p < 0) | (stream.p > 1)).any() for stream in streams):
        raise GateRefused(f"the evidence of night {values['night']} has a label or a probability outside 0 to 1")
    if any(stream.p.shape != opens.shape for stream in streams) or label.shape != opens.shape:
        raise GateRefused(f"the evidence of night {values['night']} has columns of different lengths")
    seen = None if "seen" not in values else FirstSight.from_json(values["seen"], opens.size)
    instrument = GBPUSD_M15
    if "instrument" in values:
        instrument = Instrument.parse(values["instrument"], f"the evidence of night {values['night']}")
    found = NightScores(values["night"], values["live"], opens, label, values["days"], streams, instrument=instrument)
    columns = tuple(values.get("columns", ()))
    question = Label.from_dict(values.get("question", {}))
    return replace(found, replaced=tuple(values["replaced"]), columns=columns, seen=seen, question=question)
