"""Small yearly files for tests of bars: a dozen sound bars, to be spoiled one way at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

HEADER = "timestamp,open_15m,high_15m,low_15m,close_15m,rsi_14"


def rows(first: str = "2024-01-02 10:00:00", count: int = 12) -> list[str]:
    """``count`` sound bars, 15 minutes apart."""
    start = datetime.fromisoformat(first)
    return [bar(start + timedelta(minutes=15 * number), number) for number in range(count)]


def bar(opens: datetime | str, number: int = 0) -> str:
    """One sound bar; ``number`` moves its prices."""
    close = 1.25 + (number * 7 % 5) * 1e-4
    return f"{opens},1.25000,{close + 2e-4:.5f},1.24900,{close:.5f},{40 + number % 20}.5"


def write(folder: Path, lines: list[str], *, year: int = 2024, header: str = HEADER, end: str = "\n") -> Path:
    """``lines`` as the file of ``year``; the header is row 1, the first bar row 2."""
    content = end.join([header, *lines, ""])
    (folder / f"GBPUSD_M15_{year}_features.csv").write_bytes(content.encode("utf-8"))
    return folder
