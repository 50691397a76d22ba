"""Phrases that messages share: counts with their noun."""

from __future__ import annotations


def plural(n: int, noun: str, *, thousands: str = ",") -> str:
    """``1 day``, ``3 days``, ``1,234 bars``; ``thousands`` stands between groups of three digits."""
    return f"{n:,}".replace(",", thousands) + f" {noun}{'' if n == 1 else 's'}"
