"""The week in a few lines, sent with the first night of the next one: silence then means that something is wrong."""

from __future__ import annotations

from datetime import date, timedelta

from registry import Model
from registry.format.entries import Entry


def due_digest(model: Model, decision: int) -> str | None:
    """The digest that is due with the decision of this number; None where its night is not the first of a week."""
    entry = model.decisions.read(decision)
    night = _night(entry)
    before = None if decision == 1 else _night(model.decisions.read(decision - 1))
    if night is None or before is None or before.isocalendar()[:2] == night.isocalendar()[:2]:
        return None
    return digest(model, before - timedelta(days=before.weekday()))


def digest(model: Model, monday: date) -> str:
    """What happened to the model in the week of ``monday``: nights by what they came to, and the champion."""
    week = range(7)
    nights: dict[str, str] = {}
    acts: list[str] = []
    for entry in model.decisions.walk():
        night = _night(entry)
        if night is not None and night < monday:
            break
        if night is None or (night - monday).days not in week:
            continue
        if entry.kind in ("held", "promoted", "returned") and not entry.body.get("forced"):
            nights[night.isoformat()] = entry.kind
        if entry.kind != "held":
            acts.append(f"{entry.time:%Y-%m-%d}: {entry}")
    counts = {kind: list(nights.values()).count(kind) for kind in ("promoted", "returned", "held")}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "none"
    champion = model.champion()
    production = "Production has no champion."
    if champion is not None:
        production = f"Production loads {champion.version} ({champion.recipe}), champion since {champion.since[:10]}."
    return "\n".join([f"Nights of the week of {monday}: {told}.", *acts[::-1], production])


def _night(entry: Entry) -> date | None:
    """The newest night that was decided when the entry was written."""
    found = entry.state.get("night")
    return None if found is None else date.fromisoformat(found)
