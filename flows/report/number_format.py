"""How figures, moments and recorded values are written in a report."""

from __future__ import annotations

import json
import re
from typing import Any

MINUS = "\u2212"

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_FINGERPRINT = re.compile(r"[0-9a-f]{32,64}")


def signed(value: float, digits: int) -> str:
    """A figure with its sign (a true minus) and thousands separators; what rounds to zero has no sign."""
    text = f"{abs(value):,.{digits}f}"
    if not any(digit in "123456789" for digit in text):
        return text
    return f"{MINUS if value < 0 else '+'}{text}"


def minute(moment: str) -> str:
    """``2024-12-31 22:20 UTC``."""
    return f"{moment[:10]} {moment[11:16]} UTC"


def brief(value: Any) -> str:
    """A recorded value as a table shows it: a moment to the minute, the beginning of a fingerprint, six digits."""
    if value is None:
        return "–"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if _MOMENT.fullmatch(text):
        return minute(text)
    return f"{text[:10]}…" if _FINGERPRINT.fullmatch(text) else text
