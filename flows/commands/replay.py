"""``retrain replay``: past nights as if they were live, under the gate and under simpler rules."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from flows.commands.options import BarsUrl, Json, RecipeNames
from flows.commands.progress import progress
from flows.errors import RequestRefused
from flows.fitting.workers import WorkerPool
from flows.gate.nightly.policy import GatePolicy
from flows.instruments.spreads import SPREAD_PIPS
from flows.job.plan import Job, plan
from flows.job.request import request
from flows.pnl.account import SURE
from flows.pnl.trading_rules import TradingRule
from flows.replay.fit_cache import FitCache, NightSpan, fill_cache
from flows.replay.rules import RULES, RuleResult, replay_rule
from flows.replay.table import RuleRow, compare_rules
from flows.settings import load_settings
from registry.commands.options import on_this_machine

LEGEND = (
    "new: promotions; right: accuracy at the decision threshold; edge a bar; pips a bar by the policy's trading rule, "
    "and net of the spread; trades a day. ± is the 95 % interval of the figure before it, by trading days. The "
    "rollover hour is left out. –: these bars do not define it; an edge takes a week of predictions before, ± two days."
)
UNDEFINED = "–"
WARNING = "Choosing what did best here is selection: its figures are then no longer out of sample."


def replay(
    begin: Annotated[str, typer.Option("--from", help="The first night, 2023-07-03.")],
    end: Annotated[str, typer.Option("--to", help="The last night.")],
    data: BarsUrl = None,
    recipe: RecipeNames = None,
    rule: Annotated[list[str] | None, typer.Option(help=f"{', '.join(RULES)}; repeat. Default: all.")] = None,
    score: Annotated[str, typer.Option(help="edge, accuracy or brier.")] = "edge",
    policy: Annotated[
        list[str] | None,
        typer.Option(help="The gate by another policy, cadence=5,budget=0.1 (windows=40/80/250); repeat for more."),
    ] = None,
    spread: Annotated[float, typer.Option(help="Spread in pips.")] = SPREAD_PIPS,
    tape: Annotated[
        Path,
        typer.Option(callback=on_this_machine, help="Folder for finished fits; a stopped replay continues from it."),
    ] = Path(".retrain/replay"),
    workers: Annotated[
        int | None, typer.Option(help="Processes that fit, one core each; default: one a core (RETRAIN_CORES).")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(help="Fit on the Dask cluster of this scheduler, tcp://host:8786.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Past nights as if live: gated, never retrained, always newest, promoted if higher; compared with baselines."""
    unknown = sorted(set(rule or ()) - set(RULES))
    if unknown:
        raise RequestRefused(f"there is no rule {', '.join(unknown)}: choose among {', '.join(RULES)}")
    usual = GatePolicy(score=score)  # type: ignore[arg-type]  # checked by the policy itself
    others = {f"gated, {text}": _policy(text, usual) for text in policy or ()}
    console = Console(stderr=True, highlight=False)
    job = plan(request(data=data, recipes=recipe), load_settings())
    span = NightSpan(_date(begin), _date(end))
    cache = _fill_cache(console, job, span, tape, _pool(job, workers, dask))
    results = [_replay_rule(console, cache, usual, name) for name in rule or RULES]
    results += [replace(_replay_rule(console, cache, other, "gated"), rule=name) for name, other in others.items()]
    lines = compare_rules(cache, results, spread_pips=spread)
    if as_json:
        promoted = {result.rule: [promotion.night for promotion in result.promotions] for result in results}
        sys.stdout.write(
            json.dumps({"lines": [line.to_dict() for line in lines], "promotions": promoted}, indent=2) + "\n"
        )
    else:
        out = Console(highlight=False)
        out.print(_table(cache, lines, spread))
        out.print(LEGEND, soft_wrap=True)
    console.print(WARNING)


def _policy(text: str, usual: GatePolicy) -> GatePolicy:
    """The usual policy with what the text sets, ``cadence=5,budget=0.1``."""
    pairs = [setting.partition("=") for setting in text.split(",")]
    values: dict[str, Any] = {name.strip(): value.strip() for name, _, value in pairs}
    if "trading_rule" in values:
        values["trading_rule"] = TradingRule.parse(values["trading_rule"].replace("/", ","))
    lists = {name: value.split("/") for name, value in values.items() if name in ("windows", "spread_pips")}
    unknown = sorted(set(values) - set(GatePolicy.__dataclass_fields__))
    if unknown or not all(sign for _, sign, _ in pairs):
        known = ", ".join(GatePolicy.__dataclass_fields__)
        raise RequestRefused(f"--policy {text!r}: write name=value with commas between, names are {known}")
    try:
        return TypeAdapter(GatePolicy).validate_python({"score": usual.score, **values, **lists})
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise RequestRefused(f"--policy {text!r}: {faults}") from error


def _pool(job: Job, workers: int | None, dask: str | None) -> WorkerPool:
    if workers is not None and dask is not None:
        raise RequestRefused("--workers are processes of this machine and --dask is a cluster: give one of the two")
    return WorkerPool(job.cores if workers is None else workers, dask)


def _fill_cache(console: Console, job: Job, span: NightSpan, folder: Path, pool: WorkerPool) -> FitCache:
    dataset = job.load_dataset(require=job.columns)
    with progress(console, "fitting every recipe of every night (finished fits are kept)") as advance:
        return fill_cache(job, dataset, span, folder, advance, pool=pool)


def _replay_rule(console: Console, cache: FitCache, policy: GatePolicy, name: str) -> RuleResult:
    with progress(console, f"replaying the rule '{name}'") as advance:
        return replay_rule(cache, policy, rule=name, on_night=advance)  # type: ignore[arg-type]  # checked above


def _table(cache: FitCache, lines: list[RuleRow], spread: float) -> Table:
    first, last = cache.nights[0].night, cache.nights[-1].night
    simulated = ", simulated bars" if cache.data.bars.simulated else ""
    title = f"nights of {first} to {last}, {lines[0].bars:,} bars{simulated}"
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name in ("rule", "new", "right", "edge", "±", "pips", "±", f"net {spread:g}", "±", "trades"):
        table.add_column(name, justify="left" if name == "rule" else "right", no_wrap=True)
    for line in lines:
        table.add_row(
            line.name,
            "" if line.promotions is None else str(line.promotions),
            f"{line.accuracy:.2%}",
            UNDEFINED if line.edge is None else f"{line.edge:+.4f}",
            _half(line.edge_error, 4),
            f"{line.gross_pips:+.3f}",
            _half(line.gross_error, 3),
            f"{line.net_pips:+.3f}",
            _half(line.net_error, 3),
            f"{line.trades_a_day:.1f}",
            style="dim" if line.promotions is None else None,
        )
    return table


def _half(error: float | None, digits: int) -> str:
    """Half of the 95 % interval."""
    return UNDEFINED if error is None else f"{SURE * error:.{digits}f}"


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RequestRefused(f"{text!r} is not a date: write 2023-07-03") from error
