"""``python -m benchmarks.replay BARS --tape FOLDER``: every rule over 2023-07-03 to 2024-12-31.

Prints the tables of ``docs/replay.md`` and draws ``docs/replay.png``. Needs matplotlib.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import matplotlib as mpl
import numpy as np

from flows.gate.nightly.policy import GatePolicy
from flows.instruments.spreads import SPREAD_PIPS
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.pnl.account import SURE
from flows.pnl.trading_rules import TradingRule
from flows.replay import FitCache, NightSpan, RuleResult, fill_cache, replay_rule
from flows.replay.rules import RULES
from flows.replay.table import RuleRow, Served, account_of, baseline_served, common_bars, compare_rules
from flows.settings import Settings

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend is chosen

COLUMNS = (
    *("rule", "promotions", "right at its cut", "edge a bar", "by move, ATR a bar"),
    *("pips a bar", f"net of {SPREAD_PIPS:g} pips", "trades a day"),
)
TRADED = ("always", "aside 0.2 0.8", "enter 0.8 leave 0.5", "always, hold 8", "always, hours 03:00-12:00")
"""Trading rules that the gated champion is shown by, chosen before any was looked at."""

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
    results = [replay_rule(cache, GatePolicy(), rule=rule) for rule in RULES]
    print(table(compare_rules(cache, results)), "\n")
    for result in results:
        print(result.rule, [(promotion.night, promotion.recipe.name) for promotion in result.promotions])
    traded = [replay_rule(cache, GatePolicy(trading_rule=TradingRule.parse(rule))) for rule in TRADED]
    named = [replace(result, rule=f"gated, {result.traded_by}") for result in traded]
    print("\n" + table(compare_rules(cache, named)[: len(named)]))
    options.out.mkdir(parents=True, exist_ok=True)
    picture(cache, results, options.out / "replay.png")


def table(lines: Sequence[RuleRow]) -> str:
    """The rows as Markdown, a figure with half of its 95 % interval by trading days."""
    rows = [f"| {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * (len(COLUMNS) - 1)}"]
    for line in lines:
        cells = [
            "" if line.promotions is None else str(line.promotions),
            f"{line.accuracy:.2%}".replace("%", " %"),
            _sure(line.edge, line.edge_error, 4),
            "" if line.by_move is None else _sure(line.by_move, line.by_move_error or 0.0, 4),
            _sure(line.gross_pips, line.gross_error, 3),
            _sure(line.net_pips, line.net_error, 3),
            f"{line.trades_a_day:.1f}",
        ]
        rows.append(f"| {line.name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _sure(value: float | None, error: float | None, digits: int) -> str:
    if value is None:
        return "–"
    return f"{value:+.{digits}f} ± {SURE * error:.{digits}f}".replace("-", "−") if error else "0"


def picture(cache: FitCache, results: list[RuleResult], path: Path) -> None:
    """Cumulative pips before and after the spread of each rule, over the bars for which all rules have a champion."""
    data, common = cache.data, common_bars(cache.data, results)
    served = [Served.by(result) for result in results]
    served.append(baseline_served(cache, "fade_rsi", common, results[0].traded_by))
    figure, (before, after) = plt.subplots(2, 1, figsize=(9, 8), sharex=True, layout="constrained")
    for each in served:
        book = account_of(data, each, common)
        style = {"color": COLOURS[each.name], "linewidth": 1.4 if each.name == "gated" else 1.0, "label": each.name}
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
