"""A yearly file that is no CSV is called what it is, with what to do, whatever program or server left it there."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.bars import load_bars, prepare
from flows.errors import BarsMissing, BarsRejected, RequestRefused
from tests.flows.bars.bar_files import HEADER, rows, write

SOUND = "\n".join([HEADER, *rows(), ""])


def zipped() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("bars.csv", SOUND)
    return written.getvalue()


OTHERS = {
    "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
    "a page of HTML": (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "download the file itself"),
    "XML": (b"<?xml version='1.0'?>\n<Error><Code>NoSuchKey</Code></Error>\n", "it is XML"),
    "JSON": (b'{"error": "quota"}\n', "it is JSON"),
    "packed by gzip": (gzip.compress(SOUND.encode()), "gunzip"),
    "a zip": (zipped(), "unpack it"),
    "an Excel workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Excel workbook"),
    "Parquet": (b"PAR1" + bytes(100), "Parquet"),
    "UTF-16": (SOUND.encode("utf-16"), "UTF-16"),
    "UTF-16 without its mark": (SOUND.encode("utf-16-le"), "zero bytes"),
    "a note for Excel": (b"sep=,\n" + SOUND.encode(), "remove that line"),
    "quoted": (b'"' + HEADER.replace(",", '","').encode() + b'"\n', "quotation marks"),
    "ends of lines of another age": (SOUND.replace("\n", "\r").encode(), "CR alone"),
    "the same after a byte order mark": (b"\xef\xbb\xbfsep=,\n" + SOUND.encode(), "remove that line"),
}


@pytest.mark.parametrize(("content", "says"), OTHERS.values(), ids=OTHERS)
def test_what_is_no_csv_is_called_what_it_is(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "GBPUSD_M15_2024_features.csv").write_bytes(content)
    with pytest.raises(BarsRejected) as refused:
        load_bars(tmp_path)
    told = str(refused.value)
    assert "1 fault:" in told and "GBPUSD_M15_2024_features.csv: " in told
    assert says in told and len(told) < 400


def test_a_column_that_stands_twice_a_thousand_times_is_a_short_message(tmp_path: Path) -> None:
    wide = ",".join([HEADER, *(f"{'c' * 50}{number % 1000}" for number in range(2000))])
    with pytest.raises(BarsRejected, match="and 960 more") as refused:
        load_bars(write(tmp_path, rows(), header=wide))
    assert len(str(refused.value)) < 5_000


@pytest.mark.parametrize("year", [1, 1969, 2200, 2263, 9999])
def test_an_as_of_that_no_bar_can_be_of_is_out_of_range(tmp_path: Path, year: int) -> None:
    with pytest.raises(RequestRefused, match="out of range: give a moment from 1970 to 2199"):
        load_bars(write(tmp_path, rows()), as_of=datetime(year, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("clock", ["America/New_York+99h", "America/New_York-15h", "UTC+15"])
def test_a_clock_that_is_further_from_its_zone_than_any_is_refused(tmp_path: Path, clock: str) -> None:
    with pytest.raises(RequestRefused, match="at most 14 hours"):
        load_bars(write(tmp_path, rows()), clock=clock)


def test_bars_of_another_length_are_named_where_no_label_is_known(tmp_path: Path) -> None:
    hours = [line for day in (2, 3) for line in rows(f"2024-01-0{day} 00:00:00", 96) if line[14:16] == "00"]
    data = prepare(load_bars(write(tmp_path, hours)))
    for ask in (lambda: data.window(days=30), lambda: data.years(2024)):
        with pytest.raises(BarsMissing, match=r"its bars are 60 minutes apart.*`retrain features`"):
            ask()
    other = tmp_path / "sound"
    other.mkdir()
    assert prepare(load_bars(write(other, rows()))).spacing == ""
