"""A file is read whatever it is packed in and however its characters are written, or it is said what it is instead."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from flows.bars import contents
from flows.bars.clock import FileClock
from flows.bars.contents import NoText, Text, read_text
from flows.bars.raw import read_export
from flows.bars.raw.rules import RawRule
from tests.flows.bars.raw import exports

BARS = exports.minutes("2024-01-02 10:00", "2024-01-02 16:00", step=15, missing=0)
CSV = exports.histdata(BARS)
UTC = FileClock.parse("UTC")


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(CSV),
        zipped(bars__csv=CSV),
        zipped(bars__csv=CSV, gaps__txt=b"none"),  # as HistData does
        gzip.compress("\ufeff".encode("utf-16-le") + CSV.decode().encode("utf-16-le")),
        b"\xef\xbb\xbf" + CSV,
    ],
    ids=["gzip", "zip", "zip with a report", "gzip of UTF-16", "byte order mark"],
)
def test_packed_files_are_the_same_bars(content: bytes) -> None:
    export = read_export("x.csv", content, clock=UTC)
    assert export.faults == ()
    assert (export.prices == BARS.to_numpy()).all()


def test_what_was_unpacked_is_said() -> None:
    assert read_text(gzip.compress(CSV)) == Text(CSV.decode(), ("unpacked by gzip",))
    assert read_text(zipped(bars__csv=CSV)) == Text(CSV.decode(), ("bars.csv unpacked from the zip",))


OTHERS: dict[str, tuple[bytes, str]] = {
    "two in a zip": (zipped(one__csv=CSV, two__csv=CSV), "2 files"),
    "none in a zip": (zipped(), "no files"),
    "a workbook": (zipped(**{"xl/workbook__xml": b"<x/>", "a__xml": b""}), "Excel workbook"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel workbook"),
    "a cut gzip": (gzip.compress(CSV)[:-9], "damaged or cut off"),
    "a cut zip": (zipped(bars__csv=CSV)[:-9], "damaged or cut off"),
    "a gzip with a wrong sum": (gzip.compress(CSV)[:-8] + b"\0" * 8, "damaged or cut off"),
    "xz": (b"\xfd7zXZ\x00rest", "xz"),
    "zstd": (b"\x28\xb5\x2f\xfdrest", "zstd"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
    "a page": (b"\n<!DOCTYPE html><html><body>log in</body></html>\n", "HTML page"),
    "JSON": (b'[{"open": 1}]\n', "JSON"),
    "CR alone": (CSV.replace(b"\n", b"\r"), "CR alone"),
    "zero bytes": (CSV.decode().encode("utf-16-le"), "zero bytes"),
    "Latin-1": (CSV + b"\xe9\n", "is not UTF-8"),
    "half of UTF-16": (b"\xff\xfe\x00", "is not UTF-16"),
    "broken Parquet": (b"PAR1 and nothing", "Parquet"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_no_text_is_named(other: str) -> None:
    content, said = OTHERS[other]
    (fault,) = read_export("x.csv", content, clock=UTC).faults
    assert (fault.rule, fault.row) == (RawRule.NOT_TEXT, 0)
    assert said in fault.found


def test_the_names_of_what_is_no_text_say_what_to_do(snapshot: SnapshotAssertion) -> None:
    said = {name: read_export("x.csv", OTHERS[name][0], clock=UTC).faults[0].found for name in ("a pointer", "a page")}
    assert said == snapshot


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped(bars__csv=content)], ids=["gzip", "zip"])
def test_a_small_file_that_unpacks_to_a_huge_one_is_not_unpacked(
    pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "LARGEST", 10_000)
    assert isinstance(read_text(pack(b"1" * 10_000)), Text)
    assert len(pack(b"1" * 10_001)) < 200
    assert isinstance(read_text(pack(b"1" * 10_001)), NoText)
    assert isinstance(read_text(b"1" * 10_001), NoText)


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped(bars__csv=content)], ids=["gzip", "zip"])
def test_no_more_than_the_bound_is_ever_unpacked(
    pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = pack(b"1" * 30_000_000)
    monkeypatch.setattr(contents, "LARGEST", 100_000)
    tracemalloc.start()
    try:
        assert isinstance(read_text(packed), NoText)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_a_zip_that_lies_about_the_size_of_its_member_is_refused() -> None:
    packed = bytearray(zipped(bars__csv=b"1" * 100_000))
    at = packed.rindex(b"PK\x01\x02")
    packed[at + 24 : at + 28] = (5).to_bytes(4, "little")
    assert isinstance(read_text(bytes(packed)), NoText)


def test_a_zip_with_a_password_is_named() -> None:
    packed = bytearray(zipped(bars__csv=CSV))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(sign) + place] |= 1
    refused = read_text(bytes(packed))
    assert isinstance(refused, NoText) and "encrypted" in refused.reason


def test_parquet_is_read_as_the_csv_of_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pd, "read_parquet", lambda _: BARS.tz_localize("UTC"))
    export = read_export("x.parquet", b"PAR1", clock=FileClock.parse("UTC-5"))
    assert export.faults == () and export.notes == ("read as Parquet",)
    assert (export.time == BARS.index.to_numpy("datetime64[ns]")).all()
    assert (export.prices == BARS.to_numpy()).all()


def test_parquet_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion) -> None:
    def missing(_: object) -> pd.DataFrame:
        raise ImportError("no engine")

    monkeypatch.setattr(pd, "read_parquet", missing)
    refused = read_text(b"PAR1")
    assert isinstance(refused, NoText) and refused.reason == snapshot


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([gzip.compress(CSV), zipped(bars__csv=CSV), CSV, CSV.decode().encode("utf-16")]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4),
    st.integers(0, 2_000),
)
def test_whatever_bytes_come_there_is_a_text_or_a_reason(
    content: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    spoiled = bytearray(content)
    for at, byte in changes:
        spoiled[at % len(spoiled)] = byte
    read = read_export("x.csv", bytes(spoiled[: len(spoiled) - cut]), clock=UTC)
    assert read.faults or read.time.size or read.repairs
    assert np.isfinite(read.prices).all()
    json.dumps([str(fault) for fault in read.faults])
