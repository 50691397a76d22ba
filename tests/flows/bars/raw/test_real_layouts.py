"""What people export is read as it comes: each vendor's layout, and what its files have around the bars."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from flows.bars.clock import FileClock
from flows.bars.raw import Export, read_export
from flows.bars.raw.rules import RawRule
from tests.flows.bars.raw import exports

UTC = FileClock.parse("UTC")
LONDON = FileClock.parse("london-5h")
BARS = exports.minutes("2024-01-02 10:00", "2024-01-02 16:00", step=15, missing=0)
SUMMER_BEGINS = exports.minutes("2024-03-30 20:00", "2024-03-31 06:00", step=15, missing=0)

VENDORS: dict[str, tuple[Callable[[pd.DataFrame], bytes], str]] = {
    "HistData": (exports.histdata, "HistData"),
    "HistData, CRLF": (lambda bars: exports.histdata(bars).replace(b"\n", b"\r\n"), "HistData"),
    "MetaTrader 4": (exports.metatrader_4, "MetaTrader 4"),
    "MetaTrader 5": (exports.metatrader, "MetaTrader 5"),
    "MetaTrader 5, commas": (lambda bars: exports.metatrader(bars).replace(b"\t", b","), "MetaTrader 5"),
    "Dukascopy": (exports.dukascopy, "Dukascopy"),
    "Dukascopy, local": (lambda bars: exports.dukascopy(bars, "Europe/Berlin"), "Dukascopy"),
    "TradingView, unix": (exports.tradingview, "TradingView"),
    "TradingView, ISO": (lambda bars: exports.tradingview(bars, "America/New_York"), "TradingView"),
    "CryptoDataDownload": (exports.crypto_data_download, "CryptoDataDownload"),
    "CryptoDataDownload, ms": (lambda bars: exports.crypto_data_download(bars, 1000), "CryptoDataDownload"),
    "klines": (exports.klines, "exchange klines"),
    "klines, microseconds": (lambda bars: exports.klines(bars, 1_000_000), "exchange klines"),
    "yfinance": (exports.yfinance, "yfinance"),
    "yfinance, New York": (lambda bars: exports.yfinance(bars, "America/New_York"), "yfinance"),
    "semicolons": (lambda bars: exports.plain(bars).replace(b",", b";"), "CSV"),
    "date and time": (
        lambda bars: exports.plain(bars).replace(b"timestamp", b"Date,Time").replace(b" ", b","),
        "CSV",
    ),
    "quoted": (lambda bars: quoted(bars), "CSV"),
    "dotted dates": (lambda bars: exports.plain(bars).replace(b"2024-01-", b"2024.01."), "CSV"),
}


def quoted(bars: pd.DataFrame) -> bytes:
    """Every field in quotes."""
    lines = exports.plain(bars).decode().splitlines()
    return "".join(",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in lines).encode()


def read(content: bytes, clock: FileClock = UTC) -> Export:
    return read_export("x.csv", content, clock=clock)


def are_bars(export: Export, bars: pd.DataFrame) -> bool:
    """Whether ``export`` holds ``bars``, which are in UTC."""
    assert export.faults == ()
    same_time = (export.time == bars.index.to_numpy("datetime64[ns]")).all()
    return bool(same_time and (export.prices == bars[["open", "high", "low", "close"]].to_numpy()).all())


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_vendors_export_is_the_same_bars(vendor: str) -> None:
    write, name = VENDORS[vendor]
    export = read(write(BARS))
    assert are_bars(export, BARS)
    assert (export.layout, export.minutes) == (name, 15)


@pytest.mark.parametrize("clock", [UTC, LONDON], ids=["UTC", "london-5h"])
@pytest.mark.parametrize(
    "write",
    [
        lambda bars: exports.dukascopy(bars, "Europe/London"),
        lambda bars: exports.tradingview(bars, "Europe/London"),
        lambda bars: exports.yfinance(bars, "Europe/London"),
        exports.dukascopy,
        exports.klines,
    ],
    ids=["Dukascopy", "TradingView", "yfinance", "Dukascopy GMT", "klines"],
)
def test_offsets_that_change_at_summer_time_are_each_lines_own(
    write: Callable[[pd.DataFrame], bytes], clock: FileClock
) -> None:
    export = read(write(SUMMER_BEGINS), clock)
    assert are_bars(export, SUMMER_BEGINS)
    assert export.zoned


def test_an_offset_of_half_an_hour_and_one_of_hours_alone_are_read() -> None:
    for offset, hours in (("+05:30", 5.5), ("-0330", -3.5), ("+02", 2), (" GMT+0100", 1), (" UTC", 0), ("Z", 0)):
        export = read(exports.plain(BARS, offset))
        assert are_bars(export, BARS.set_axis(BARS.index - pd.Timedelta(hours=hours)))


def test_flat_bars_that_fill_the_weekend_are_left_out_and_counted(snapshot: SnapshotAssertion) -> None:
    before = exports.minutes("2024-01-05 10:00", "2024-01-05 21:45", step=15, missing=0)
    after = exports.minutes("2024-01-07 22:00", "2024-01-08 06:00", step=15, missing=0)
    shut = pd.DataFrame(
        1.25, index=pd.date_range("2024-01-05 22:00", "2024-01-07 21:45", freq="15min"), columns=after.columns
    )
    head, *lines = exports.dukascopy(pd.concat([before, shut, after])).splitlines(keepends=True)
    content = head + b"".join(line.replace(b",12.5", b",0") if b",1.25000" * 4 in line else line for line in lines)
    export = read(content)
    assert are_bars(export, pd.concat([before, after]))
    assert f"{len(shut)} flat bars" in export.repairs[0]
    assert str(export) == snapshot
    with_volume = read(head + b"".join(lines))  # a market that is shut does not trade, whatever is written there
    assert are_bars(with_volume, pd.concat([before, after]))


def test_a_flat_bar_with_trades_in_an_open_market_is_a_bar() -> None:
    flat = BARS.copy()
    flat.iloc[3] = 1.25
    assert are_bars(read(exports.dukascopy(flat)), flat)
    assert are_bars(read(exports.histdata(flat)), flat), "HistData's volume is always 0"


def test_newest_first_is_turned_round_and_said() -> None:
    export = read(exports.plain(BARS[::-1]))
    assert are_bars(export, BARS)
    assert export.number.tolist() == list(range(len(BARS) + 1, 1, -1))
    assert export.repairs == ("x.csv: newest first, turned round",)


def test_what_stands_around_the_bars_is_skipped_and_counted(snapshot: SnapshotAssertion) -> None:
    head, *lines = exports.plain(BARS).replace(b",", b";").splitlines(keepends=True)
    content = b"".join([b"sep=;\n", b"# made by hand\n", head, *lines[:5], b"# a pause\n", b"\n", *lines[5:]])
    export = read(content)
    assert are_bars(export, BARS)
    assert export.number[-1] == len(BARS) + 5
    assert str(export) == snapshot


def test_a_last_line_without_its_line_end_is_left_out_and_said() -> None:
    export = read(exports.histdata(BARS)[:-1])
    assert are_bars(export, BARS[:-1])
    assert export.repairs[0].startswith(f"x.csv: line {len(BARS)} left out")
    assert are_bars(read(exports.histdata(BARS) + b"2024"), BARS)
    assert [fault.rule for fault in read(exports.histdata(BARS[:1])[:-1]).faults] == [RawRule.EMPTY]


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_of_both_orders_is_read(order: str) -> None:
    for write in (exports.metatrader, exports.plain):
        export = read(("\ufeff" + write(BARS).decode()).encode(order))
        assert are_bars(export, BARS)
        assert export.notes == ("read as UTF-16",)


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        (lambda price: f"{price:.5f}".replace(".", ","), "decimal commas"),
        (lambda price: f"{price * 10_000:,.2f}", "separators of thousands"),
        (lambda price: f"{price * 10_000_000:,.0f}", "separators of thousands"),
        (lambda price: f"{price * 10_000:,.2f}".replace(",", "'"), "separators of thousands"),
        (lambda price: f"{price * 10_000:,.2f}".replace(",", "\u00a0"), "separators of thousands"),
        (
            lambda price: f"{price * 10_000:,.2f}".translate(str.maketrans(",.", ".,")),
            "decimal commas and separators of thousands",
        ),
    ],
    ids=["1,25003", "12,500.31", "12,500,314", "12'500.31", "12 500.31", "12.500,31"],
)
def test_numbers_of_other_lands_are_read_where_they_leave_no_doubt(change: Callable[[float], str], sign: str) -> None:
    lines = [";".join([str(when), *map(change, row)]) for when, row in zip(BARS.index, BARS.to_numpy(), strict=True)]
    export = read("\n".join(["timestamp;open;high;low;close", *lines, ""]).encode())
    assert export.faults == ()
    assert any(abs(export.prices / BARS.to_numpy() / scale - 1).max() < 1e-4 for scale in (1, 10_000, 10_000_000))
    assert f"numbers with {sign}" in export.notes


@pytest.mark.parametrize("prices", ["1,271;1,272;1,270;1,271", "1,27104;1.27104;1,27104;1,27104", "1,2,3;1;1;1"])
def test_a_comma_that_may_be_two_things_is_a_fault(prices: str) -> None:
    export = read(f"timestamp;open;high;low;close\n2024-01-02 10:00;{prices}\n".encode())
    assert {fault.rule for fault in export.faults} == {RawRule.DECIMAL_COMMA}
    assert export.time.size == 0


def test_one_thousand_among_prices_of_three_decimals_is_no_price() -> None:
    lines = exports.histdata(BARS).replace(b"1.25000;", b"1,250;", 1)
    assert [fault.rule for fault in read(lines).faults] == [RawRule.DECIMAL_COMMA]


@pytest.mark.parametrize(
    ("stamp", "read_as"),
    [("1704190200", True), ("1704190200000", True), ("1704190200.0", True), ("1704190200000000", True)],
)
def test_unix_time_is_told_by_its_size(stamp: str, read_as: bool) -> None:
    export = read(f"timestamp,open,high,low,close\n{stamp},1.2,1.3,1.1,1.2\n".encode())
    assert (export.faults == ()) is read_as
    assert export.time.astype("datetime64[s]").tolist() == [pd.Timestamp("2024-01-02 10:10:00").to_pydatetime()]


@pytest.mark.parametrize(
    "stamp",
    [
        "9999-12-31 23:59",
        "0001-01-01 00:00",
        "9999-12-31 23:59+00:00",
        "1677-09-21 00:12-14:00",
        "1969-12-31 23:00+01:00",
        "2024-01-02 10:00:00 +01",
        "17041902",
        "99999999999999999999",
        "2024-01-02",
        "2024-13-02 10:00",
        "2024-01-02 10:00+15:00",
        "10:00",
    ],
)
def test_what_is_no_time_is_a_fault(stamp: str) -> None:
    export = read(f"timestamp,open,high,low,close\n{stamp},1.2,1.3,1.1,1.2\n".encode())
    rules = [fault.rule for fault in export.faults]
    assert rules == ([] if stamp in ("2024-01-02", "2024-01-02 10:00:00 +01") else [RawRule.TIMESTAMP])


@pytest.mark.parametrize("line", ["20240102 100000;1.2;1.3", "2024.01.02,10:00,1.2", "20240102 100000;"])
def test_a_line_of_a_known_form_with_too_few_fields_is_no_known_layout(line: str) -> None:
    assert [(fault.rule, fault.row) for fault in read(f"{line}\n".encode()).faults] == [(RawRule.LAYOUT, 1)]


SEEDS = [write(BARS[:6]) for write, _ in VENDORS.values()]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(
        st.tuples(st.integers(0, 2_000), st.sampled_from([*"0159-+.:,;|#\"'\t\n\r Zx%\0é٣", "", "9" * 12, "sep=;\n"])),
        max_size=6,
    ),
)
def test_whatever_is_changed_in_an_export_there_are_sound_bars_or_faults(
    seed: bytes, changes: list[tuple[int, str]]
) -> None:
    text = seed.decode()
    for at, sign in changes:
        place = at % (len(text) + 1)
        text = text[:place] + sign + text[place + 1 :]
    export = read(text.encode())
    assert np.isfinite(export.prices).all() and (export.prices > 0).all()
    assert (np.diff(export.time) > np.timedelta64(0)).all() or export.faults
    assert export.faults or export.time.size or export.repairs
    assert str(export).startswith("x.csv: ")


def test_of_a_million_faults_few_are_kept_and_reading_stops() -> None:
    lines = exports.histdata(BARS).replace(b"1.", b"x.") * 4_100
    export = read(lines)
    assert len(lines.splitlines()) == 102_500 and len(export.faults) < 500
    assert RawRule.STOPPED in {fault.rule for fault in export.faults}
    assert export.time.size == 0


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (lambda line: line + ";", RawRule.FIELDS),
        (lambda line: line.replace("2024", "1024"), RawRule.TIMESTAMP),
        (lambda line: line.replace(";1.", ";-1."), RawRule.PRICE),
        (lambda line: line.replace(";1.", ";9.", 1), RawRule.RANGE),
    ],
    ids=["fields", "time", "price", "range"],
)
def test_of_a_thousand_faults_of_one_kind_twenty_are_kept_and_all_counted(
    wrong: Callable[[str], str], rule: RawRule
) -> None:
    bars = exports.minutes("2024-01-02 00:00", "2024-01-02 16:40", missing=0)
    first, *lines = exports.histdata(bars).decode().splitlines()
    content = "\n".join([first, *map(wrong, lines), ""]).encode()
    faults = [fault for fault in read(content).faults if fault.rule == rule]
    columns = 4 if rule == RawRule.PRICE else 1
    assert len(faults) == 20 * columns and sum(1 + fault.more for fault in faults) == 1_000 * columns
