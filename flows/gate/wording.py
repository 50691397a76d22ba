"""Wording that the headlines of both rules share: their length, names that are too long, guards in plain words."""

from __future__ import annotations

from collections.abc import Iterable

from flows.gate.guards import Guard

MOST = 200
"""Characters of a night's sentence: two lines of a terminal, one notification of a phone."""

NAME = 32
"""Characters of a recipe's name in a headline."""

_FAILED = {
    "accuracy": "is less accurate than the champion",
    "both_classes": "says the same on nearly every bar",
    "continuity": "predicts unlike its earlier fits",
    "costs": "earned less after costs",
    "edge": "has no edge above zero",
    "no_skill": "is less accurate than no skill",
    "skill": "is not shown to have skill",
}
"""What a candidate that a guard did not let pass does or is."""

_WOULD = {"promoted": "would be promoted", "returned": "would return", "refreshed": "would be refreshed"}


def fitting(said: str, more: str = "", most: int = MOST) -> str:
    """``said``, and ``more`` after it where both fit into ``most`` characters; what alone does not fit is cut, and
    says so by "…"."""
    if more and len(said) + len(more) + 2 <= most:
        return f"{said}; {more}"
    return said if len(said) <= most else f"{said[: most - 1].rstrip()}…"


def by_person(said: str, who: str, why: str) -> str:
    """``said`` and what a person did about it: ``who`` always, ``why`` where there is room."""
    whole = f"{said}; {who}: {why}"
    return whole if len(whole) <= MOST else f"{fitting(said, most=MOST - len(who) - 2)}; {who}"


def would_be(said: str) -> str:
    """A decision's sentence where nothing is written: ``would be promoted: …``."""
    done, colon, rest = said.partition(": ")
    return f"{_WOULD[done]}: {rest}" if colon and done in _WOULD else said


def short_name(name: str) -> str:
    """A recipe's name, cut where it is long."""
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def labelled(name: str, version: str | None) -> str:
    """``rf_deep (v31)``; the name alone before there is a version."""
    return short_name(name) if version is None else f"{short_name(name)} ({version})"


def failed(guards: Iterable[Guard]) -> str:
    """What the guards that did not pass found, as the verb of a candidate; of several the first, and how many more."""
    found = [_FAILED.get(guard.name, f"fails {guard.name}") for guard in guards if not guard.passed]
    return found[0] + (f" (and {len(found) - 1} more)" if len(found) > 1 else "") if found else ""
