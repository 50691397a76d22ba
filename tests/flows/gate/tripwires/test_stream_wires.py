"""The wires of the streams: right on 61 % of the bars, or right about other days; and how rarely chance does it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student
from syrupy.assertion import SnapshotAssertion

from flows.gate.tripwires.streams import (
    CONTROL_Z,
    FEWEST_DAYS,
    LABELS,
    SHIFTS,
    JudgedSides,
    control_z,
    tripped_controls,
    tripped_recipes,
)
from flows.gate.tripwires.wire import TrippedWire

QUARTERS = np.r_[4:95]
"""Those outside of the rollover hour."""


def judged(days: int = 250, seed: int = 0, *, ups: float = 0.5) -> JudgedSides:
    """Labels of whole days, made by chance; no streams yet."""
    label = (np.random.default_rng(seed).random(days * QUARTERS.size) < ups).astype(float)
    day = np.repeat(np.busday_offset("2023-01-02", np.arange(days)).astype("datetime64[D]"), QUARTERS.size)
    return JudgedSides(label, day, np.tile(QUARTERS, days), {})


def right_on(bars: JudgedSides, share: float, *, last_days: int | None = None, otherwise: float = 0.51) -> np.ndarray:
    """Sides of which exactly this share is right, on the last days, and another share before."""
    sides = np.empty(bars.label.size)
    begin = np.unique(bars.day)[-last_days] if last_days else bars.day[0]
    for among, part in ((bars.day >= begin, share), (bars.day < begin, otherwise)):
        number = int(among.sum())
        wrong = np.random.default_rng(1).permutation(number) >= round(part * number)
        sides[among] = np.where(wrong, 1.0 - bars.label[among], bars.label[among])
    return sides


def only(wires: list[TrippedWire]) -> TrippedWire:
    (wire,) = wires
    return wire


@pytest.mark.parametrize(
    ("share", "percent", "trips"),
    [
        (0.51, 60.0, False),
        (0.59, 60.0, False),
        (0.61, 60.0, True),
        (0.61, 62.0, False),
        (0.63, 62.0, True),
        (0.56, 55.0, True),
        (1.00, 60.0, True),
        (1.00, 100.0, False),
        (0.35, 60.0, False),
    ],
)
def test_a_stream_that_is_right_too_often_trips(share: float, percent: float, trips: bool) -> None:
    bars = judged()
    wires = tripped_recipes(replace(bars, ups={"forest": right_on(bars, share)}), percent=percent)
    assert [(wire.name, round(wire.figure)) for wire in wires] == ([("recipe:forest", round(100 * share))] * trips)


@pytest.mark.parametrize(("days", "trips"), [(5, False), (10, False), (20, True)])
def test_so_few_bars_that_chance_can_do_it_are_no_proof(days: int, trips: bool) -> None:
    bars = judged(days=days)
    assert bool(tripped_recipes(replace(bars, ups={"forest": right_on(bars, 0.61)}))) is trips


def test_being_too_good_in_the_last_month_alone_is_enough() -> None:
    bars = judged()
    wire = only(tripped_recipes(replace(bars, ups={"forest": right_on(bars, 0.68, last_days=20)})))
    assert (wire.bars, round(wire.figure)) == (20 * QUARTERS.size, 68)


def test_a_stream_of_59_percent_has_months_above_60_and_does_not_trip() -> None:
    bars = judged()
    sides = right_on(bars, 0.62, last_days=20, otherwise=0.587)
    assert tripped_recipes(replace(bars, ups={"forest": sides})) == []


def test_bars_that_a_stream_did_not_score_do_not_count() -> None:
    bars = judged()
    sides = right_on(bars, 0.61)
    sides[bars.day < np.unique(bars.day)[200]] = np.nan
    assert only(tripped_recipes(replace(bars, ups={"forest": sides, "none": np.full(sides.size, np.nan)}))).bars == 4550


def test_what_a_stream_that_is_too_good_says(snapshot: SnapshotAssertion) -> None:
    bars = judged()
    assert only(tripped_recipes(replace(bars, ups={"forest": right_on(bars, 0.61)}))).words == snapshot


def test_a_price_that_stands_still_is_said(snapshot: SnapshotAssertion) -> None:
    bars = judged(ups=0.35)
    assert only(tripped_recipes(replace(bars, ups={"never up": np.zeros(bars.label.size)}))).words == snapshot


def test_a_majority_class_alone_leaves_the_control_nothing() -> None:
    bars = judged(ups=0.35)
    assert tripped_controls(replace(bars, ups={"never up": np.zeros(bars.label.size)})) == []


def test_a_stream_that_is_right_leaves_nothing_on_other_days() -> None:
    bars = judged()
    assert tripped_controls(replace(bars, ups={"forest": right_on(bars, 0.75)})) == []


@pytest.mark.parametrize("shift", [*SHIFTS, *(-shift for shift in SHIFTS)])
def test_predictions_beside_the_labels_of_another_day_trip_the_control(shift: int) -> None:
    bars = judged()
    sides = np.roll(right_on(bars, 0.56), shift * QUARTERS.size)
    wire = only(tripped_controls(replace(bars, ups={"forest": sides})))
    assert wire.name == "control:forest" and wire.figure > 10.0
    when = "earlier" if shift > 0 else "later"
    assert f" {abs(shift)} trading day{'s' * (abs(shift) > 1)} {when} " in wire.words


def test_days_that_were_handed_in_twice_trip_the_control(snapshot: SnapshotAssertion) -> None:
    bars = judged()
    table = bars.label.reshape(250, -1)
    table[1::2] = table[::2]
    wires = tripped_controls(replace(bars, ups={"forest": right_on(bars, 0.52)}))
    assert [wire.of for wire in wires] == [LABELS] and wires[0].words == snapshot


def test_a_label_that_follows_the_time_of_day_trips_the_control() -> None:
    bars = judged()
    by_time = np.random.default_rng(4).integers(0, 2, 96)[bars.quarter].astype(float)
    strange = replace(bars, label=np.where(np.random.default_rng(5).random(by_time.size) < 0.6, by_time, bars.label))
    assert {wire.of for wire in tripped_controls(replace(strange, ups={"clock": by_time}))} == {LABELS, "clock"}


@pytest.mark.parametrize("broken", [1.0, 0.0])
def test_labels_that_repeat_to_the_bar_are_infinitely_far_from_chance(broken: float) -> None:
    day = np.tile([broken, 1.0 - broken], 48)
    found = control_z(np.tile(day, (60, 1)), np.tile(day, (60, 1)), 1)
    assert found is not None and found[0] == np.inf and found[1] == 1.0


def test_too_few_days_are_no_control() -> None:
    bars = judged(days=FEWEST_DAYS)
    table = bars.label.reshape(FEWEST_DAYS, -1)
    assert control_z(table, table, 1) is None
    assert control_z(np.full((250, 96), np.nan), np.ones((250, 96)), 1) is None
    assert tripped_controls(replace(bars, ups={"forest": np.full(bars.label.size, np.nan)})) == []


def test_the_control_is_silent_by_chance_and_its_z_is_one() -> None:
    """100 years of eight streams and the labels, of which neither knows anything: about 9,000 looks."""
    chance = np.random.default_rng(6)
    found = []
    for _ in range(100):
        table = chance.integers(0, 2, (9, 250, QUARTERS.size)).astype(float)
        for stream in table:
            looks = [control_z(stream, table[0], shift) for shift in (*SHIFTS, *(-shift for shift in SHIFTS))]
            found += [look[0] for look in looks if look is not None]
    assert len(found) == 9_000 and np.std(found) == pytest.approx(1.0, abs=0.03)
    assert np.mean(np.abs(found) > 3.0) == pytest.approx(0.0027, abs=0.0015) and np.abs(found).max() < 5.0


def test_a_year_of_nights_trips_the_control_by_chance_less_than_once_in_a_thousand_years() -> None:
    """By adding up the probabilities of all looks, as if none of them saw the same days as another."""
    looks = 2 * len(SHIFTS) * 8
    young = sum(2.0 * student.sf(CONTROL_Z, days - 1) for days in range(FEWEST_DAYS, 250)) * looks
    old = 250 * 2.0 * student.sf(CONTROL_Z, 249) * looks
    assert young < 1e-3 and old < 2e-4
