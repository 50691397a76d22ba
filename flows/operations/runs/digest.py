"""The weekly digest: last week in a few lines, sent with the first night of a week; no digest means a fault."""

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
    """What happened to the model in the week of ``monday``: how many nights promoted or held, and the champion."""
    week = range(7)
    nights: dict[str, str] = {}
    acts: list[str] = []
    for entry in model.acts():
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
    by_kind = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "none"
    champion = model.champion()
    production = "Production has no champion."
    if champion is not None:
        production = f"Production loads {champion.version} ({champion.recipe}), champion since {champion.since[:10]}."
    return "\n".join([f"Nights of the week of {monday}: {by_kind}.", *acts[::-1], production])


def _night(entry: Entry) -> date | None:
    """The newest night that was decided when the entry was written."""
    night = entry.state.get("night")
    return None if night is None else date.fromisoformat(night)
