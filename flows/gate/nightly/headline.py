"""The headline of a nightly decision: what was decided, of whom, and why, in a sentence that fits a line or two.

At most :data:`~flows.gate.wording.MOST` characters, whatever recipes are called. Everything else stands in
:func:`~flows.gate.nightly.sentence.nightly_sentence`, which `retrain explain` prints.

held: v12 stays: rf_deep leads it by 0.0110 edge a bar (z 2.40 of 3.70, 160 days); after costs v12 would have lost …
"""

from __future__ import annotations

from flows.gate.nightly.decision import NightlyDecision, NightlyRow, PooledLead, Refresh, WindowFigures
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.sequential import fewest_days
from flows.gate.wording import failed, fitting, labelled, short_name
from flows.pnl.account import PipsResult
from flows.pnl.phrases import after_costs
from registry.format.phrases import plural


def headline(decision: NightlyDecision, earned: PipsResult | None = None, caveat: str = "") -> str:
    """The decision in one sentence. ``caveat``, and after it what production would have ``earned``, are left out where
    there is no room."""
    said = _first(decision) if decision.champion is None else _against(decision, decision.champion)
    said = fitting(said, caveat)
    if earned is None:
        return said
    return fitting(said, after_costs(earned, "it" if decision.winner is not None else earned.name))


def _first(decision: NightlyDecision) -> str:
    row = next((row for row in decision.rows if row.name == decision.winner), None)
    if row is None:
        return f"held: production stays empty: {_still_empty(decision)}"
    who = f"promoted: {labelled(row.name, row.version)} is the first champion"
    if row.failed:
        return f"{who}, accepted by a person although it {failed(row.guards)}"
    if row.skill is None or decision.threshold is None:
        return f"{who}: it scored best in the walk-forward of {plural(row.windows[-1].days, 'day')}"
    return (
        f"{who}: its walk-forward beats no skill (z {row.skill.z:.2f} of {decision.threshold:.2f}, {_span(row.skill)})"
    )


def _still_empty(decision: NightlyDecision) -> str:
    scored = [row for row in decision.rows if row.windows]
    if not scored:
        return "no recipe has enough scored days to choose a first champion by"
    barred = [row for row in scored if not row.lacks_skill_alone]
    if barred:
        return f"{short_name(barred[0].name)} {failed(barred[0].guards)}"
    best = max(scored, key=lambda row: float("-inf") if row.skill is None else row.skill.z)
    if best.skill is None or decision.threshold is None:
        return "no recipe is shown to have skill"
    if best.skill.mean <= 0.0:
        return "no recipe is ahead of no skill"
    wait = "" if decision.more_nights is None else f"; it may take {plural(decision.more_nights, 'more night')}"
    return (
        f"no recipe is shown to have skill; the nearest, {short_name(best.name)}, has z {best.skill.z:.2f} of "
        f"{decision.threshold:.2f}{wait}"
    )


def _against(decision: NightlyDecision, champion: str) -> str:
    row = _winner(decision)
    if decision.winner is None:
        return f"held: {champion} stays: {_stays(decision)}"
    if row is None:
        return f"promoted: {labelled(decision.winner, decision.winner_version)} replaces {champion}"
    if decision.refreshed and decision.refresh is not None:
        found = decision.refresh
        return (
            f"refreshed: {labelled(row.name, row.version)}, its recipe retrained, replaces {champion}: it is not worse "
            f"by {_amount(decision, found.margin)} (z {found.z:.2f} of {found.threshold:.2f}, {_span(found)})"
        )
    done = (
        f"returned: {labelled(row.name, row.version)}, the former champion,"
        if row.former
        else f"promoted: {labelled(row.name, row.version)}"
    )
    best, pooled, threshold = row.best, decision.together, decision.threshold or 0.0
    if best is not None and (best.z > threshold or pooled is None):
        return f"{done} replaces {champion}: it led by {_amount(decision, best.mean)} {_sure(best, threshold)}"
    if pooled is None:
        return f"{done} replaces {champion}"
    return (
        f"{done} replaces {champion}: all {pooled.recipes} recipes led it (z {pooled.z:.2f} of "
        f"{pooled.threshold:.2f}, {_span(pooled)}), and this one the most"
    )


def _stays(decision: NightlyDecision) -> str:
    """Why the champion stays."""
    judged = [(row, row.best) for row in decision.rows if row.best is not None]
    if not judged:
        asked = fewest_days(GatePolicy.from_dict(decision.policy).windows)
        days = max((row.days for row in decision.rows), default=0)
        return f"recipes and champion share {days} of the {asked} trading days that a comparison takes"
    row, best = max(judged, key=lambda each: each[1].z if each[1] is not None else 0.0)
    assert best is not None, "rows without a window were left out"
    threshold, pooled = decision.threshold or 0.0, decision.together
    if best.mean == 0.0:
        return "no recipe scored differently"
    lead = f"{short_name(row.name)} {'leads' if best.mean > 0 else 'trails'} by {_amount(decision, abs(best.mean))}"
    lead = f"{lead} {_sure(best, threshold)}"
    fell = pooled is not None and pooled.fell
    if (best.z > threshold or fell) and row.failed:
        return f"{lead} but {failed(row.guards)}"
    if fell and pooled is not None:
        lead = f"all {pooled.recipes} recipes lead (z {pooled.z:.2f} of {pooled.threshold:.2f}, {_span(pooled)})"
    if best.z > threshold or fell:
        return f"{lead}, and the gate decides on another night" if row.passed else f"{lead}, but guards hold back"
    return f"{lead}, which is not enough" if best.mean > 0 else lead


def _winner(decision: NightlyDecision) -> NightlyRow | None:
    won = (decision.winner, decision.winner_version)
    return next((row for row in decision.rows if decision.winner is not None and (row.name, row.version) == won), None)


def _sure(window: WindowFigures, threshold: float) -> str:
    return f"(z {window.z:.2f} of {threshold:.2f}, {_span(window)})"


def _span(found: WindowFigures | PooledLead | Refresh) -> str:
    return plural(found.days, "day")


def _amount(decision: NightlyDecision, size: float) -> str:
    score = str(decision.policy["score"])
    return f"{100 * size:.2f} points of accuracy" if score == "accuracy" else f"{size:.4f} {score} a bar"
