"""Phrases that messages share: counts with their noun, lists and texts of a bounded length."""

from __future__ import annotations

from collections.abc import Iterable


def plural(n: int, noun: str, *, thousands: str = ",") -> str:
    """``1 day``, ``3 days``, ``1,234 bars``; ``thousands`` stands between groups of three digits."""
    return f"{n:,}".replace(",", thousands) + f" {noun}{'' if n == 1 else 's'}"


MOST_CHARACTERS = 20_000
"""Of a message: three hundred lines, more than anybody reads."""


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """``text``; of one longer than ``most`` characters the beginning and the end, which says what to do."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end]} … ({len(text) - most} characters left out) … {text[-end:]}"


def listed(texts: Iterable[str], most: int = 40, *, sign: str = ", ") -> str:
    """The texts with ``sign`` between, the first ``most`` of them and how many more; a long one is cut."""
    known = list(texts)
    named = sign.join(shortened(text, 300) for text in known[:most])
    return named if len(known) <= most else f"{named} and {len(known) - most:,} more"
