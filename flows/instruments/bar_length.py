"""How long bars may be, and how columns of their prices are called."""

from __future__ import annotations

from typing import Literal

BarLength = Literal["M5", "M15", "M30", "H1", "H4", "D1"]

MINUTES: dict[BarLength, int] = {"M5": 5, "M15": 15, "M30": 30, "H1": 60, "H4": 240, "D1": 1440}
"""Minutes of a bar, by the name of its length."""

SUFFIXES: dict[BarLength, str] = {"M5": "5m", "M15": "15m", "M30": "30m", "H1": "1h", "H4": "4h", "D1": "1d"}
"""What the columns of prices end with: ``close_15m``, ``close_1h``."""

RAW_MINUTES = (1, *MINUTES.values())
"""Minutes that a bar of a raw export may have."""

RAW_NAMES = {1: "M1", **{minutes: name for name, minutes in MINUTES.items()}}
"""What such a length is called."""

SPOKEN: dict[BarLength, str] = {
    "M5": "5 minutes",
    "M15": "a quarter of an hour",
    "M30": "half an hour",
    "H1": "an hour",
    "H4": "4 hours",
    "D1": "a day",
}
"""As sentences say it."""
