"""The figures on net pips: what costs take, what skill on small moves earns, and by how much a large day is cut."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gate.net.forms import FORMS, LIMIT, recent_deviation
from benchmarks.gate.net.power import GUARDS, guarded, worth
from benchmarks.gate.net.real import net_pips
from benchmarks.gate.nights import NEVER, Thresholds, first_promotions


def test_a_change_of_side_costs_one_spread_and_a_smaller_change_its_part() -> None:
    position = np.array([1.0, 1.0, -1.0, 0.0, 0.5])
    net = net_pips(position, np.array([2.0, -1.0, -3.0, 5.0, 4.0]), spread=0.8)
    assert net == pytest.approx([2.0, -1.0, 3.0 - 0.8, 0.0 - 0.4, 2.0 - 0.2])


@pytest.mark.parametrize("earns", [0.5, 0.0, -0.5])
def test_skill_on_small_moves_is_as_often_right_and_earns_the_share_that_was_asked_for(earns: float) -> None:
    size = np.random.default_rng(1).gamma(0.7, 5.0, (300, 91))
    shown = worth(size, earns)
    assert shown.mean() == pytest.approx(1.0)
    assert (shown * size).mean() == pytest.approx(earns * size.mean())
    assert shown.flat[size.argmin()] > 1.0 > shown.flat[size.argmax()]


def test_the_measure_of_a_day_is_what_came_before_it() -> None:
    leads = np.random.default_rng(2).standard_normal((3, 200))
    later = leads.copy()
    later[:, 150] = 1_000.0
    assert recent_deviation(later)[:, :151] == pytest.approx(recent_deviation(leads)[:, :151])
    assert recent_deviation(leads)[:, 100] == pytest.approx(np.sqrt(np.square(leads[:, 40:100]).mean(axis=1)))
    cut = FORMS["net, large days cut at two deviations"](later)
    assert cut[:, 150] == pytest.approx(LIMIT * recent_deviation(leads)[:, 150])


def test_a_guard_holds_back_who_earns_less_and_without_reach_is_the_gate_itself() -> None:
    rng = np.random.default_rng(3)
    edge = rng.standard_normal((40, 5, 500))
    edge[:, 0] += 0.4
    net = rng.standard_normal((40, 5, 500))
    plain = first_promotions(edge, Thresholds.of(5), 250)
    free = guarded(edge, net, -100.0)
    assert (free.night == plain.night).all() and (free.recipe == plain.recipe).all()
    assert (plain.night < NEVER).all()
    net[:, 0] -= 1.0
    for errors in GUARDS.values():
        assert not (guarded(edge, net, errors).recipe == 0).any()
