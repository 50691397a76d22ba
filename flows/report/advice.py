"""Advice at the end of a report: what to do next, most urgent first, with the command that does it."""

from __future__ import annotations

from collections.abc import Iterator

from flows.report.data import URGENT, Advice, Money, Production, Quality
from flows.report.decisions import DecisionSummary
from registry.format.phrases import plural


def advice(
    model: str,
    registry: str,
    production: Production | None,
    quality: Quality | None,
    money: Money | None,
    decisions: tuple[DecisionSummary, ...],
) -> tuple[Advice, ...]:
    """What a person should do after reading the report; never empty."""
    where = f"{model} --registry {registry}"
    if production is None:
        return (
            Advice("Production is empty. Read why the gate promoted nothing.", f"retrain explain {where}"),
            Advice(
                "Let more nights pass, or add recipes; --accept-unskilled overrules the guards of skill (recorded)."
            ),
        )
    steps = [
        *_about_states(production, where),
        *_about_urgent_alarms(quality, where),
        *_about_money(money),
        *_about_evidence(decisions, where),
        *_about_other_alarms(quality),
    ]
    return tuple(steps) or (Advice("Nothing needs a person. The next night decides again."),)


def _about_states(production: Production, where: str) -> Iterator[Advice]:
    if production.suspended is not None:
        yield Advice(
            f"Production stands aside, suspended {production.suspended}. Resume it when the reason is gone.",
            f'registry resume {where} --author YOU --reason "…"',
        )
    if production.frozen is not None:
        yield Advice(
            f"Frozen: {production.frozen}. Unfreeze it when the reason is gone.",
            f'registry unfreeze {where} --author YOU --reason "…"',
        )


def _about_urgent_alarms(quality: Quality | None, where: str) -> Iterator[Advice]:
    for alarm in () if quality is None else quality.alarms:
        if alarm.kind in URGENT:
            yield Advice(
                f"{_capitalised(alarm.sentence)}. Look at the evidence, then roll back or suspend.",
                f'registry rollback {where} --author YOU --reason "…"',
            )


def _about_other_alarms(quality: Quality | None) -> Iterator[Advice]:
    """What the watch noticed that does not prove harm."""
    for alarm in () if quality is None else quality.alarms:
        if alarm.kind not in URGENT:
            yield Advice(f"{_capitalised(alarm.sentence)}.")


def _capitalised(sentence: str) -> str:
    """With a capital letter, unless it begins with the name of a version."""
    return sentence if sentence[1:2].isdigit() else sentence[:1].upper() + sentence[1:]


def _about_money(money: Money | None) -> Iterator[Advice]:
    if money is not None and money.answer == "no":
        yield Advice(
            "Do not trade on this signal as it is: it does not pay its spread. Look for a longer horizon, fewer "
            "changes of side, or another feature, not for a better fit."
        )
    elif money is not None and money.answer == "unclear":
        yield Advice("What is left after costs is not proven: wait for more days before money depends on it.")


def _about_evidence(decisions: tuple[DecisionSummary, ...], where: str) -> Iterator[Advice]:
    last = next((decision for decision in reversed(decisions) if decision.by_the_gate), None)
    if last is None or last.kind != "held":
        return
    above = [row for row in last.standings if row.z is not None and last.threshold and row.z > last.threshold]
    for row in above:
        if row.held_back_by:
            yield Advice(
                f"{row.name} has the evidence and is held back by {'; '.join(row.held_back_by)}: look into it.",
                f"retrain explain {where}",
            )
    if not above and last.more_nights is not None:
        nights = plural(last.more_nights, "more night")
        yield Advice(f"Let the gate gather evidence: a lead of the size seen needs about {nights}.")
