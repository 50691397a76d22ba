"""``python -m benchmarks.replay BARS --tape FOLDER``: every rule over 2023-07-03 to 2024-12-31, a table and a picture.

Writes ``docs/replay.md`` and ``docs/replay.png``. Needs matplotlib, which the project itself does not.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import matplotlib as mpl
import numpy as np

from flows.gate.nightly.policy import GatePolicy
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.pnl.spreads import SPREAD_PIPS
from flows.recipes import baseline
from flows.replay import FitCache, NightSpan, RuleResult, fill_cache, replay_rule
from flows.replay.rules import RULES
from flows.replay.table import account_of, compare_rules
from flows.settings import Settings

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend is chosen

COLOURS = {"gated": "#0072B2", "never": "#E69F00", "newest": "#009E73", "higher": "#CC79A7", "fade_rsi": "#999999"}
"""Okabe and Ito's palette: told apart by colour-blind readers."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("bars", type=Path)
    parser.add_argument("--tape", type=Path, required=True)
    parser.add_argument("--recipe", action="append")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    request = RetrainRequest(recipes=tuple(options.recipe) if options.recipe else None)
    job = plan(request, Settings(data=str(options.bars)))
    data = job.load_dataset()
    cache = fill_cache(job, data, NightSpan(date(2023, 7, 3), date(2024, 12, 31)), options.tape)
    policy = GatePolicy()
    results = [replay_rule(cache, policy, rule=rule) for rule in RULES]
    lines = compare_rules(cache, results)
    print(json.dumps([line.to_dict() for line in lines], indent=1))
    for result in results:
        print(result.rule, [(promotion.night, promotion.recipe.name) for promotion in result.promotions])
    picture(cache, results, options.out / "replay.png")


def picture(cache: FitCache, results: list[RuleResult], path: Path) -> None:
    """Cumulative pips before and after the spread of each rule, over the bars for which all rules have a champion."""
    data = cache.data
    common = data.counted.copy()
    for result in results:
        common &= ~np.isnan(result.p)
    train = data.window(days=cache.job.request.advanced.train_days, end=data.bars.frame.index[common][0])
    served = {result.rule: (result.p, result.cut) for result in results}
    served["fade_rsi"] = baseline("fade_rsi", data, train), np.full(common.size, 0.5)
    figure, (before, after) = plt.subplots(2, 1, figsize=(9, 8), sharex=True, layout="constrained")
    for name, (p, cut) in served.items():
        book = account_of(data, p, cut, common)
        style = {"color": COLOURS[name], "linewidth": 1.4 if name == "gated" else 1.0, "label": name}
        before.plot(book.bars.opens, np.cumsum(book.earned), **style)
        after.plot(book.bars.opens, np.cumsum(book.net), **style)
    before.set_title("Nights of 2023-07-03 to 2024-12-31 as if live: cumulative pips before costs", loc="left")
    after.set_title(f"after a spread of {SPREAD_PIPS:g} pips a trade", loc="left")
    for axis in (before, after):
        axis.axhline(0.0, color="#444444", linewidth=0.8)
        axis.set_ylabel("pips, cumulative")
        axis.grid(alpha=0.25)
    gated = next(result for result in results if result.rule == "gated")
    for promotion in gated.promotions:
        before.axvline(np.datetime64(promotion.night), color=COLOURS["gated"], linestyle=":", linewidth=1.0)
    before.legend(loc="upper left", ncols=5, frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
