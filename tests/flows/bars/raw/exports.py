"""Raw exports for tests: minutes of a market that never was, written as vendors write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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


def metatrader_4(bars: pd.DataFrame) -> bytes:
    """As MetaTrader 4, and HistData's export for it."""
    return "".join(f"{when},{cells},0\n" for when, cells in _lines(bars, "%Y.%m.%d,%H:%M", ",")).encode()


def plain(bars: pd.DataFrame, zone: str = "") -> bytes:
    """As ``to_csv`` would."""
    lines = [f"{when}{zone},{cells}\n" for when, cells in _lines(bars, "%Y-%m-%d %H:%M:%S", ",")]
    return ("timestamp,open,high,low,close\n" + "".join(lines)).encode()


def dukascopy(bars: pd.DataFrame, zone: str | None = None, volume: str = "12.5") -> bytes:
    """As Dukascopy's downloader, in GMT or by a local ``zone`` with its offset in each line; ``bars`` are in UTC."""
    index = bars.index.tz_localize("UTC").tz_convert(zone or "UTC")
    stamps = index.strftime("%d.%m.%Y %H:%M:%S.000" + (" GMT%z" if zone else ""))
    head = f"{'Local' if zone else 'Gmt'} time,Open,High,Low,Close,Volume\n"
    return (head + "".join(f"{when},{cells},{volume}\n" for when, cells in _stamped(bars, stamps, ","))).encode()


def tradingview(bars: pd.DataFrame, zone: str | None = None) -> bytes:
    """As TradingView's chart: unix seconds, or ISO 8601 with the offset of ``zone``; ``bars`` are in UTC."""
    index = bars.index.tz_localize("UTC")
    iso = [when.isoformat() for when in index.tz_convert(zone or "UTC")]
    stamps = iso if zone else [str(int(when.timestamp())) for when in index]
    lines = [f"{when},{cells},1\n" for when, cells in _stamped(bars, stamps, ",")]
    return ("time,open,high,low,close,Volume\n" + "".join(lines)).encode()


def crypto_data_download(bars: pd.DataFrame, unit: int = 1) -> bytes:
    """As CryptoDataDownload: newest first, below the address of its site; ``unit`` 1000 is unix milliseconds."""
    turned = bars[::-1]
    stamps = [f"{int(when.timestamp()) * unit},{when},X/USD" for when in turned.index.tz_localize("UTC")]
    lines = [f"{when},{cells},1,2\n" for when, cells in _stamped(turned, stamps, ",")]
    head = "https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume X,Volume USD\n"
    return (head + "".join(lines)).encode()


def klines(bars: pd.DataFrame, unit: int = 1000) -> bytes:
    """As an exchange's archive: no header, unix milliseconds, or microseconds with ``unit`` 1_000_000."""
    stamps = [str(int(when.timestamp()) * unit) for when in bars.index.tz_localize("UTC")]
    return "".join(f"{when},{cells},1,2,3,4,5,0\n" for when, cells in _stamped(bars, stamps, ",")).encode()


def yfinance(bars: pd.DataFrame, zone: str = "UTC") -> bytes:
    """As ``yfinance.download(...).to_csv()``: three lines of header, columns in order of the alphabet."""
    stamps = [str(when) for when in bars.index.tz_localize("UTC").tz_convert(zone)]
    rows = bars[["close", "high", "low", "open"]].to_numpy().tolist()
    lines = [",".join([when, *map(repr, row), "0"]) for when, row in zip(stamps, rows, strict=True)]
    symbol = ",".join(["GBPUSD=X"] * 5)
    head = ["Price,Close,High,Low,Open,Volume", f"Ticker,{symbol}", "Datetime,,,,,"]
    return "\n".join([*head, *lines, ""]).encode()


def _lines(bars: pd.DataFrame, time_format: str, sign: str) -> Iterator[tuple[str, str]]:
    """The time and the four prices of each bar."""
    return _stamped(bars, bars.index.strftime(time_format), sign)


def _stamped(bars: pd.DataFrame, stamps: Iterable[str], sign: str) -> Iterator[tuple[str, str]]:
    rows = bars[["open", "high", "low", "close"]].to_numpy().tolist()
    for when, row in zip(stamps, rows, strict=True):
        yield when, sign.join(f"{price:.5f}" for price in row)
