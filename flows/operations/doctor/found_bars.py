"""What lies in a folder that bars could be read from: yearly files of which instrument and by which clock, exports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.bars import load_bars
from flows.bars.clock import FileClock, default_clock
from flows.bars.plausibility import BarFinding, SeenBars, examine
from flows.bars.plausibility.clock import DetectedClock, detect
from flows.bars.year_names import ENDINGS
from flows.errors import BarsRejected, InstrumentRefused
from flows.instruments import find_instrument

_YEARLY = re.compile(rf"([A-Z0-9]+_[A-Z0-9]+)_([0-9]{{4}})_features\.(?:{'|'.join(ENDINGS)})")
_EXPORT = re.compile(r"(?:DAT_(?:ASCII|MT|MS|NT)_.*|.*(?:_|-)?M(?:1|5|15|30).*)\.(?:csv|txt|zip|gz)", re.IGNORECASE)


@dataclass(frozen=True)
class YearlyFiles:
    """A folder with yearly files of one instrument, as ``RETRAIN_INSTRUMENT`` names it."""

    folder: Path
    instrument: str
    years: tuple[int, ...]

    def __str__(self) -> str:
        years = f"{self.years[0]}" if len(self.years) == 1 else f"{self.years[0]} to {self.years[-1]}"
        return f"{self.folder}: yearly files of {self.instrument}, {years}"


@dataclass(frozen=True)
class ReadBars:
    """What reading the files told: how many bars, their ``clock`` (None: no weekend shows it), and what is odd."""

    bars: int
    last: datetime
    clock: DetectedClock | None
    findings: tuple[BarFinding, ...]


def yearly_files(folder: Path) -> list[YearlyFiles]:
    """Yearly files of instruments that are known, in ``folder`` and in the folders in it; most years first."""
    found = [each for place in _places(folder) for each in _yearly_in(place)]
    return sorted(found, key=lambda each: -len(each.years))


def raw_exports(folder: Path) -> list[Path]:
    """Files, in ``folder`` and in the folders in it, that look like exports of prices (`retrain features`)."""
    return [
        path
        for place in _places(folder)
        for path in sorted(place.iterdir())
        if path.is_file() and _EXPORT.fullmatch(path.name) and not _YEARLY.fullmatch(path.name)
    ]


def read_bars(data: str, instrument: str, now: datetime, clock: str | None = None) -> ReadBars:
    """Reads the yearly files at ``data`` by ``clock``, or by the one that fits them.

    Raises what :func:`flows.bars.load_bars` does.
    """
    traded = find_instrument(instrument)
    usual = clock or default_clock(traded)
    try:
        bars = load_bars(data, clock=usual, instrument=traded)
    except BarsRejected:
        if clock is not None:
            raise
        bars = load_bars(data, clock="UTC", instrument=traded)  # no hour is shown twice or skipped by it
    found = None if clock is not None else detect(SeenBars.of(bars, now))
    if found is not None and FileClock.parse(bars.clock).unstamped != found.name:
        bars = load_bars(data, clock=found.name, instrument=traded)
    last = bars.last_close.to_pydatetime()
    return ReadBars(len(bars.frame), last, found, tuple(examine(SeenBars.of(bars, now))))


def _places(folder: Path) -> Sequence[Path]:
    if not folder.is_dir():
        return []
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [folder, *below]


def _yearly_in(folder: Path) -> list[YearlyFiles]:
    years: dict[str, list[int]] = {}
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return []  # a folder that may not be looked into holds nothing for this person
    for name in names:
        form = _YEARLY.fullmatch(name)
        if form is not None:
            years.setdefault(form[1], []).append(int(form[2]))
    return [YearlyFiles(folder, name, tuple(sorted(held))) for name, held in years.items() if _is_known(name)]


def _is_known(instrument: str) -> bool:
    try:
        find_instrument(instrument)
    except InstrumentRefused:
        return False
    return True
