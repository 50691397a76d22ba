"""Would the champion have earned anything? Its sides of the ledger on the moves of the bars, costs by session."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars import Dataset
from flows.gate.scoring.ledger import Ledger, version_stream
from flows.pnl.pips import Result, gross, result, spread_share
from flows.pnl.spreads import Spreads
from flows.report.baselines import places, reference_stream
from flows.report.data import Answer, DailyLine, Money
from flows.report.quality import ROW_DAYS, judged_by
from registry import ChampionRecord

Mask = npt.NDArray[np.bool_]


def money(
    champion: ChampionRecord, ledger: Ledger, data: Dataset, references: tuple[str, ...], spreads: Spreads
) -> Money | None:
    """Over the champion's last 250 trading days; None where none of its bars is in ``data`` with a known move.

    The champion is flat in the rollover hour, which is told apart: there bids move with the spread.
    """
    key = judged_by(champion, ledger)
    move = _moves(ledger, data)
    stream = ledger.streams.get(key)
    if stream is None:
        return None
    usable = stream.scored & np.isfinite(move)
    usable &= np.isin(ledger.day, np.unique(ledger.day[usable & ledger.counted])[-ROW_DAYS:])
    counted = usable & ledger.counted
    if not counted.any():
        return None
    name = f"{champion.version} ({champion.recipe or 'unnamed'})"
    total, sessions, pips, cost = _by_session(f"{name}, all sessions", key, ledger, move, counted, spreads)
    days, own = np.unique(ledger.day[counted]), key == version_stream(champion.version)
    apart = usable & ~ledger.counted
    return Money(
        answer=_answer(total, own),
        own=own,
        first_day=str(days[0]),
        last_day=str(days[-1]),
        days=int(days.size),
        total=total,
        sessions=sessions,
        rollover=_by_session(f"{name}, rollover hour", key, ledger, move, apart, spreads)[0] if apart.any() else None,
        references=tuple(
            _by_session(each, reference_stream(each), ledger, move, counted, spreads)[0] for each in references
        ),
        spreads=str(spreads),
        gross=_running("before costs", ledger, counted, pips),
        net=_running("after costs", ledger, counted, pips - cost),
    )


def _moves(ledger: Ledger, data: Dataset) -> npt.NDArray[np.float64]:
    """The move that followed each bar of the ledger, in pips, NaN where the bars do not say: shape (n_bars,)."""
    place = places(ledger, data)
    return np.where(place >= 0, data.move_pips[place], np.nan)


def _by_session(
    name: str, key: str, ledger: Ledger, move: npt.NDArray[np.float64], at: Mask, spreads: Spreads
) -> tuple[Result, tuple[Result, ...], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """All bars ``at``, the sessions they fall into, and pips before costs and costs of each bar: shape (bars at,)."""
    stream = ledger.streams[key]
    opens, day, up = pd.DatetimeIndex(ledger.opens[at]), ledger.day[at], stream.p[at] > stream.cut[at]
    pips, crossed, spread = gross(up, move[at]), spread_share(opens, up), spreads.pips(opens)
    session = spreads.session_of(opens)
    parts: list[Result] = []
    for number, each in enumerate(spreads.sessions):
        here = session == number
        if here.any():
            parts.append(result(each.name, pips[here], crossed[here], spread[here], day[here]))
    return result(name, pips, crossed, spread, day), tuple(parts), pips, crossed * spread


def _running(name: str, ledger: Ledger, at: Mask, pips: npt.NDArray[np.float64]) -> DailyLine:
    days, number = np.unique(ledger.day[at], return_inverse=True)
    sums = np.cumsum(np.bincount(number, weights=pips))
    return DailyLine(name, tuple(str(day) for day in days), tuple(sums.tolist()))


def _answer(total: Result, own: bool) -> Answer:
    """No where nothing is left after costs; yes where what is left is more than twice the standard error, and on days
    that the champion was not chosen by."""
    if total.net <= 0.0:
        return "no"
    return "yes" if own and total.error is not None and total.net_a_bar > 2.0 * total.error else "unclear"
