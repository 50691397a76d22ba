"""``docs/promotion-rules.md`` is written here from what was measured: its table, and what each rule is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gate.figures import Figure
from benchmarks.promotion.results import BARS, OnBars, Result
from benchmarks.promotion.simulated import FALL, NIGHTS

PAGE = Path(__file__).parents[2] / "docs" / "promotion-rules.md"

COLUMNS = (
    "rule",
    "promotions a year, all equal",
    "… all 0.5 points worse",
    "nights to see one better by 1 point",
    "nights that it serves",
    "nights to see a fall by 2 points",
    "sample: promotions",
    "net pips a bar",
    "real years: promotions",
    "net pips a bar",
)
OURS = "ours"
UNKNOWN = "–"


def table(results: Sequence[Result]) -> str:
    """The table, one row a rule; 95 % intervals in brackets or after ±."""
    rows = [f"| {' | '.join(COLUMNS)} |", f"| --- | {'---: | ' * (len(COLUMNS) - 1)}".rstrip()]
    for result in results:
        name = f"**{result.rule.name}**" if result.rule.name == OURS else result.rule.name
        rows.append(f"| {' | '.join([name, *_simulated(result), *_bars(result.sample), *_bars(result.real)])} |")
    return "\n".join(rows)


def _simulated(result: Result) -> list[str]:
    found = result.simulated
    if found is None:
        return [UNKNOWN] * 5
    return [
        _words(found.false, _form(found.false)),
        _words(found.worse, _form(found.worse)),
        _words(found.better, ".0f", beyond=NIGHTS),
        _words(found.served, ".0%"),
        _words(found.fall, ".0f", beyond=NIGHTS - FALL.fall_night),
    ]


def _form(figure: Figure) -> str:
    return ".2f" if figure.value < 1.0 else ".1f"


def _words(figure: Figure, form: str, *, beyond: int = 0) -> str:
    value, low, high = (
        format(x, form) if np.isfinite(x) else f"> {beyond}" for x in (figure.value, figure.low, figure.high)
    )
    return value if low == high == value else f"{value} ({low} to {high})"


def _bars(found: OnBars | None) -> list[str]:
    if found is None:
        return [UNKNOWN] * 2
    net = found.net_pips
    return [str(found.promotions), f"{net.value:+.3f} ± {net.high - net.value:.3f}".replace("-", "−")]


def sources(results: Sequence[Result]) -> str:
    """What each rule is and where it is documented, in the order of the table."""
    return "\n".join(
        f"- **{result.rule.name}** (`benchmarks/promotion/rules/{result.rule.file.name}`). {result.rule.what}\n"
        f"  Source: {result.rule.source}."
        for result in results
    )


def measured_on(about: Mapping[str, Mapping[str, Any]]) -> str:
    """How much was simulated and which nights were replayed, in a sentence."""
    parts = []
    if "simulated" in about:
        parts.append(f"Simulated: {about['simulated']['years']:,} years of each kind.")
    for part in BARS:
        if part in about:
            said = about[part]
            name = "The sample" if part == "sample" else "The real years"
            parts.append(
                f"{name}: nights of {said['first']} to {said['last']} ({said['nights']}; {said['bars']:,} bars), first "
                f"champion `{said['champion']}` for all, recipes {', '.join(f'`{name}`' for name in said['recipes'])}."
            )
    return " ".join(parts)


def page(text: str, results: Sequence[Result], about: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with its written parts made anew; each stands between ``<!-- NAME -->`` and ``<!-- end -->``."""
    for name, part in (("measured", measured_on(about)), ("table", table(results)), ("rules", sources(results))):
        mark = re.compile(rf"(<!-- {name} -->)\n.*?(<!-- end -->)", re.DOTALL)
        text = mark.sub(lambda found, part=part: f"{found[1]}\n\n{part}\n\n{found[2]}", text)
    return text
