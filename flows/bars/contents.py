"""The text of a file, whatever it is packed in and however its characters are written; what is no text is named.

Packed files are unpacked to a bound, so that a small file cannot fill the memory.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO

import pandas as pd

LARGEST = 256 * 2**20
"""Bytes of a file, or of what it unpacks to, that are read: about twelve years of one-minute bars."""

_TOO_LARGE = f"it holds more than {LARGEST // 2**20} MiB: split it by year"
_TURNED = "export it as CSV, or unpack it first"
_SIGNS = (
    (b"\xd0\xcf\x11\xe0", "it is an Excel workbook: save the sheet as CSV"),
    (b"\xfd7zXZ\x00", f"it is packed by xz: {_TURNED}"),
    (b"BZh", f"it is packed by bzip2: {_TURNED}"),
    (b"\x28\xb5\x2f\xfd", f"it is packed by zstd: {_TURNED}"),
    (b"7z\xbc\xaf\x27\x1c", f"it is packed by 7-Zip: {_TURNED}"),
    (b"Rar!", f"it is packed by RAR: {_TURNED}"),
    (b"%PDF", "it is a PDF document: export the bars as CSV"),
)
_BEGINNINGS = (
    ("version https://git-lfs", "it is a Git LFS pointer, not the file: `git lfs pull` fetches that"),
    ("<!doctype html", "it is an HTML page, often one that asks to log in: download the file itself"),
    ("<html", "it is an HTML page, often one that asks to log in: download the file itself"),
    ("<?xml", "it is XML: export the bars as CSV"),
    ("{", "it is JSON: export the bars as CSV"),
    ("[", "it is JSON: export the bars as CSV"),
)
_NOT_PLAIN = (
    (b"\x1f\x8b", "it is packed by gzip: unpack it (`gunzip`)"),
    (b"PK\x03\x04", "it is a zip archive or an Excel workbook: unpack it, or save the sheet as CSV"),
    (b"PAR1", "it is Parquet: save it as CSV"),
    (b"\xff\xfe", "it is UTF-16: save it as CSV in UTF-8"),
    (b"\xfe\xff", "it is UTF-16: save it as CSV in UTF-8"),
    (b"sep=", "its first line is a note for Excel (sep=…): remove that line"),
    (b"\xef\xbb\xbfsep=", "its first line is a note for Excel (sep=…): remove that line"),
    (b'"', "its columns are in quotation marks: export without them"),
)


@dataclass(frozen=True)
class Text:
    """Lines that end in LF or CRLF; ``notes`` say what was done to get them."""

    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NoText:
    """``reason`` says what the file is instead and what to do, or where it is damaged."""

    reason: str


def read_text(content: bytes) -> Text | NoText:
    """The text in ``content``: UTF-8 or, with its mark, UTF-16, packed by gzip or alone in a zip, or Parquet as CSV."""
    if len(content) > LARGEST:
        return NoText(_TOO_LARGE)
    if content.startswith(b"PAR1"):
        return _parquet(content)
    if content.startswith((b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06")):
        unpacked = _unpacked(content)
        if isinstance(unpacked, NoText):
            return unpacked
        content, packed = unpacked
        text = _decoded(content)
        return text if isinstance(text, NoText) else Text(text.text, (packed, *text.notes))
    return _decoded(content)


def read_plain(content: bytes) -> Text | NoText:
    """The text of a file that must be a plain CSV in UTF-8, as yearly files are: nothing is unpacked or guessed."""
    other = next((what for sign, what in _NOT_PLAIN if content.startswith(sign)), None)
    return _decoded(content) if other is None else NoText(other)


def _unpacked(content: bytes) -> tuple[bytes, str] | NoText:
    """What is packed in ``content``, with a note."""
    try:
        if content.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(content)) as stream:
                unpacked, note = _read(stream), "unpacked by gzip"
        else:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                name = _member(archive)
                if isinstance(name, NoText):
                    return name
                with archive.open(name) as stream:
                    unpacked, note = _read(stream), f"{name} unpacked from the zip"
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        return NoText(f"it is packed and damaged or cut off ({error}): download it again")
    except (NotImplementedError, RuntimeError) as error:  # a method that Python lacks; a password
        return NoText(f"it cannot be unpacked ({error}): unpack it first")
    return NoText(_TOO_LARGE) if len(unpacked) > LARGEST else (unpacked, note)


def _read(stream: IO[bytes] | gzip.GzipFile) -> bytes:
    return stream.read(LARGEST + 1)


def _member(archive: zipfile.ZipFile) -> str | NoText:
    """The one file in ``archive``, or the one CSV beside what vendors add to it, such as a report of gaps."""
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if "xl/workbook.xml" in names:
        return NoText("it is an Excel workbook: save the sheet as CSV")
    if len(names) > 1:
        names = [name for name in names if name.lower().endswith(".csv")] or names
    if len(names) == 1:
        return names[0]
    first = f" ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})" if names else ""
    return NoText(f"the zip holds {len(names) or 'no'} files{first}: unpack it and name the one to read")


def _parquet(content: bytes) -> Text | NoText:
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except ImportError:
        return NoText(
            "it is Parquet, which takes the package pyarrow: pip install 'champion-gate[parquet]', or save it as CSV"
        )
    except (ValueError, OSError) as error:  # what pyarrow raises is either
        return NoText(f"it is Parquet and cannot be read ({str(error).splitlines()[0]}): write it again")
    if not isinstance(frame.index, pd.RangeIndex):
        frame.index.name = frame.index.name or "timestamp"
        frame = frame.reset_index()
    return Text(frame.to_csv(index=False), ("read as Parquet",))


def _decoded(content: bytes) -> Text | NoText:
    sign = next((what for sign, what in _SIGNS if content.startswith(sign)), None)
    if sign is not None:
        return NoText(sign)
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not wide and b"\0" in content:
        return NoText("it holds zero bytes (UTF-16 without its mark, or no text): save it as CSV in UTF-8")
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        return NoText(f"byte {error.start} is not {'UTF-16' if wide else 'UTF-8'}")
    begin = text[:1000].lstrip().casefold()
    is_ = next((what for beginning, what in _BEGINNINGS if begin.startswith(beginning)), None)
    if is_ is not None:
        return NoText(is_)
    if "\r" in text and "\n" not in text:
        return NoText("its lines end in CR alone: save it with LF or CRLF")
    return Text(text, ("read as UTF-16",) if wide else ())
