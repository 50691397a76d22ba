"""Clocks for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass
class FixedClock:
    """A clock that moves one second each time it is asked, and does not wait."""

    moment: datetime = field(default=datetime(2026, 1, 5, 22, 20, tzinfo=UTC))

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
