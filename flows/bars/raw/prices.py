"""Prices of an export as text become numbers, with the signs for decimals and thousands that the file itself shows.

``1,271`` may be a price with three decimals or a thousand: a comma is taken for one or the other only where some number
of the file leaves no doubt and none contradicts it. Otherwise it is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flows.arrays import Floats
from flows.bars.checks import numbers

_BLANKS = re.compile(r"(?<=\d)[ \u00a0\u202f'’](?=\d{3}(?!\d))")
_COMMA_GROUPS = re.compile(r"\d{1,3}(?:,\d{3})+(\.\d+)?")
_POINT_GROUPS = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+")
_COMMA = re.compile(r"\d+,\d+")
_POINT = re.compile(r"\d+\.\d+")


@dataclass(frozen=True)
class Signs:
    """How numbers are written: the sign before decimals, and those between thousands ("" if there is none)."""

    decimal: str = "."
    thousands: str = ""

    def __str__(self) -> str:
        return " and ".join(
            [
                *(["decimal commas"] if self.decimal == "," else []),
                *(["separators of thousands"] if self.thousands else []),
            ]
        )


def signs_of(texts: Sequence[str]) -> Signs:
    """The signs that the numbers ``texts`` show; plain ones where they show none or contradict each other."""
    odd = [text.strip() for text in texts if not text.strip().replace(".", "", 1).isdigit()]
    blank = any(_BLANKS.search(text) for text in odd)
    odd = [_BLANKS.sub("", text) for text in odd]
    commas = [text for text in odd if "," in text]
    if not commas:
        return Signs(thousands=" " if blank else "")
    grouped = all(_COMMA_GROUPS.fullmatch(text) for text in commas)
    points = any(_POINT.fullmatch(text.strip()) for text in texts)
    sure = any("." in text or text.count(",") > 1 for text in commas)
    if grouped and sure:
        return Signs(".", ",")
    if not points and all(_COMMA.fullmatch(text) or _POINT_GROUPS.fullmatch(text) for text in commas) and not grouped:
        return Signs(",", "." if any("." in text for text in commas) else " " if blank else "")
    return Signs()


def prices_of(texts: Sequence[str], signs: Signs) -> Floats:
    """The nearest float64 of each of ``texts``: shape (n,), NaN for what is no number so written."""
    if signs == Signs():
        return numbers(texts)
    return numbers([_plain(text.strip(), signs) for text in texts])


def _plain(text: str, signs: Signs) -> str:
    """``text`` with a point before decimals and no other sign; "" if it is not written by ``signs``."""
    if signs.thousands:
        text = _BLANKS.sub("", text)
    if signs.decimal == ".":
        return text.replace(",", "") if signs.thousands == "," and _COMMA_GROUPS.fullmatch(text) else text
    if signs.thousands == "." and _POINT_GROUPS.fullmatch(text):
        text = text.replace(".", "")
    return "" if "." in text else text.replace(",", ".", 1)
