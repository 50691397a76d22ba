"""The nightly decision in one sentence, in the units of the score, with accuracy as a labelled extra."""

from __future__ import annotations

from collections.abc import Sequence

from .nightly_decision import NightlyRow, WindowFigures


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
) -> str:
    """What a person reads in the morning."""
    row = None if shown is None else rows[shown]
    best = None if row is None else row.best
    if row is None or best is None:
        plural = "" if days == 1 else "s"
        return (
            f"held: {champion} was judged on {days} trading day{plural} so far, and the shortest window asks for "
            f"{shortest}; no difference can be told yet"
        )
    allowed = f"z {best.z:.2f} of the {threshold:.2f} that one false promotion in {1 / budget:.0f} years allows"
    right = _right(row)
    if promoted:
        back = "the former champion " if row.former else ""
        return (
            f"promoted: {back}{_named(row)}: its stream led {champion} by {_amount(best, score)} over {best.days} days "
            f"({allowed}{right})"
        )
    verb = "led" if best.mean > 0 else "trailed"
    amount = f"{_amount(best, score)} over {best.days} days"
    told = f"held: {row.name}'s stream {verb} {champion} by {amount} ({allowed}{right})"
    failed = [guard for guard in row.guards if not guard.passed]
    if best.z > threshold and failed:
        told += f"; held back by {', '.join(f'{guard.name} ({guard.words})' for guard in failed)}"
    if best.mean > 0 and best.z <= threshold:
        told += (
            f"; a true difference of this size would need about {more} more nights"
            if more is not None
            else "; a true difference of this size would not be seen in a year"
        )
    return told + f"; differences under {visible:.4f} {score} cannot be seen in a year"


def first_sentence(rows: Sequence[NightlyRow], winner: int, score: str) -> str:
    row = rows[winner]
    last = row.windows[-1]
    others = ", ".join(_beside(other) for at, other in enumerate(rows) if at != winner and other.windows)
    return (
        f"promoted: {_named(row)} is the first champion: its stream scored {last.mean:+.4f} {score} a bar over the "
        f"last {last.days} days, backfill included (z {last.z:.2f}{_right(row)}); no error rate is held for a first "
        "champion" + (f"; the others: {others}" if others else "")
    )


def empty_sentence(rows: Sequence[NightlyRow], shortest: int) -> str:
    if not any(row.windows for row in rows):
        return (
            f"held: production stays empty: no stream has the {shortest} scored days that a first champion is chosen "
            "by; let more nights pass, or leave out --no-backfill"
        )
    why = "; ".join(
        f"{row.name}: {', '.join(guard.words for guard in row.guards if not guard.passed)}"
        for row in rows
        if not row.passed
    )
    return f"held: production stays empty: no stream passes ({why}); --accept-unskilled overrides, and is recorded"


def _amount(best: WindowFigures, score: str) -> str:
    if score == "accuracy":
        return f"{100 * abs(best.mean):.2f} points of accuracy"
    return f"{abs(best.mean):.4f} {score}"


def _right(row: NightlyRow) -> str:
    if row.accuracy is None:
        return ""
    other = row.champion_accuracy
    against = f" against {other:.1%}" if other is not None else f", the majority {row.majority_accuracy:.1%}"
    return f"; right at its cut {row.accuracy:.1%}{against}".replace("%", " %")


def _beside(row: NightlyRow) -> str:
    failed = [f"{guard.name}: {guard.words}" for guard in row.guards if not guard.passed]
    return f"{row.name} {row.windows[-1].mean:+.4f}" + (f" (held back by {'; '.join(failed)})" if failed else "")


def _named(row: NightlyRow) -> str:
    return row.name if row.version is None else f"{row.name} ({row.version})"
