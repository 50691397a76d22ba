"""Time and memory of files that are wrong in every line: ``python -m benchmarks.bad_files``.

Each file is written into a folder that is removed afterwards, and read in a process of its own; the peak is that of the
whole process.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from subprocess import run

import pandas as pd

from flows.bars import FileClock, load_bars, year_file
from flows.bars.raw import read_export
from flows.errors import RetrainError

MILLION = 1_000_000
HEADER = "timestamp,open_15m,high_15m,low_15m,close_15m,rsi_14,ema_20,ema_50,atr_14,adx_14\n"
BAR = "1.35112,1.35122,1.35036,1.3504,27.6281389905,1.3517640727,1.3520403622,0.0005503395,37.2342258926"


def yearly_minutes() -> Iterator[str]:
    yield HEADER
    minutes = pd.date_range("2024-01-01", "2024-12-31 23:59", freq="1min")
    yield from (f"{minute},{BAR}\n" for minute in minutes[minutes.day_of_week < 5][:350_064])


def yearly_unreadable() -> Iterator[str]:
    yield HEADER
    yield from (f"2024x01-02 10:00:00,{BAR}\n" for _ in range(MILLION))


def export_unreadable() -> Iterator[str]:
    yield from (f"2024{number % 99:02d}02 1000{number % 60:02d};1.3;1.4;1.3x;1.3;0\n" for number in range(MILLION))


def export_sound() -> Iterator[str]:
    yield "timestamp,open,high,low,close\n"
    minutes = pd.date_range("2022-01-03", periods=MILLION, freq="1min")
    yield from (f"{minute}+00:00,1.35112,1.35122,1.35036,1.3504\n" for minute in minutes)


FILES = {each.__name__: each for each in (yearly_minutes, yearly_unreadable, export_unreadable, export_sound)}


def read(path: Path, name: str) -> None:
    begun, faults = time.perf_counter(), "none"
    try:
        if name.startswith("yearly"):
            load_bars(path)
        else:
            export = read_export(name, (path / name).read_bytes(), clock=FileClock.parse("UTC"))
            faults = str(sum(1 + fault.more for fault in export.faults))
    except RetrainError as error:
        faults = str(error).splitlines()[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: {time.perf_counter() - begun:.1f} s, {peak:.0f} MB, faults: {faults}")


def main() -> None:
    for name, lines in FILES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / (year_file(2024) if name.startswith("yearly") else name)
            with path.open("w") as file:
                written = lines()
                while block := "".join(islice(written, 10_000)):
                    file.write(block)
            run([sys.executable, "-m", "benchmarks.bad_files", folder, name], check=True)


if __name__ == "__main__":
    read(Path(sys.argv[1]), sys.argv[2]) if sys.argv[1:] else main()
