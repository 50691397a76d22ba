"""Changes in data, parameters and environment: since the champion before, and since the champion was trained."""

from __future__ import annotations

from collections.abc import Sequence

from flows.report.data import Changes
from registry import Version, compare


def changes(champion: Version, former: Version | None, versions: Sequence[Version]) -> tuple[Changes, ...]:
    """``former``: the champion before; ``versions``: the newest ones, oldest first."""
    result = []
    if former is not None:
        result.append(_between(f"From the champion before ({former}) to the champion ({champion})", former, champion))
    recipe = champion.record.recipe
    newest = next((version for version in reversed(versions) if version.record.recipe == recipe), None)
    if newest is not None and newest.record.number > champion.record.number:
        title = f"Since the champion ({champion}) was trained: to {newest}, the newest version of {recipe}"
        result.append(_between(title, champion, newest))
    return tuple(result)


def _between(title: str, a: Version, b: Version) -> Changes:
    comparison = compare(a, b)
    return Changes(title, comparison.a, comparison.b, comparison.parameters, comparison.data, comparison.environment)
