"""Yearly files are written here as text, each wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars.rows import TIMESTAMP
from flows.bars.year_names import year_file
from flows.instruments import GBPUSD_M15, Instrument


def header(frame: pd.DataFrame) -> str:
    """The first line of a yearly file with the columns of ``frame``."""
    return ",".join([TIMESTAMP, *frame.columns])


def year_lines(
    frame: pd.DataFrame,
    file_time: npt.NDArray[np.datetime64],
    instrument: Instrument = GBPUSD_M15,
    *,
    price: Callable[[float], str] | None = None,
) -> dict[str, list[str]]:
    """The lines of each yearly file, by its name: prices as ``price`` writes them (default: with the
    instrument's decimals), features with ten decimals.

    ``file_time``: shape (n,), what the file's clock shows at each row of ``frame``; it decides the year.
    """
    written = price or f"{{:.{instrument.decimals}f}}".format
    year = file_time.astype("datetime64[Y]").astype(int) + 1970
    cells = [np.char.replace(file_time.astype("datetime64[s]").astype(str), "T", " ").tolist()]
    for name in frame.columns:
        form = written if name in instrument.columns else "{:.10f}".format
        cells.append([form(value) for value in frame[name].tolist()])
    lines = np.array([",".join(row) for row in zip(*cells, strict=True)], object)
    return {year_file(one, instrument): lines[year == one].tolist() for one in np.unique(year).tolist()}
