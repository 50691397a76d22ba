"""How far real bars and the simulated sample are from the tripwires: the table of ``docs/gate.md``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.bars import Dataset, load_bars, prepare, write_sample
from flows.evidence.backfill import walk_forward
from flows.gate.scoring.ledger import Ledger, assemble
from flows.gate.tripwires.columns import FEWEST_BARS, LabelledBars, auc, auc_bound, forms, spans
from flows.gate.tripwires.streams import (
    LABELS,
    SHIFTS,
    JudgedSides,
    by_trading_day,
    control_z,
)
from flows.instruments import GBPUSD_M15
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.recipes import shipped
from flows.settings import Settings
from registry.archive.input_schema import InputSchema

CLOCKS = ("london-5h", "UTC", "America/New_York+7h")
Place = slice | npt.NDArray[np.intp]
"""Where some bars are."""

EVERY_DAYS = 5
"""Streams are looked at after each so-manyth trading day."""

YEAR_DAYS, RECENT_DAYS = GBPUSD_M15.counts.year, GBPUSD_M15.counts.four_weeks


def show(data: Path) -> None:
    """Print both tables, of the real years where they are there and of the sample: a row a process, the long ones
    first."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool,
    ):
        sample = write_sample(Path(folder) / "sample")
        sources = {**({"three real years": data} if data.is_dir() else {}), "the sample": sample}
        walked = {name: pool.submit(_stream_row, source, Path(folder)) for name, source in sources.items()}
        looked = {
            (name, clock): pool.submit(_column_row, source, clock)
            for name, source in sources.items()
            for clock in (CLOCKS if source is data else CLOCKS[:1])
        }
        print("\n| bars | clock | inputs | AUC over all bars (bound) | of a file's year | of 20 days (bound) |")
        print("| --- | --- | --- | --- | --- | --- |")
        for (name, clock), columns in looked.items():
            print(f"| {name} | {clock} | {columns.result()} |", flush=True)
        print(
            "\n| bars | streams | days | right over 250 days | over 20 days | the control's largest z; of the labels |"
        )
        print("| --- | --- | --- | --- | --- | --- |")
        for name, streams in walked.items():
            print(f"| {name} | {streams.result()} |", flush=True)


def _stream_row(source: Path, folder: Path) -> str:
    return stream_cells(_walked(source, folder))


def _column_row(source: Path, clock: str) -> str:
    return _column_cells(prepare(load_bars(source, clock=clock)))


def _inputs(data: Dataset) -> dict[str, Floats]:
    frame = data.bars.frame
    features = {feature for recipe in shipped().values() for feature in recipe.features}
    names = sorted({*map(str, frame.columns), *features})
    return {name: InputSchema((name,)).matrix(frame)[:, 0] for name in names}


def _column_cells(data: Dataset) -> str:
    inputs, close = _inputs(data), data.bars.close
    bars = LabelledBars(np.where(data.counted, data.label, np.nan), data.trading_day, close)
    year = data.bars.file_time.astype("datetime64[Y]")
    whole, *runs = [at for _, at in spans(bars)]
    years = [np.flatnonzero(year == each) for each in np.unique(year)]
    cells = [_largest(inputs, bars, among) for among in ([whole], years, runs)]
    figures = [f"{area:.3f} ({bound:.3f})" for area, bound in cells]
    return " | ".join([str(len(inputs)), figures[0], f"{cells[1][0]:.3f}", figures[2]])


def _largest(inputs: Mapping[str, Floats], bars: LabelledBars, among: Sequence[Place]) -> tuple[float, float]:
    """The largest AUC in any form and span, and the lowest bound of these spans."""
    found = [
        (max(area, 1.0 - area), auc_bound(label))
        for values in inputs.values()
        for form in forms(values, bars.close).values()
        for label, area in _areas(form, bars, among)
    ]
    return max(area for area, _ in found), min(bound for _, bound in found)


def _areas(form: Floats, bars: LabelledBars, among: Sequence[Place]) -> Iterator[tuple[Floats, float]]:
    usable = np.isfinite(form + bars.label)
    for at in among:
        label = bars.label[at][usable[at]]
        area = auc(form[at][usable[at]], label)
        if area is not None and label.size >= FEWEST_BARS:
            yield label, area


def _walked(source: Path, folder: Path) -> Ledger:
    """All shipped recipes over all the bars, refitted each 20 trading days."""
    settings = Settings(data=str(source), registry=str(folder / "registry"), model="m")
    job = plan(RetrainRequest(backfill_days=5_000), settings)
    data = prepare(load_bars(source))
    return assemble(walk_forward(job, data, night=data.bars.night.isoformat()))


def stream_cells(ledger: Ledger) -> str:
    """The cells of one ledger."""
    at = ledger.counted
    ups = {stream.name: (stream.p > stream.cut).astype(np.float64)[at] for stream in ledger.streams.values()}
    judged = JudgedSides(ledger.label[at], ledger.day[at], GBPUSD_M15.slot(ledger.opens[at]), ups)
    days = np.unique(judged.day)
    right = {
        span: max(
            float(np.mean(up[among] == judged.label[among]))
            for end in range(span, days.size + 1, EVERY_DAYS)
            for among in [np.isin(judged.day, days[end - span : end])]
            for up in ups.values()
        )
        for span in (YEAR_DAYS, RECENT_DAYS)
    }
    label = by_trading_day(judged.label, judged, days)
    z = {
        name: max(
            abs(found[0])
            for end in range(YEAR_DAYS, days.size + 1, EVERY_DAYS)
            for shift in (*SHIFTS, *(-shift for shift in SHIFTS))
            for found in [control_z(table[end - YEAR_DAYS : end], label[end - YEAR_DAYS : end], shift)]
            if found is not None
        )
        for name, up in {**ups, LABELS: judged.label}.items()
        for table in [by_trading_day(up, judged, days)]
    }
    of_labels = z.pop(LABELS)
    accuracy = f"{right[YEAR_DAYS]:.2%} | {right[RECENT_DAYS]:.2%}"
    return f"{len(ups)} | {days.size} | {accuracy} | {max(z.values()):.2f}; {of_labels:.2f}"
