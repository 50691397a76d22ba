"""Raw exports for tests: minutes of a market that never was, written as vendors write them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

HISTDATA_CLOCK = "london-5h"


def minutes(first: str, last: str, *, missing: float = 0.1, seed: int = 0, step: int = 1) -> pd.DataFrame:
    """Bars of ``step`` minutes from ``first`` to ``last`` by the exporter's clock, a share of them ``missing``."""
    chance = np.random.default_rng(seed)
    index = pd.date_range(first, last, freq=f"{step}min")
    index = index[chance.random(len(index)) >= missing]
    middle = np.round(1.25 + np.cumsum(chance.normal(0, 1e-4, len(index))), 5)
    begin = np.concatenate([[1.25], middle[:-1]])
    reach = np.abs(chance.normal(0, 5e-5, (2, len(index))))
    return pd.DataFrame(
        {
            "open": begin,
            "high": np.round(np.maximum(begin, middle) + reach[0], 5),
            "low": np.round(np.minimum(begin, middle) - reach[1], 5),
            "close": middle,
        },
        index=index,
    )


def histdata(bars: pd.DataFrame) -> bytes:
    """As HistData's generic ASCII."""
    return "".join(f"{when};{cells};0\n" for when, cells in _lines(bars, "%Y%m%d %H%M%S", ";")).encode()


def metatrader(bars: pd.DataFrame) -> bytes:
    """As MetaTrader 5 exports from its chart."""
    head = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n"
    lines = [f"{when}\t{cells}\t7\t0\t3\r\n" for when, cells in _lines(bars, "%Y.%m.%d\t%H:%M:%S", "\t")]
    return (head + "".join(lines)).encode()


def histdata_for_metatrader(bars: pd.DataFrame) -> bytes:
    """As HistData's export for MetaTrader."""
    return "".join(f"{when},{cells},0\n" for when, cells in _lines(bars, "%Y.%m.%d,%H:%M", ",")).encode()


def plain(bars: pd.DataFrame, zone: str = "") -> bytes:
    """As ``to_csv`` would."""
    lines = [f"{when}{zone},{cells}\n" for when, cells in _lines(bars, "%Y-%m-%d %H:%M:%S", ",")]
    return ("timestamp,open,high,low,close\n" + "".join(lines)).encode()


def _lines(bars: pd.DataFrame, time_format: str, sign: str) -> Iterator[tuple[str, str]]:
    """The time and the four prices of each bar."""
    rows = bars[["open", "high", "low", "close"]].to_numpy().tolist()
    for when, row in zip(bars.index.strftime(time_format), rows, strict=True):
        yield when, sign.join(f"{price:.5f}" for price in row)
