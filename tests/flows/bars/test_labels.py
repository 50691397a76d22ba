"""Labels as data: hand-computed cases, what no label may do, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.bars import NEXT_BAR, Bars, Dataset, Label, prepare
from flows.errors import BarsMissing, LabelRefused
from flows.instruments import GBPUSD_M15, SHIPPED, Instrument, find_instrument

LABELS = ("next_bar", "horizon 3", "triple_barrier 4 pips 6", "triple_barrier 4 atr 0.8, costs", "dead_zone 3 atr 0.5")
BEGIN = "2024-06-04 13:00"
"""A quiet hour: 9 in New York, where the usual spread is 0.8 pips."""


def made(
    pips: list[float], *, high: list[float] | None = None, low: list[float] | None = None, atr: float = 5.0
) -> Bars:
    """Bars of a quarter of an hour with closes so many pips above 1.25, and highs and lows where they are given."""
    opens = pd.date_range(BEGIN, periods=len(pips), freq="15min", tz="UTC", name="timestamp").as_unit("ns")
    prices = {"close_15m": pips, "high_15m": high or pips, "low_15m": low or pips}
    frame = pd.DataFrame({name: 1.25 + np.array(values) * 1e-4 for name, values in prices.items()}, index=opens)
    frame["atr_14"] = atr * 1e-4
    as_of = opens[-1] + GBPUSD_M15.step
    return Bars(frame, opens.tz_localize(None).to_numpy(), "made", False, as_of, "UTC", ())


def label_of(bars: Bars, label: str, bar: int = 0) -> float:
    return float(prepare(bars, labels=label).label[bar])


def test_a_horizon_asks_for_the_close_so_many_bars_later() -> None:
    data = prepare(made([0, 5, -3, 2, 2, 2]), labels="horizon 3")
    assert data.label[:3].tolist() == [1.0, 0.0, 1.0]
    assert np.isnan(data.label[3:]).all()
    assert data.known_at[0] == pd.Timestamp("2024-06-04 14:00", tz="UTC"), "the close of the third bar after it"
    assert data.move_pips[:5] == pytest.approx([5, -8, 5, 0, 0])


@pytest.mark.parametrize(
    ("pips", "high", "low", "label", "expected"),
    [
        pytest.param([0, 1, 12, -30, 0], None, None, "triple_barrier 4 pips 12", 1.0, id="the upper one first"),
        pytest.param([0, 1, -12, 30, 0], None, None, "triple_barrier 4 pips 12", 0.0, id="the lower one first"),
        pytest.param([0, 1, 2, 3, 4], [0, 1, 12, 3, 4], None, "triple_barrier 4 pips 12", 1.0, id="by a high"),
        pytest.param([0, 1, 2, 3, 4], None, [0, 1, -12, 3, 4], "triple_barrier 4 pips 12", 0.0, id="by a low"),
        pytest.param([0, 5, 0, 0, 0], [0, 12, 0, 0, 0], [0, -12, 0, 0, 0], "triple_barrier 4 pips 12", 1.0, id="both"),
        pytest.param(
            [0, 0, 9, 9, 9], [0, 12, 9, 9, 9], [0, -12, 9, 9, 9], "triple_barrier 4 pips 12", 0.0, id="unmoved"
        ),
        pytest.param([0, 8, -8, 3, 4], None, None, "triple_barrier 4 pips 12", 1.0, id="none: the horizon's end"),
        pytest.param([0, 8, -8, 3, 0], None, None, "triple_barrier 4 pips 12", 0.0, id="none, and unmoved"),
        pytest.param([0, 7.5, 0, 0, -1], None, None, "triple_barrier 4 atr 1.5", 1.0, id="one and a half ranges of 5"),
        pytest.param([0, 7.4, 0, 0, -1], None, None, "triple_barrier 4 atr 1.5", 0.0, id="a tenth of a pip short"),
        pytest.param([0, 12.7, 0, 0, -1], None, None, "triple_barrier 4 pips 12, costs", 0.0, id="not the spread"),
        pytest.param([0, 12.8, 0, 0, -1], None, None, "triple_barrier 4 pips 12, costs", 1.0, id="and the spread"),
        pytest.param([0, -12.7, 0, 0, 1], None, None, "triple_barrier 4 pips 12, costs", 1.0, id="a short pays too"),
    ],
)
def test_a_barrier_by_hand(
    pips: list[float], high: list[float] | None, low: list[float] | None, label: str, expected: float
) -> None:
    data = prepare(made(pips, high=high, low=low), labels=label)
    assert data.label[0] == expected
    assert data.known_at[0] == pd.Timestamp("2024-06-04 14:15", tz="UTC"), "not before the horizon is over"


def test_no_barrier_is_reached_in_the_rollover() -> None:
    bars = made([0, -30, 0, 1])
    opens = bars.frame.index + pd.Timedelta("7h45min")  # the second bar closes at 17:00 New York
    asleep = replace(bars, frame=bars.frame.set_index(opens), as_of=bars.as_of + pd.Timedelta("7h45min"))
    assert label_of(bars, "triple_barrier 3 pips 12") == 0.0
    assert label_of(asleep, "triple_barrier 3 pips 12") == 1.0


def test_without_highs_and_lows_closes_reach_barriers() -> None:
    bars = made([0, 1, 2, 3, 4], high=[0, 1, 12, 3, 4])
    closes = replace(bars, frame=bars.frame.drop(columns=["high_15m", "low_15m"]))
    assert label_of(closes, "triple_barrier 4 pips 3") == 1.0
    assert label_of(closes, "triple_barrier 4 pips 12") == 1.0, "nothing is reached: the horizon's end is higher"


@pytest.mark.parametrize(
    ("move", "label", "trained"),
    [
        (2.5, "dead_zone 2 atr 0.5", False),
        (2.6, "dead_zone 2 atr 0.5", True),
        (-2.6, "dead_zone 2 atr 0.5", True),
        (5.8, "dead_zone 2 pips 5, costs", False),
        (5.9, "dead_zone 2 pips 5, costs", True),
    ],
)
def test_a_dead_zone_leaves_bars_out_of_training_and_never_out_of_evidence(
    move: float, label: str, trained: bool
) -> None:
    at = 100
    data = prepare(made([0.0] * (at + 1) + [40, move] + [0.0] * 60), labels=label)
    assert data.label[at] == float(move > 0)
    assert bool(data.trained[at]) is trained
    assert (data.counted == prepare(data.bars, labels="horizon 2").counted).all()
    assert data.counted[at]


def test_a_bar_whose_horizon_ends_in_the_rollover_is_no_evidence() -> None:
    opens = pd.date_range("2024-06-03 21:00", periods=2 * 96, freq="15min", tz="UTC", name="timestamp")
    bars = made([0.0] * len(opens))
    data = prepare(replace(bars, frame=bars.frame.set_index(opens), as_of=opens[-1]), labels="horizon 16")
    assert (data.rollover & data.counted).sum() == 0
    ends = np.flatnonzero(data.rollover)
    assert not data.counted[ends[ends >= 16] - 16].any()


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("gap", [3, 4, 5, 6, 7, 8])
def test_no_label_crosses_a_gap(label: str, gap: int) -> None:
    bars = made([float(step * 7 % 11) for step in range(14)])
    frame = bars.frame.drop(bars.frame.index[gap])
    data = prepare(replace(bars, frame=frame), labels=label)
    horizon = Label.parse(label).bars
    known = ~np.isnan(data.label)
    expected = [at + horizon < gap or gap <= at < 13 - horizon for at in range(13)]
    assert known.tolist() == expected
    assert (data.known_at.notna() == known).all()


def of_steps(steps: list[int]) -> Bars:
    """Bars of which each closes so many pips higher, with wicks of two pips."""
    close = np.cumsum(np.array([0, *steps], np.float64))
    return made(close.tolist(), high=(close + 2).tolist(), low=(close - 2).tolist())


@given(st.lists(st.integers(-9, 9), min_size=8, max_size=60), st.sampled_from(LABELS), st.data())
@settings(deadline=None)
def test_what_comes_after_a_label_is_known_changes_nothing_of_it(
    steps: list[int], label: str, data: st.DataObject
) -> None:
    whole = prepare(of_steps(steps), labels=label)
    end = data.draw(st.integers(2, len(steps)))
    other = steps[: end - 1] + data.draw(st.lists(st.integers(-9, 9), max_size=10))
    changed = prepare(of_steps(other), labels=label)
    closed = whole.bars.frame.index[end - 1] + timedelta(minutes=15)
    known = np.asarray(whole.known_at <= closed)
    size = int(known.sum())
    assert known[:size].all(), "what is known is a beginning of the bars"
    for name in ("label", "trained"):
        assert getattr(whole, name)[:size].tolist() == getattr(changed, name)[:size].tolist()
    assert (whole.known_at[:size] == changed.known_at[:size]).all()


@given(st.lists(st.integers(-9, 9), min_size=8, max_size=60), st.sampled_from(LABELS))
@settings(deadline=None)
def test_labels_are_known_in_the_order_of_their_bars_and_within_the_as_of(steps: list[int], label: str) -> None:
    data = prepare(of_steps(steps), labels=label)
    known = data.known_at.dropna()
    assert known.is_monotonic_increasing
    assert (known <= data.bars.as_of).all()
    assert (data.trained <= ~np.isnan(data.label)).all()
    assert (~np.isnan(data.label) <= np.isfinite(data.move_pips)).all()


@given(st.lists(st.integers(-9, 9), min_size=8, max_size=60), st.integers(-200, 200))
@settings(deadline=None)
def test_a_barrier_in_pips_does_not_depend_on_the_level_of_the_price(steps: list[int], shift: int) -> None:
    bars = of_steps(steps)
    prices = ["close_15m", "high_15m", "low_15m"]
    moved = bars.frame.assign(**{name: bars.frame[name] + shift * 1e-4 for name in prices})
    for label in ("triple_barrier 4 pips 6", "triple_barrier 4 pips 3, costs"):
        here, there = prepare(bars, labels=label), prepare(replace(bars, frame=moved), labels=label)
        np.testing.assert_array_equal(here.label, there.label)


def mirrored(label: str, steps: list[int]) -> tuple[Dataset, Dataset]:
    return prepare(of_steps(steps), labels=label), prepare(of_steps([-step for step in steps]), labels=label)


@given(st.lists(st.sampled_from([-9, -7, -5, 5, 7, 9]), min_size=8, max_size=60))
@settings(deadline=None)
def test_a_market_upside_down_has_the_other_label_where_a_barrier_is_reached(steps: list[int]) -> None:
    here, there = mirrored("triple_barrier 3 pips 4", steps)
    known = ~np.isnan(here.label)
    assert (here.label[known] + there.label[known] == 1.0).all()


@pytest.mark.parametrize("label", ["next_bar", *LABELS, "triple_barrier 16 pips 12, costs", "dead_zone 96 atr 0.25"])
def test_a_label_reads_back_from_its_text_and_from_plain_values(label: str) -> None:
    parsed = Label.parse(label)
    assert str(parsed) == label
    assert Label.parse(f"  {label}  ") == parsed
    assert Label.from_dict(parsed.to_dict()) == parsed


def test_the_default_is_the_next_bar() -> None:
    assert Label.parse("next_bar") == Label.parse("horizon 1") == NEXT_BAR == Label()
    assert NEXT_BAR.to_dict() == {}
    assert NEXT_BAR.slug == "direction"


def test_a_label_names_a_model() -> None:
    assert Label.parse("horizon 16").slug == "horizon_16"
    assert Label.parse("triple_barrier 16 pips 12, costs").slug == "triple_barrier_16_pips_12_costs"


@pytest.mark.parametrize(
    "text",
    [
        "", "next bar", "horizon", "horizon 0", "horizon -4", "horizon 4.5", "horizon 289", "horizon 99999",
        "horizon 4 pips 3", "horizon 4, costs", "next_bar, costs", "triple_barrier 16", "triple_barrier 16 pips",
        "triple_barrier 16 pips 0", "triple_barrier 16 pips -3", "triple_barrier 16 usd 3", "dead_zone 16 atr nan",
        "dead_zone 16 atr 1e5", "dead_zone 16 atr 0.3, cost", "horizon 16; rm", "notebook",
    ],
)  # fmt: skip
def test_what_is_no_label_is_refused_with_examples(text: str) -> None:
    with pytest.raises(LabelRefused, match=r"give|write next_bar"):
        Label.parse(text)


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "horizon", "bars": True}, {"kind": "horizon", "bars": "4"}, {"kind": "horizon", "bar": 4},
        {"kind": "next_bar", "bars": 2}, {"kind": "dead_zone", "bars": 4}, {"kind": "x"}, {"bars": 1, "costs": True},
        {"kind": "dead_zone", "bars": 4, "width": float("nan"), "unit": "atr"},
        {"kind": "dead_zone", "bars": 4, "width": "1", "unit": "atr"},
        {"kind": "dead_zone", "bars": 4, "width": True, "unit": "atr"},
    ],
)  # fmt: skip
def test_values_that_are_no_label_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(LabelRefused):
        Label.from_dict(values)


@pytest.mark.parametrize(
    ("name", "most"), [("GBPUSD", 96), ("GBPUSD_H1", 24), ("GBPUSD_H4", 6), ("GBPUSD_D1", 1), ("BTCUSD", 96)]
)
def test_a_horizon_is_one_trading_day_at_most(name: str, most: int) -> None:
    instrument = find_instrument(name)
    Label("horizon" if most > 1 else "next_bar", most).check(instrument)
    with pytest.raises(LabelRefused, match=f"{most} at most.*RETRAIN_INSTRUMENT={instrument.symbol}_H1"):
        Label("horizon", most + 1).check(instrument)


@pytest.mark.parametrize("symbol", SHIPPED)
def test_half_of_a_day_has_labels_at_the_longest_horizon(symbol: str) -> None:
    instrument = find_instrument(symbol)
    if instrument.hours.pause is None:
        return
    most = instrument.counts.bars - instrument.counts.half_day
    Label("horizon", most).check(instrument)
    with pytest.raises(LabelRefused, match="pauses each day and no label crosses a gap"):
        Label("horizon", most + 1).check(instrument)


def test_average_true_ranges_that_the_bars_lack_are_named() -> None:
    bars = made([0, 1, 2])
    without = replace(bars, frame=bars.frame.drop(columns="atr_14"))
    assert label_of(without, "dead_zone 1 pips 3") == 1.0
    with pytest.raises(BarsMissing, match=r"no column atr_14, in which the label dead_zone 1 atr 0.5 counts"):
        prepare(without, labels="dead_zone 1 atr 0.5")


def test_a_yen_pair_counts_its_own_pips() -> None:
    yen: Instrument = find_instrument("USDJPY")
    opens = pd.date_range(BEGIN, periods=4, freq="15min", tz="UTC", name="timestamp").as_unit("ns")
    close = 150.0 + np.array([0.0, 0.05, 0.12, -0.01])
    frame = pd.DataFrame({"close_15m": close}, index=opens)
    bars = Bars(frame, opens.tz_localize(None).to_numpy(), "made", False, opens[-1] + yen.step, "UTC", ())
    of_yen = replace(bars, instrument=yen)
    assert label_of(of_yen, "triple_barrier 3 pips 12") == 1.0
    assert label_of(of_yen, "triple_barrier 3 pips 13") == 0.0
