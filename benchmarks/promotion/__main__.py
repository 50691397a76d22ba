"""``python -m benchmarks.promotion``: promotion rules side by side; writes ``docs/promotion-rules.md`` and its picture.

Parts: ``simulated`` (years of which the truth is known), ``sample`` and ``real`` (nights of bars, whose fits are made
once and kept in a folder), ``page`` (the page from what is kept, nothing measured).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.promotion.night import RULES, Rule, load_rules
from benchmarks.promotion.page import PAGE, page, table
from benchmarks.promotion.picture import draw
from benchmarks.promotion.replayed import on_bars, replayed
from benchmarks.promotion.results import about, keep, load
from benchmarks.promotion.simulated import YEARS, measure
from flows.bars import write_sample
from flows.gate.nightly.policy import GatePolicy
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.replay import NightSpan, fill_cache
from flows.settings import Settings

PARTS = ("simulated", "sample", "real", "page")
SPANS = {
    "sample": NightSpan(date(2024, 6, 3), date(2024, 12, 31)),
    "real": NightSpan(date(2023, 7, 3), date(2024, 12, 31)),
}
RECIPES = ("rf_shallow", "logistic", "hist_gradient_boosting", "extra_trees", "stationary")
"""All that are shipped but ``rf_deep``, whose fits take four times as long as those of the others together."""


def main() -> None:
    """Measure the parts that are named, by default all, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promotion", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--rules", type=Path, default=RULES, help="folder of rules, one file each")
    parser.add_argument("--years", type=int, default=YEARS, help="simulated years of each kind")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2].parent / "shared" / "data")
    parser.add_argument("--tape", type=Path, default=Path(".retrain/replay"), help="folder for finished fits")
    options = parser.parse_args()
    if unknown := sorted(set(options.part) - set(PARTS)):
        parser.error(f"there is no part {', '.join(unknown)}: choose among {', '.join(PARTS)}")
    rules = load_rules(options.rules)
    for part in options.part or PARTS:
        if part == "simulated":
            keep(part, {"years": options.years}, {rule.name: found for rule, found in measure(rules, options.years)})
        elif part == "sample":
            replay(part, write_sample(options.tape / "sample"), options.tape, rules)
        elif part == "real" and options.data.is_dir():
            replay(part, options.data, options.tape, rules)
    results = load(rules)
    print(table(results))
    if options.rules == RULES:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), results, about()), encoding="utf-8")
        draw(results)


def replay(part: str, bars: Path, tape: Path, rules: Sequence[Rule]) -> None:
    """Plays every rule over the nights of these bars and keeps the figures."""
    job = plan(RetrainRequest(recipes=RECIPES), Settings(data=str(bars)))
    cache = fill_cache(job, job.load_dataset(), SPANS[part], tape)
    results = [replayed(cache, GatePolicy(), rule) for rule in rules]
    found = on_bars(cache, results)
    said = {
        "first": cache.nights[0].night,
        "last": cache.nights[-1].night,
        "nights": len(cache.nights),
        "bars": next(iter(found.values())).bars,
        "champion": results[0].promotions[0].recipe.name,
        "recipes": list(RECIPES),
    }
    keep(part, said, found)


if __name__ == "__main__":
    main()
