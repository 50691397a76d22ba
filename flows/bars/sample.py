"""The sample is simulated yearly files for users without data. A marker file beside them says that they are
simulated."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import pandas as pd

from flows.bars.clock import FileClock, default_clock
from flows.bars.loading import MARKER
from flows.bars.simulation import simulate
from flows.bars.writing import header, year_lines
from flows.bars.year_names import year_file
from flows.errors import RequestRefused
from flows.instruments import GBPUSD_M15, Instrument
from registry.store.files import write_atomically

FIRST_DAY, LAST_DAY = date(2022, 1, 3), date(2025, 5, 21)
"""A Monday (its bars begin on Sunday evening) and a Wednesday: some 3.4 years that end mid-week."""


def write_sample(
    folder: str | Path,
    *,
    seed: int = 7,
    first: date = FIRST_DAY,
    last: date = LAST_DAY,
    instrument: Instrument = GBPUSD_M15,
) -> Path:
    """Simulated bars of the trading days ``first`` … ``last`` as yearly files in ``folder``, which is returned.

    Deterministic: same arguments, same bytes. Where the files are there already nothing is written; a marker stands
    before the first file does, so what a killed call leaves is never taken for a market's. The file clock is the
    default one of the instrument. Raises :class:`RequestRefused` if the folder holds yearly files that are not a
    sample, cannot be written, or if ``last`` is before ``first``.
    """
    path = Path(folder)
    if last < first:
        raise RequestRefused(f"a sample from {first} to {last} is not possible: it must not end before it begins")
    parameters: dict[str, object] = {
        "simulated": True,
        "seed": seed,
        "first": first.isoformat(),
        "last": last.isoformat(),
    }
    if instrument != GBPUSD_M15:
        parameters["instrument"] = instrument.to_dict()
    try:
        if _complete(path, parameters, instrument):
            return path
        _refuse_others_files(path, instrument)
        files = _files(simulate(first, last, seed=seed, instrument=instrument), instrument)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        marker = json.dumps(parameters | {"files": digests}, indent=2) + "\n"
        path.mkdir(parents=True, exist_ok=True)
        for name, content in {MARKER: marker.encode("ascii"), **files}.items():
            write_atomically(path / name, content)
        for stale in set(_yearly(path, instrument)) - set(files):
            (path / stale).unlink()
    except OSError as error:
        raise RequestRefused(f"the simulated sample cannot be written to {path}: {error.strerror or error}") from error
    return path


def _complete(folder: Path, parameters: dict[str, object], instrument: Instrument) -> bool:
    """Whether ``folder`` holds the sample of these parameters, byte for byte."""
    marker = folder / MARKER
    if not marker.is_file():
        return False
    try:
        marked = json.loads(marker.read_bytes())
        digests = dict(marked.pop("files"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False  # not a marker of this version: it is written again
    return marked == parameters and digests == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in _yearly(folder, instrument)
    }


def _yearly(folder: Path, instrument: Instrument) -> list[str]:
    return sorted(entry.name for entry in folder.glob(year_file("*", instrument)))


def _refuse_others_files(folder: Path, instrument: Instrument) -> None:
    if not (folder / MARKER).exists() and _yearly(folder, instrument):
        raise RequestRefused(
            f"{folder} holds {_yearly(folder, instrument)[0]} and no {MARKER}: these may be real bars, which a sample "
            "would overwrite. Give another folder"
        )


def _files(frame: pd.DataFrame, instrument: Instrument) -> dict[str, bytes]:
    """The content of each yearly file."""
    file_time = FileClock.parse(default_clock(instrument)).from_utc(pd.DatetimeIndex(frame.index))
    return {
        name: "\n".join([header(frame), *lines, ""]).encode("ascii")
        for name, lines in year_lines(frame, file_time, instrument).items()
    }
