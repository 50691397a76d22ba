"""A folder takes the yearly files of a build: all of them, or none.

``BUILT.json`` says by which choices the files were built, keeps the bars that are not in them (those that warmed the
indicators up, and the bars of a quarter of an hour that is still open), and the SHA-256 of each yearly file. It is also
what commits: new files are first staged beside the old ones, then ``BUILT.json`` is replaced, then the staged files
take their places. After a kill, the next build finishes the last step, or removes what was never committed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flows.bars.loading import MARKER
from flows.bars.raw.resampling import Prices
from flows.bars.year_names import year_file
from flows.errors import BarsRejected, RequestRefused
from flows.instruments import GBPUSD_M15, Instrument
from registry.store.files import UNFINISHED, write_atomically

STATE = "BUILT.json"

_FORMAT = 1
_STAGED = ".staged-"


@dataclass(frozen=True, eq=False)
class State:
    """What a folder was built by, and what of the past its yearly files do not hold.

    ``minutes``: the length of an export's bars. ``unwritten``: quarter-hour bars that warmed up. ``open``: bars of the
    quarter of an hour that may go on. ``digests``: SHA-256 of each yearly file.
    """

    clock: str
    definitions: str
    years: str
    minutes: int
    unwritten: Prices
    open: Prices
    digests: Mapping[str, str]

    def to_json(self) -> bytes:
        values = {
            "format": _FORMAT,
            "clock": self.clock,
            "definitions": self.definitions,
            "years": self.years,
            "minutes": self.minutes,
            "digests": dict(sorted(self.digests.items())),
            "open": _rows(self.open),
            "unwritten": _rows(self.unwritten),
        }
        return (json.dumps(values, indent=1) + "\n").encode("ascii")

    @classmethod
    def from_json(cls, content: bytes) -> State:
        """Raises ValueError, KeyError or TypeError for what :meth:`to_json` did not write."""
        values: dict[str, Any] = json.loads(content)
        if values.pop("format") != _FORMAT:
            raise ValueError("another format")
        return cls(**values | {"open": _prices(values["open"]), "unwritten": _prices(values["unwritten"])})


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """``folder``, made if need be, with no other build in it; :class:`RequestRefused` where there is one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise RequestRefused(f"{folder} cannot be written to: {error.strerror}. Give another --out") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise RequestRefused(f"another build is at work in {folder}: wait for its end") from error
    finally:
        os.close(handle)


def read_state(folder: Path, instrument: Instrument = GBPUSD_M15) -> State | None:
    """What ``folder`` was built by, None if by nobody; a build that was cut off is finished or swept away first.

    Raises :class:`BarsRejected` if the state or a yearly file is not what a build left, :class:`RequestRefused` if the
    folder holds yearly files and no state.
    """
    path = folder / STATE
    if not path.exists():
        _sweep(folder)
        theirs = sorted(file.name for file in folder.glob(year_file("*", instrument)))
        if theirs or (folder / MARKER).exists():
            raise RequestRefused(
                f"{folder} holds {theirs[0] if theirs else MARKER}, which was not built here: give another --out"
            )
        return None
    try:
        state = State.from_json(path.read_bytes())
    except (ValueError, KeyError, TypeError) as error:
        raise BarsRejected(f"{path} cannot be read ({error}): remove the folder and build everything anew") from error
    _check_whose(folder, state, instrument)
    _finish(folder, state, instrument)
    for name, digest in state.digests.items():
        if not (folder / name).exists() or _digest((folder / name).read_bytes()) != digest:
            raise BarsRejected(
                f"{folder / name} is not the file that was built (edited, or removed): remove {path} and the yearly "
                "files, and build everything anew"
            )
    return state


def commit(folder: Path, files: Mapping[str, bytes], state: State, instrument: Instrument = GBPUSD_M15) -> None:
    """Make ``folder`` hold ``files``, and of its other yearly files those that ``state.digests`` names."""
    try:
        for name, content in files.items():
            write_atomically(folder / f"{_STAGED}{name}", content)
        write_atomically(folder / STATE, state.to_json())
        _finish(folder, state, instrument)
    except OSError as error:
        raise RequestRefused(
            f"{folder} cannot be written to: {error.strerror}. Fix that and run the command again"
        ) from error


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each content."""
    return {name: _digest(content) for name, content in files.items()}


def _check_whose(folder: Path, state: State, instrument: Instrument) -> None:
    """:class:`RequestRefused` where the folder holds the files of another instrument: one is built in each."""
    others = sorted(name for name in state.digests if not name.startswith(f"{instrument.name}_"))
    if others:
        raise RequestRefused(
            f"{folder} holds {others[0]}, and these bars are of {instrument.name}: give another --out, or set "
            "RETRAIN_INSTRUMENT to the one that was built there"
        )


def _finish(folder: Path, state: State, instrument: Instrument) -> None:
    """Staged files that ``state`` names take their places; what it does not name goes."""
    for staged in sorted(folder.glob(f"{_STAGED}*")):
        name = staged.name.removeprefix(_STAGED)
        if state.digests.get(name) == _digest(staged.read_bytes()):
            staged.replace(folder / name)
    _sweep(folder)
    for yearly in folder.glob(year_file("*", instrument)):
        if yearly.name not in state.digests:
            yearly.unlink()


def _sweep(folder: Path) -> None:
    for beginning in (_STAGED, UNFINISHED):
        for left in folder.glob(f"{beginning}*"):
            left.unlink()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _rows(prices: Prices) -> list[str]:
    """A line a bar: its open in UTC, then its prices in full precision."""
    times = prices.time.astype("datetime64[m]").astype(str).tolist()
    return [" ".join([time, *map(repr, values)]) for time, values in zip(times, prices.values.tolist(), strict=True)]


def _prices(rows: list[str]) -> Prices:
    cells = [row.split() for row in rows]
    time = np.array([cell[0] for cell in cells], "datetime64[ns]")
    return Prices(time, np.array([cell[1:] for cell in cells], np.float64).reshape(-1, 4))
