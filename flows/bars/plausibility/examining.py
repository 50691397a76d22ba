"""All checks over some bars, and what follows from what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from flows.bars.faults import BarFault, refuse
from flows.bars.plausibility import (
    average_range,
    bar_length,
    clock,
    directional_index,
    foresight,
    frozen_feed,
    future,
    gaps,
    moving_average,
    other_columns,
    percentages,
    price_jump,
    price_level,
    relative_strength,
    repeated_day,
    shut_market,
    swapped_prices,
)
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

CHECKS: tuple[Callable[[SeenBars], Iterator[BarFinding]], ...] = (
    future.check,
    bar_length.check,
    clock.check,
    shut_market.check,
    price_level.check,
    price_jump.check,
    swapped_prices.check,
    frozen_feed.check,
    repeated_day.check,
    gaps.check,
    percentages.check,
    moving_average.check,
    average_range.check,
    relative_strength.check,
    directional_index.check,
    foresight.check,
    other_columns.check,
)


@dataclass(frozen=True)
class Findings:
    """What was found and does not keep the bars from being used. ``allowed``: the names of the checks that spoke and
    were allowed, each once."""

    questions: tuple[BarFinding, ...] = ()
    notes: tuple[BarFinding, ...] = ()
    allowed: tuple[str, ...] = ()


def examine(bars: SeenBars) -> tuple[BarFinding, ...]:
    """The findings of all checks, in their order. Bars that move in the closed market are left out where a wrong clock
    explains them."""
    found = [finding for check in CHECKS for finding in check(bars)]
    wrong_clock = any(finding.check is Check.CLOCK for finding in found)
    return tuple(
        finding
        for finding in found
        if not (wrong_clock and finding.check is Check.SHUT_MARKET and finding.weight == "question")
    )


def judge(findings: Iterable[BarFinding], allow: Sequence[str] = ()) -> Findings:
    """What is left after those that ``allow`` names; :class:`~flows.errors.BarsRejected` where any of them refuses."""
    everything = tuple(findings)
    allowed = [one for one in everything if one.check.label in allow]
    left = [one for one in everything if one.check.label not in allow]
    refuse(
        (
            BarFault(one.check, one.file, one.row, f"{one.found} (if it is meant: --allow {one.check.label})")
            for one in left
            if one.weight == "refuse"
        ),
        *{one.instrument for one in left[:1]},
    )
    return Findings(
        questions=tuple(one for one in left if one.weight == "question"),
        notes=(*(one for one in left if one.weight == "note"), *allowed),
        allowed=tuple(dict.fromkeys(one.check.label for one in allowed)),
    )
