"""Numbers in sentences: one way to write a count with its noun."""

from __future__ import annotations


def plural(n: int, noun: str) -> str:
    """``3 days``, ``1 day``, ``1,234 bars``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
