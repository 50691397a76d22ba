"""What changed in data, parameters and environment: from the champion before, and since the champion was trained."""

from __future__ import annotations

from collections.abc import Sequence

from flows.report.data import Changes
from registry import Version, compare


def changes(champion: Version, former: Version | None, versions: Sequence[Version]) -> tuple[Changes, ...]:
    """``former``: the champion before; ``versions``: the newest ones, oldest first."""
    found = []
    if former is not None:
        found.append(_between(f"From the champion before ({former}) to the champion ({champion})", former, champion))
    recipe = champion.record.recipe
    newest = next((each for each in reversed(versions) if each.record.recipe == recipe), None)
    if newest is not None and newest.record.number > champion.record.number:
        title = f"Since the champion ({champion}) was trained: to {newest}, the newest version of {recipe}"
        found.append(_between(title, champion, newest))
    return tuple(found)


def _between(title: str, a: Version, b: Version) -> Changes:
    told = compare(a, b)
    return Changes(title, told.a, told.b, told.parameters, told.data, told.environment)
