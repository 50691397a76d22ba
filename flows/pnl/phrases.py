"""How pips are said: with what they are uncertain by, and how often something was traded for them."""

from __future__ import annotations

from flows.pnl.account import PipsResult


def after_costs(result: PipsResult, who: str) -> str:
    """``after costs v12 would have lost 0.052 ± 0.031 pips a bar``; ± is the 95 % interval."""
    half = "" if result.net_interval is None else f" ± {result.net_interval:.3f}"
    verb = "lost" if result.net_a_bar < 0.0 else "earned"
    return f"after costs {who} would have {verb} {abs(result.net_a_bar):.3f}{half} pips a bar"


def would_have(result: PipsResult) -> str:
    """``would have lost 0.052 pips a bar after costs (±0.031) on the last 250 days, 9.7 trades a day``.

    ± is the 95 % interval, by trading days; it is left out of one day, which has none.
    """
    net, half = result.net_a_bar, result.net_interval
    verb = "lost" if net < 0.0 else "earned"
    sure = "" if half is None else f" (±{half:.3f})"
    days = "day" if result.days == 1 else f"{result.days} days"
    often = f"{result.trades_a_day:.1f} {'trade' if f'{result.trades_a_day:.1f}' == '1.0' else 'trades'} a day"
    return f"would have {verb} {abs(net):.3f} pips a bar after costs{sure} on the last {days}, {often}"
