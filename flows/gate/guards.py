"""Guards are what a candidate must satisfy whatever its evidence. Each returns whether it passed, and the words
that say so, which continue a sentence that begins with "it".

A guard can only hold back; nothing is ever promoted for passing one. They take counts, not rates, so that "as good as"
is exact and never a matter of rounding.
"""

from __future__ import annotations

from dataclasses import dataclass


def above_no_skill(*, hits: int, no_skill_hits: int, bars: int, margin_points: float = 0.0) -> tuple[bool, str]:
    """Right at least as often as the majority class on the same bars, plus a margin in percentage points.

    ``hits`` and ``no_skill_hits`` of ``bars`` bars were called right. Being level with it passes where the margin is 0.
    """
    passed = 100.0 * (hits - no_skill_hits) >= margin_points * bars
    level = f"the {100.0 * no_skill_hits / bars:.2f} % of the majority (no_skill)"
    if margin_points:
        return passed, f"is {'at least' if passed else 'less than'} {margin_points:.2f} points above {level}"
    return passed, f"is {'not below' if passed else 'below'} {level}"


def says_both_classes(*, ups: int, bars: int) -> tuple[bool, str]:
    """Says "up" on some bars and "not up" on others: a model that always says the same has learnt nothing."""
    if 0 < ups < bars:
        return True, "says both classes"
    return False, f"says '{'up' if ups else 'not up'}' on every bar"


@dataclass(frozen=True)
class Guard:
    """One thing a candidate must satisfy whatever its evidence; a guard can only hold back, never promote."""

    name: str
    passed: bool
    words: str
