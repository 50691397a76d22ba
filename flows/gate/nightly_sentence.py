"""The nightly decision in one sentence, in the units of the score, with accuracy as a labelled extra."""

from __future__ import annotations

from collections.abc import Sequence

from .nightly_decision import NightlyRow, WindowFigures

LISTED = 10
"""Recipes that a sentence on a first champion names."""


def nightly_sentence(
    *,
    champion: str,
    rows: Sequence[NightlyRow],
    shown: int | None,
    promoted: bool,
    threshold: float,
    budget: float,
    score: str,
    more: int | None,
    visible: float | None,
    days: int,
    shortest: int,
    wait: int,
) -> str:
    """What a person reads in the morning. ``wait``: nights to the next look, 0 on a night that decides."""
    row = None if shown is None else rows[shown]
    best = None if row is None else row.best
    if row is None or best is None:
        return (
            f"held: {champion} was judged on {_count(days, 'trading day')} so far, and the shortest window asks for "
            f"{shortest}; no difference can be told yet"
        )
    allowed = f"z {best.z:.2f} of the {threshold:.2f} that one false promotion in {1 / budget:.0f} years allows"
    right = _right(row)
    if promoted:
        who = f"returned: {_named(row)}, the former champion" if row.former else f"promoted: {_named(row)}"
        return f"{who}: its stream {_lead(best, champion, score)} over {best.days} days ({allowed}{right})"
    told = f"held: {row.name}'s stream {_lead(best, champion, score)} over {best.days} days ({allowed}{right})"
    if best.z > threshold and row.failed:
        told += f"; held back by {_held_back(row)}"
    elif best.z > threshold:
        told += f"; the next look is in {_count(wait, 'night')}"
    elif best.mean > 0 and best.z > 0:
        told += (
            f"; a true difference of this size would need about {_count(more, 'more night')}"
            if more is not None
            else "; a true difference of this size would not be seen in a year"
        )
    if visible:  # 0 where every day shows the same difference: how much days vary is not known then
        told += f"; differences under {_amount(visible, score)} cannot be seen in a year"
    return told


def first_sentence(rows: Sequence[NightlyRow], winner: int, score: str) -> str:
    """Why this one is the first champion, and how the others did."""
    row = rows[winner]
    last = row.windows[-1]
    others = [_beside(other) for at, other in enumerate(rows) if at != winner and other.windows]
    return (
        f"promoted: {_named(row)} is the first champion: its stream scored {last.mean:+.4f} {score} a bar over the "
        f"last {last.days} days, backfill included (z {last.z:.2f}{_right(row)}); no error rate is held for a first "
        "champion"
        + (f"; accepted by a person although held back by {_held_back(row)}" if row.failed else "")
        + (f"; the others: {_listed(others, '; ')}" if others else "")
    )


def empty_sentence(rows: Sequence[NightlyRow], shortest: int) -> str:
    """Why there is still no champion, and what would change that."""
    if not any(row.windows for row in rows):
        return (
            f"held: production stays empty: no stream has the {shortest} scored days that a first champion is chosen "
            "by; let more nights pass (a first night without --no-backfill scores the past instead)"
        )
    told = [f"{row.name} ({_failures(row)})" for row in rows if row.windows and row.failed]
    overruled = any(row.windows and row.lacks_skill_alone for row in rows)
    return f"held: production stays empty: no stream passes: {_listed(told, '; ')}" + (
        "; --accept-unskilled overrides, and is recorded" if overruled else ""
    )


def _lead(best: WindowFigures, champion: str, score: str) -> str:
    if best.mean == 0.0:
        return f"scored as {champion} did"
    return f"{'led' if best.mean > 0 else 'trailed'} {champion} by {_amount(abs(best.mean), score)}"


def _amount(size: float, score: str) -> str:
    return f"{100 * size:.2f} points of accuracy" if score == "accuracy" else f"{size:.4f} {score}"


def _right(row: NightlyRow) -> str:
    if row.accuracy is None or row.majority_accuracy is None:
        return ""
    other = row.champion_accuracy
    against = f"the majority {100 * row.majority_accuracy:.1f} %" if other is None else f"against {100 * other:.1f} %"
    return f"; right at its cut {100 * row.accuracy:.1f} %{',' if other is None else ''} {against}"


def _held_back(row: NightlyRow) -> str:
    return ", ".join(f"{guard.name} ({guard.words})" for guard in row.failed)


def _failures(row: NightlyRow) -> str:
    return ", ".join(f"{guard.name}: {guard.words}" for guard in row.failed)


def _beside(row: NightlyRow) -> str:
    return f"{row.name} {row.windows[-1].mean:+.4f}" + (f" ({_failures(row)})" if row.failed else "")


def _listed(words: Sequence[str], between: str) -> str:
    """At most :data:`LISTED` of them: a sentence must fit into a log entry however many recipes there are."""
    more = len(words) - LISTED
    return between.join(words[:LISTED]) + (f"{between}and {more} more" if more > 0 else "")


def _named(row: NightlyRow) -> str:
    return row.name if row.version is None else f"{row.name} ({row.version})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
