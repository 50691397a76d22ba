"""A replay counts pips by the policy's trading rule, with the ranks that a night would have had."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from benchmarks.guessed_fits import GuessedCache, guessed_cache
from flows.bars import write_sample
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Stream, recipe_stream
from flows.gate.scoring.stream_account import stream_rank
from flows.job.plan import plan
from flows.job.request import Advanced, RetrainRequest
from flows.pnl.trading_rules import TradingRule
from flows.replay import NightSpan, replay_rule
from flows.replay.full_ledger import full_ledger
from flows.replay.table import Served, account_of, common_bars, compare_rules
from flows.settings import Settings

RULES = ("always", "aside 0.3 0.7", "enter 0.8 leave 0.5", "always, hold 8", "always, hours 03:00-12:00")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> GuessedCache:
    bars = write_sample(tmp_path_factory.mktemp("bars") / "bars", first=date(2022, 1, 3), last=date(2022, 7, 31))
    advanced = Advanced(backfill_days=40, accept_unskilled=True)
    job = plan(RetrainRequest(recipes=("logistic", "stationary"), advanced=advanced), Settings(data=str(bars)))
    span = NightSpan(date(2022, 6, 6), date(2022, 7, 29))
    return guessed_cache(job, job.load_dataset(), span, tmp_path_factory.mktemp("cache"))


def policy(rule: str) -> GatePolicy:
    return GatePolicy(windows=(4, 8), budget=0.95, trading_rule=TradingRule.parse(rule), net_margin_errors=None)


def test_every_rule_and_baseline_trades_as_the_policy_says(cache: GuessedCache) -> None:
    rows = {rule: compare_rules(cache, [replay_rule(cache, policy(rule), rule="higher")]) for rule in RULES}
    for always, *others in zip(*rows.values(), strict=True):
        assert {each.name for each in others} == {always.name}
        if always.name == "no_skill":  # it ranks nothing, and keeps one side
            assert others[0].trades_a_day == others[1].trades_a_day == 0.0
            continue
        assert len({each.net_pips for each in (always, *others)}) == len(RULES)
        assert all(each.trades_a_day < always.trades_a_day for each in others[1:]), always.name
        assert {(each.accuracy, each.edge, each.by_move) for each in others} == {
            (always.accuracy, always.edge, always.by_move)
        }
        assert always.by_move_error is not None and always.by_move_error > 0.0


@pytest.mark.parametrize("name", ["gated", "never", "newest", "higher"])
def test_ranks_are_those_that_a_night_would_have_had(cache: GuessedCache, name: str) -> None:
    played = replay_rule(cache, policy("aside 0.3 0.7"), rule=name)  # type: ignore[arg-type]  # a name of the list above
    full = full_ledger(cache, policy("aside 0.3 0.7"))
    nights = [night.night for night in cache.nights]
    begins = [int(full.ends[nights.index(each.night)]) for each in played.promotions]
    assert name == "gated" or (len(begins) > 4 if name == "higher" else len(begins) == 1)
    known = np.zeros(played.rank.size, np.bool_)
    for champion, begin, end in zip(played.promotions, begins, [*begins[1:], full.positions.size], strict=True):
        own = np.full(full.positions.size, np.nan)
        own[begin:end] = played.p[full.positions[begin:end]]
        never = np.zeros(own.size, np.bool_)
        before = full.ledger.streams[recipe_stream(champion.recipe.fingerprint)]
        expected = stream_rank(Stream("own", own, own, never, None), before)[begin:end]
        np.testing.assert_array_equal(played.rank[full.positions[begin:end]], expected)
        known[full.positions[begin:end]] = True
    assert np.isnan(played.rank[~known]).all() and np.isfinite(played.rank[known]).all()


def test_who_is_always_in_the_market_is_asked_for_no_rank(cache: GuessedCache) -> None:
    played = replay_rule(cache, policy("always"), rule="never")
    assert np.isnan(played.rank).all()
    common = common_bars(cache.data, [played])
    book = account_of(cache.data, Served.by(played), common)
    assert (book.position != 0)[~book.bars.rollover].all()
    asked = replace(played, traded_by=TradingRule.parse("aside 0.3 0.7"))
    assert not account_of(cache.data, Served.by(asked), common).position.any()  # a bar without rank has no position
