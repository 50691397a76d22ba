"""Reference rows: rules of thumb that every trained model is shown beside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from flows.errors import BarsMissing, RequestRefused
from flows.recipes import BASELINES, baseline, says_up
from tests.flows.recipes.simulated_bars import dataset_of


def bars(close, start="2024-03-04 14:00", **columns):
    index = pd.date_range(start, periods=len(close), freq="15min", tz="UTC", name="timestamp")
    return dataset_of(pd.DataFrame({"close_15m": np.array(close, dtype=float), **columns}, index=index))


def every(dataset):
    return np.ones(len(dataset.label), dtype=bool)


def test_the_references_come_in_a_fixed_order():
    assert BASELINES == ("no_skill", "fade_rsi", "reverse_last_bar", "time_of_day")


@pytest.mark.parametrize("name", BASELINES)
def test_a_reference_gives_a_probability_for_every_bar(name, dataset, everything):
    p = baseline(name, dataset, everything)
    assert p.shape == dataset.label.shape
    assert p.dtype == np.float64
    assert ((p >= 0) & (p <= 1)).all()


@pytest.mark.parametrize(
    ("close", "up"), [([1, 2, 3, 4, 3], True), ([4, 3, 2, 1, 2], False), ([1, 2, 1, 2, 1], False), ([1, 1, 2], False)]
)
def test_no_skill_says_what_the_majority_of_training_labels_was(close, up):
    dataset = bars(close)
    assert says_up(baseline("no_skill", dataset, every(dataset)), 0.5).tolist() == [up] * len(close)


def test_fading_the_rsi_says_up_below_fifty():
    dataset = bars([1, 1, 1, 1, 1], rsi_14=np.array([0.0, 49.999999, 50.0, 50.000001, 100.0]))
    p = baseline("fade_rsi", dataset, every(dataset))
    assert says_up(p, 0.5).tolist() == [True, True, False, False, False]
    assert (np.diff(p) < 0).all()


@pytest.mark.parametrize(("rsi", "p"), [(250.0, 0.0), (-5.0, 1.0), (1e308, 0.0)])
def test_an_impossible_rsi_in_one_bar_is_still_a_probability(rsi, p):
    dataset = bars([1, 2, 1, 2, 1], rsi_14=np.array([50.0, rsi, 30.0, 30.0, 30.0]))
    assert baseline("fade_rsi", dataset, every(dataset)).tolist() == [0.5, p, 0.7, 0.7, 0.7]


def test_reversing_says_up_after_a_fall_and_nothing_after_a_gap_or_a_still_bar():
    dataset = bars([5, 4, 6, 6, 3])
    assert baseline("reverse_last_bar", dataset, every(dataset)).tolist() == [0.5, 1.0, 0.0, 0.5, 1.0]
    frame = dataset.bars.frame
    frame.index = frame.index[:4].append(frame.index[4:] + pd.Timedelta(hours=1))
    assert baseline("reverse_last_bar", dataset_of(frame), every(dataset)).tolist() == [0.5, 1.0, 0.0, 0.5, 0.5]


def test_time_of_day_follows_the_new_york_clock_through_summer_time():
    # 2024-03-08 was winter time in New York, 2024-03-11 summer time: 14:30 New York is 19:30, then 18:30 UTC.
    winter = bars([1, 2, 1, 2, 1, 2], start="2024-03-08 19:30").bars.frame
    summer = bars([1, 2, 1, 2, 1, 2], start="2024-03-11 18:30").bars.frame
    dataset = dataset_of(pd.concat([winter, summer]))
    mask = np.arange(12) < 6
    p = baseline("time_of_day", dataset, mask)
    assert p[:5].tolist() == [1.0, 0.0, 1.0, 0.0, 1.0]
    assert p[6:11].tolist() == p[:5].tolist()
    assert p[5] == p[11] == pytest.approx(0.6)


@pytest.mark.parametrize("name", ["no_skill", "time_of_day"])
def test_labels_outside_the_training_window_change_nothing(name):
    one, other = bars([1, 2, 3, 4, 3, 2, 1, 0]), bars([1, 2, 3, 4, 3, 9, 1, 9])
    mask = np.arange(8) < 4
    assert np.array_equal(baseline(name, one, mask), baseline(name, other, mask))


def test_an_unknown_reference_is_refused_with_the_names_there_are(dataset, everything, snapshot):
    with pytest.raises(RequestRefused, match=r"coin.*no_skill, fade_rsi") as refused:
        baseline("coin", dataset, everything)
    assert str(refused.value) == snapshot


@pytest.mark.parametrize("name", ["no_skill", "time_of_day"])
def test_a_window_without_a_known_label_is_refused(name):
    dataset = bars([1, 2, 3])
    with pytest.raises(BarsMissing, match="no label is known"):
        baseline(name, dataset, np.array([False, False, True]))


def test_bars_without_an_rsi_cannot_be_faded():
    dataset = bars([1, 2, 3])
    with pytest.raises(BarsMissing, match="rsi_14"):
        baseline("fade_rsi", dataset, every(dataset))
