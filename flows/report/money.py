"""What the champion would have earned: its positions on the moves of the bars, with costs by session and financing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.gate.scoring.ledger import Ledger, Stream, recipe_stream, version_stream
from flows.gate.scoring.stream_account import last_traded, stream_account
from flows.instruments.spreads import Spreads
from flows.pnl.account import Account, PipsResult, Swap, TradedBars
from flows.pnl.phrases import would_have
from flows.pnl.risk import risk
from flows.pnl.trading_rules import TradingRule
from flows.report.baselines import bar_positions, reference_stream
from flows.report.data import Answer, DailyLine, LargeMoves, Money
from flows.report.moves import sized_edges
from flows.report.quality import ROW_DAYS, champion_stream
from flows.report.selectivity import selectivity
from registry import ChampionRecord

LARGEST = 0.9
"""Quantile of the moves' sizes, above which a move is one of the largest tenth."""


@dataclass(frozen=True)
class Terms:
    """What a trade is made by and costs: the policy's trading rule, the spreads and the swap of the settings."""

    rule: TradingRule
    spreads: Spreads
    swap: Swap


def money(
    champion: ChampionRecord, ledger: Ledger, data: Dataset, references: tuple[str, ...], terms: Terms
) -> Money | None:
    """Over the champion's last 250 trading days; None where none of its bars is in ``data`` with a known move."""
    key = champion_stream(champion, ledger)
    stream, bars = ledger.streams.get(key), _traded_bars(ledger, data, terms)
    if stream is None:
        return None
    among = last_traded(ledger, stream.scored & bars.known, ROW_DAYS)
    if not (among & ledger.counted).any():
        return None
    before = ledger.streams.get(recipe_stream(champion.recipe_fingerprint or ""))
    book = stream_account(stream, bars, among, terms.rule, before=before)
    total = book.result(f"{champion.version} ({champion.recipe or 'unnamed'}), all sessions")
    *sessions, rollover = _by_session(book, terms.spreads)
    daily, own = book.by_day(), key == version_stream(champion.version)
    days = daily.day[daily.bars > 0]
    whose = "" if own else f"'s recipe, {champion.recipe or 'unnamed'},"
    return Money(
        answer=_answer(total, own),
        words=f"{champion.version}{whose} {would_have(total)}",
        own=own,
        rollover_words=ledger.instrument.hours.rollover_words,
        first_day=str(days[0]),
        last_day=str(days[-1]),
        days=int(days.size),
        total=total,
        sessions=tuple(each for each in sessions if each is not None),
        rollover=rollover,
        large=_large_moves(stream, ledger, among, book),
        felt=risk(daily),
        references=tuple(
            stream_account(ledger.streams[reference_stream(name)], bars, among, terms.rule).result(name)
            for name in references
        ),
        spreads=str(terms.spreads),
        swap=str(terms.swap),
        rule=str(terms.rule),
        gross=_running_sum("before costs", book, book.earned),
        net=_running_sum("after costs", book, book.net),
        selectivity=selectivity(
            {champion.version: stream, **{name: ledger.streams[reference_stream(name)] for name in references}},
            bars,
            among,
            before,
        ),
        sized=sized_edges((f"{champion.version}{whose.rstrip(',')}", stream, before), ledger, data, references, among),
    )


def _traded_bars(ledger: Ledger, data: Dataset, terms: Terms) -> TradedBars:
    """The ledger's bars, with the move that followed each, NaN where the bars do not have it."""
    positions = bar_positions(ledger, data)
    moves = np.where(positions >= 0, data.move_pips[positions], np.nan)
    return TradedBars(ledger.opens, moves, terms.spreads.pips(ledger.opens), terms.swap, ledger.instrument)


def _by_session(book: Account, spreads: Spreads) -> list[PipsResult | None]:
    """The sessions without the rollover hour, in their order, and then that hour; None where there is no bar."""
    number, apart = spreads.session_of(book.bars.opens), book.bars.rollover
    parts = [(session.name, (number == place) & ~apart) for place, session in enumerate(spreads.sessions)]
    named = [*parts, ("rollover hour", apart)]
    return [book.result(name, among) if among.any() else None for name, among in named]


def _large_moves(stream: Stream, ledger: Ledger, among: Mask, book: Account) -> LargeMoves:
    counted, size = ~book.bars.rollover, np.abs(book.bars.move_pips)
    large = counted & (size >= np.quantile(size[counted], LARGEST))
    right = (stream.p[among] > stream.cut[among]) == (ledger.label[among] == 1.0)
    others = counted & ~large
    return LargeMoves(
        pips=book.result("largest tenth of moves", large),
        right=float(right[large].mean()),
        others_right=float(right[others].mean()) if others.any() else float("nan"),
    )


def _running_sum(name: str, book: Account, pips: Floats) -> DailyLine:
    days, number = np.unique(book.bars.day, return_inverse=True)
    sums = np.cumsum(np.bincount(number, weights=pips))
    return DailyLine(name, tuple(str(day) for day in days), tuple(sums.tolist()))


def _answer(total: PipsResult, own: bool) -> Answer:
    """No where nothing is left after costs; yes where the interval of what is left is above zero, on days that the
    champion was not chosen by."""
    if total.net <= 0.0:
        return "no"
    return "yes" if own and total.net_interval is not None and total.net_a_bar > total.net_interval else "unclear"
