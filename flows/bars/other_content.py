"""A yearly file that holds something else than the text of a CSV is named by what it is, with what to do about it."""

from __future__ import annotations

_PAGE = "it is a page of HTML, often one that asks to log in: download the file itself"
_UTF_16 = "it is UTF-16: save it as CSV in UTF-8"

_BEGINNINGS = (
    (b"\x1f\x8b", "it is packed by gzip: unpack it (`gunzip`)"),
    (b"PK\x03\x04", "it is a zip archive or an Excel workbook: unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "it is an Excel workbook: save the sheet as CSV"),
    (b"PAR1", "it is Parquet: save it as CSV"),
    (b"\xff\xfe", _UTF_16),
    (b"\xfe\xff", _UTF_16),
    (b"version https://git-lfs", "it is a Git LFS pointer and not the file: fetch that by `git lfs pull`"),
    (b"<!doctype html", _PAGE),
    (b"<html", _PAGE),
    (b"<?xml", "it is XML: export the bars as CSV"),
    (b"{", "it is JSON: export the bars as CSV"),
    (b"sep=", "its first line is a note for Excel (sep=…): remove that line"),
    (b'"', "its columns are in quotation marks: export without them"),
)


def other_content(content: bytes) -> str | None:
    """What ``content`` is, and what to do; None where it may be a CSV."""
    begin = content[:1000].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for sign, what in _BEGINNINGS:
        if begin.startswith(sign.lower()):
            return what
    if b"\0" in begin:
        return "it holds zero bytes (UTF-16 without its mark, or no text): save it as CSV in UTF-8"
    if b"\r" in content and b"\n" not in content:
        return "its lines end in CR alone: save it with LF or CRLF"
    return None
