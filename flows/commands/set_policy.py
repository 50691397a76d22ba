"""``retrain set-policy``: a person changes how the nightly gate judges from now on."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.console import Console

from flows.commands.existing_model import open_existing
from flows.commands.options import ModelArgument, RegistryUrl
from flows.errors import RequestRefused
from flows.gate.nightly.policy import GatePolicy
from flows.job.plan import default_policy
from flows.pnl.trading_rules import EXAMPLE, TradingRule
from flows.settings import load_settings

ERRORS = "errors"
NEVER = "never"
"""Written for a setting that is to be off."""


def set_policy(
    model: ModelArgument,
    author: Annotated[str, typer.Option(help="Who decides this.")],
    reason: Annotated[str, typer.Option(help="Why; one line.")],
    score: Annotated[str | None, typer.Option(help="edge, accuracy or brier.")] = None,
    budget: Annotated[float | None, typer.Option(help="Probability of a false promotion in a year of nights.")] = None,
    cadence: Annotated[int | None, typer.Option(help="Nights from one look to the next.")] = None,
    windows: Annotated[
        str | None,
        typer.Option(help="Lengths of the windows in trading days, for example 125,250; the last one grows."),
    ] = None,
    accuracy_margin: Annotated[
        float | None,
        typer.Option(help="How far a candidate's accuracy may be below the champion's, in percentage points."),
    ] = None,
    cut: Annotated[str | None, typer.Option(help="Decision threshold: median of the stream, or half.")] = None,
    maximum_age: Annotated[int | None, typer.Option(help="Nights after which a champion is called old.")] = None,
    refresh_margin: Annotated[
        str | None,
        typer.Option(help="Refresh an old champion whose recipe, retrained, is less than this worse; or never."),
    ] = None,
    net_margin: Annotated[
        str | None,
        typer.Option(help="How much less a candidate may earn a bar after costs: pips, or '2 errors' of it, or never."),
    ] = None,
    trading_rule: Annotated[
        str | None, typer.Option(help=f"What makes positions: always, or as in '{EXAMPLE}'.")
    ] = None,
    spread: Annotated[
        str | None, typer.Option(help="Spread in pips: one number, or 24 by New York's hour, with commas.")
    ] = None,
    suspicious_accuracy: Annotated[
        float | None, typer.Option(help="A stream that is right on more than this percentage of bars is not believed.")
    ] = None,
    registry: RegistryUrl = None,
) -> None:
    """Change how the nightly gate judges from now on; what is not named stays. Evidence starts again from zero."""
    existing = open_existing(model, registry)
    head = existing.decisions.head()
    recorded = None if head is None else head.state.get("policy")
    options: dict[str, Any] = {
        "score": score,
        "budget": budget,
        "cadence": cadence,
        "accuracy_margin_points": accuracy_margin,
        "cut": cut,
        "maximum_age_nights": maximum_age,
        "suspicious_percent": suspicious_accuracy,
    }
    changes = {name: value for name, value in options.items() if value is not None}
    if windows is not None:
        changes["windows"] = _days(windows)
    if refresh_margin is not None:
        changes["refresh_margin"] = _number(refresh_margin, "--refresh-margin")
    if net_margin is not None:
        changes |= _net_margin(net_margin)
    if trading_rule is not None:
        changes["trading_rule"] = TradingRule.parse(trading_rule)
    if spread is not None:
        changes["spread_pips"] = tuple(_number(pips, "--spread") for pips in spread.split(","))
    before = None if recorded is None else GatePolicy.from_dict(recorded)
    policy = replace(before or default_policy(load_settings().traded), **changes)
    if not changes or policy == before:
        raise RequestRefused(
            f"nothing was written: this is how {model} is judged already, and to record it again would throw the "
            "evidence away; name a setting to change, such as --refresh-margin 0.01"
        )
    entry = existing.set_policy(policy.to_dict(), author=author, reason=reason)
    Console(highlight=False).print(f"recorded as decision {entry.n}: {entry}", soft_wrap=True, markup=False)


def _days(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(days) for days in text.split(","))
    except ValueError as error:
        raise RequestRefused(f"--windows {text!r}: write numbers of days with commas, 125,250") from error


def _net_margin(text: str) -> dict[str, float | None]:
    """A margin in pips or in standard errors: the one that is named is the only one."""
    number, unit = text.strip().removesuffix(ERRORS), text.strip().endswith(ERRORS)
    size = _number(number, "--net-margin")
    return {"net_margin_pips": None if unit else size, "net_margin_errors": size if unit else None}


def _number(text: str, option: str) -> float | None:
    """The number; None for ``never``, which ``--spread`` then refuses."""
    if text.strip() == NEVER and option != "--spread":
        return None
    try:
        return float(text)
    except ValueError as error:
        other = "one such as 0.8, or 24 by New York's hour" if option == "--spread" else f"one such as 0.01, or {NEVER}"
        raise RequestRefused(f"{option} {text!r} is not a number: write {other}") from error
