"""What must hold for any holdout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from flows.gate import Predictions
from tests.flows.gate.holdout_cases import SMALL, Holdout, days_of


@st.composite
def cases(draw: st.DrawFn, streams: int) -> tuple[Holdout, list[Predictions]]:
    """A holdout of 3 to 12 unequal days and streams with random probabilities and cuts."""
    lengths = draw(st.lists(st.integers(2, 12), min_size=3, max_size=12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    day = days_of(*lengths)
    bars = Holdout(rng.integers(0, 2, day.size), day)
    drawn = [
        Predictions(
            f"recipe_{k}", f"fingerprint {k}", rng.integers(0, 65, day.size) / 64, float(rng.integers(16, 49)) / 64
        )
        for k in range(streams)
    ]
    return bars, drawn


@given(cases(streams=2))
def test_swapping_champion_and_candidate_flips_the_sign(case):
    bars, (one, two) = case
    forward, backward = (bars.judge(a, [b], policy=SMALL).rows[0] for a, b in ((one, two), (two, one)))
    assert forward.difference_points == -backward.difference_points
    assert forward.z == -backward.z
    assert forward.standard_error_points == backward.standard_error_points


@given(cases(streams=4), st.permutations(range(3)), st.booleans())
def test_permuting_the_candidates_changes_nothing_but_their_order(case, order, crowned):
    bars, (champion, *candidates) = case
    standing = champion if crowned else None
    straight = bars.judge(standing, candidates, policy=SMALL)
    permuted = bars.judge(standing, [candidates[k] for k in order], policy=SMALL)
    assume(len({row.accuracy for row in straight.rows}) == 3)  # ties go by order
    assert permuted.rows == tuple(straight.rows[k] for k in order)
    assert replace(permuted, rows=straight.rows) == straight


@given(cases(streams=3))
def test_the_scale_of_the_probabilities_does_not_matter(case):
    bars, (champion, *candidates) = case
    halved = [replace(stream, p=stream.p / 2, cut=stream.cut / 2) for stream in candidates]
    assert bars.judge(champion, halved, policy=SMALL) == bars.judge(champion, candidates, policy=SMALL)


@given(cases(streams=2), st.integers(2, 5))
def test_every_bar_told_several_times_is_no_more_evidence(case, times):
    bars, streams = case
    champion, candidate = streams
    repeated = Holdout(np.repeat(bars.label, times), np.repeat(bars.day, times))
    again = [replace(stream, p=np.repeat(stream.p, times)) for stream in streams]
    once = bars.judge(champion, [candidate], policy=SMALL).rows[0]
    often = repeated.judge(again[0], [again[1]], policy=SMALL).rows[0]
    np.testing.assert_allclose(
        [often.difference_points, often.standard_error_points, often.z],
        [once.difference_points, once.standard_error_points, once.z],
        rtol=1e-9,
        atol=1e-12,
    )


@given(cases(streams=2))
def test_the_order_of_bars_within_a_day_does_not_matter(case):
    bars, (champion, candidate) = case
    order = np.lexsort((-np.arange(bars.day.size), bars.day))
    turned = Holdout(bars.label[order], bars.day)
    streams = [replace(stream, p=stream.p[order]) for stream in (champion, candidate)]
    assert turned.judge(streams[0], [streams[1]], policy=SMALL) == bars.judge(champion, [candidate], policy=SMALL)


@given(cases(streams=1))
def test_the_champion_itself_is_never_promoted(case):
    bars, (champion,) = case
    decision = bars.judge(champion, [champion], policy=SMALL, accept_unskilled=True)
    assert (decision.action, decision.rows[0].z) == ("held", 0.0)


@given(cases(streams=3), st.booleans(), st.booleans())
def test_a_winner_passed_the_guards_unless_they_were_waived(case, crowned, waived):
    bars, (champion, *candidates) = case
    decision = bars.judge(champion if crowned else None, candidates, policy=SMALL, accept_unskilled=waived)
    winners = [row for row in decision.rows if row.name == decision.winner]
    assert bool(winners) == (decision.action == "promoted")
    for row in winners:
        assert waived or not row.failed_guards
        assert not crowned or row.p_value <= SMALL.alpha * (1 + 1e-9)


@given(cases(streams=3))
def test_the_same_bars_give_the_same_decision(case):
    bars, (champion, *candidates) = case
    assert bars.judge(champion, candidates, policy=SMALL) == bars.judge(champion, candidates, policy=SMALL)
