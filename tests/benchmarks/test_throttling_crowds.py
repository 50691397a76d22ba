"""The simulated crowd at a throttling store: counted by hand where that can be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.throttling import Limits, Request, rush

NIGHT = [Request("get", "a", 1), Request("put", "b", 1)]
FAST = Limits(reads=10, writes=10, read_seconds=0.01, write_seconds=0.01)


def test_nobody_is_refused_below_the_limit() -> None:
    found = rush(NIGHT, nights=10, at_once=10, thinking=0.0, limits=FAST)
    assert (found.answered, found.refused, found.given_up) == (20, 0, 0)
    assert (found.peak_reads, found.peak_writes) == (10, 10)
    assert found.seconds == pytest.approx(0.02)


def test_one_more_than_the_limit_is_refused_and_asks_again() -> None:
    found = rush(NIGHT, nights=11, at_once=11, thinking=0.0, limits=replace(FAST, writes=100))
    assert found.answered == 22
    assert found.refused >= 1
    assert found.given_up == 0
    assert found.seconds > 1.0  # the second in which the store had answered its ten was over first


def test_a_store_that_answers_nothing_is_given_up_after_five_attempts() -> None:
    found = rush(NIGHT, nights=3, at_once=3, thinking=0.0, limits=replace(FAST, reads=0))
    assert (found.answered, found.refused, found.given_up) == (0, 15, 3)


def test_partitions_have_limits_of_their_own() -> None:
    crowd = {"nights": 20, "at_once": 20, "thinking": 0.0, "limits": FAST}
    assert rush(NIGHT, **crowd).refused > 0
    assert rush(NIGHT, partition=lambda instrument: instrument % 2, **crowd).refused == 0


def test_fewer_at_a_time_take_turns() -> None:
    found = rush(NIGHT, nights=6, at_once=2, thinking=1.0, limits=FAST)
    assert found.answered == 12
    assert 3.0 < found.seconds < 3.5


def test_the_same_seed_gives_the_same_crowd() -> None:
    crowd = {"nights": 40, "at_once": 40, "thinking": 0.1, "limits": FAST}
    assert rush(NIGHT, **crowd) == rush(NIGHT, **crowd)
    assert rush(NIGHT, **crowd) != rush(NIGHT, seed=2, **crowd)
