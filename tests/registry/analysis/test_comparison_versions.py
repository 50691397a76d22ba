"""Two versions side by side: better only where it can be told."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import registry
from registry import VersionRecord
from registry.analysis.comparison import Standing, compare
from registry.analysis.noise import PairedDays, interval_of_bars, student_quantile
from registry.errors import InvalidRequest
from tests.registry.actors import a_model

BARS = {"fingerprint": "f" * 8, "first": "2024-01-01T22:00Z", "last": "2024-12-31T21:00Z", "bars": 24926}
V1 = {"accuracy": 0.5136804942630185, "f1": 0.3424107627210589}
V2 = {"accuracy": 0.5097488566155821, "f1": 0.32493647110816487}


def versions(*rows):
    model = a_model()
    for row in rows:
        model.register(None, VersionRecord(**{"measured_on": BARS, **row}), author="trainer")
    return model.history()


def compared(a, b, **options):
    return compare(*versions({"metrics": a}, {"metrics": b}), **options)


def test_the_notebooks_two_versions_cannot_be_told_apart_by_accuracy():
    row = compared(V1, V2).metric("accuracy")
    assert row.status == Standing.WITHIN_NOISE and row.difference == V2["accuracy"] - V1["accuracy"]
    assert row.percent == pytest.approx(-0.7654, abs=1e-4) and row.higher_is_better
    reach = 1.959964 * math.sqrt(sum(p * (1 - p) for p in (V1["accuracy"], V2["accuracy"])) / 24926)
    assert (row.interval.low, row.interval.high) == pytest.approx((row.difference - reach, row.difference + reach))
    assert "24,926 bars" in row.reason


CASES = [
    ("accuracy", 0.50, 0.53, Standing.BETTER),
    ("accuracy", 0.53, 0.50, Standing.WORSE),
    ("accuracy", 0.51, 0.51, Standing.SAME),
    ("auc", 0.50, 0.53, Standing.BETTER),
    ("auc", 0.51, 0.515, Standing.WITHIN_NOISE),
    ("brier", 0.250, 0.249, Standing.DIRECTION_ONLY),
    ("brier", 0.249, 0.250, Standing.DIRECTION_ONLY),
    ("log_loss", 0.69, 0.70, Standing.DIRECTION_ONLY),
    ("f1", 0.30, 0.31, Standing.DIRECTION_ONLY),  # no accuracy beside it: nothing is known of its noise
    ("unheard_of", 1.0, 2.0, Standing.NOT_COMPARABLE),
    ("accuracy", None, 0.5, Standing.NOT_COMPARABLE),
    ("accuracy", 0.5, None, Standing.NOT_COMPARABLE),
    ("accuracy", None, None, Standing.NOT_COMPARABLE),
]


@pytest.mark.parametrize(("name", "a", "b", "expected"), CASES)
def test_what_a_difference_is_called(name, a, b, expected):
    row = compared({name: a}, {name: b}).metric(name)
    assert row.status == expected
    assert (row.interval is None) == (
        expected in (Standing.SAME, Standing.NOT_COMPARABLE) or name in ("brier", "log_loss", "f1")
    )


def test_a_direction_alone_says_so_and_is_called_neither_better_nor_worse():
    for second, says in ((0.24, "better by its sign"), (0.26, "worse by its sign")):
        row = compared({"brier": 0.25}, {"brier": second}).metric("brier")
        assert row.status == Standing.DIRECTION_ONLY and says in row.reason


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (
            BARS,
            {**BARS, "fingerprint": "other", "first": "2023-01-01"},
            "different bars (2024-01-01 … 2024-12-31 and 2023",
        ),
        (BARS, None, "on which bars v2 was measured is not recorded"),
        (None, None, "on which bars v1 and v2 were measured is not recorded"),
        (BARS, {"bars": 24926}, "v2"),
        (BARS, {**BARS, "labels": "notebook"}, "different labels (None and notebook)"),
    ],
)
def test_figures_of_different_bars_are_not_compared(first, second, says):
    a, b = versions({"metrics": V1, "measured_on": first}, {"metrics": V2, "measured_on": second})
    for row in compare(a, b).metrics:
        assert row.status == Standing.NOT_COMPARABLE and says in row.reason
        assert row.difference is not None, "the figures are still shown"


def test_a_metric_of_ones_own_is_judged_once_its_direction_is_known():
    row = compared({"turnover": 3.0}, {"turnover": 2.0}, higher_is_better={"turnover": False}).metric("turnover")
    assert row.status == Standing.DIRECTION_ONLY and row.reason.startswith("better")


def test_percent_of_nothing_is_none_and_of_a_loss_keeps_its_sign():
    assert compared({"pips": 0.0}, {"pips": 1.0}).metric("pips").percent is None
    assert compared({"pips": -2.0}, {"pips": -1.0}).metric("pips").percent == 50.0


def test_the_interval_of_f1_is_that_of_repeated_samples():
    chances, bars, draws = [0.13, 0.36, 0.51], 4000, 4000  # hits up, wrong either way, hits down
    t, e, _ = np.random.default_rng(5).multinomial(bars, chances, draws).T
    spread = np.std(2 * t / (2 * t + e))
    figures = {"accuracy": 0.64, "f1": 0.26 / 0.62}
    interval = interval_of_bars("f1", figures, figures, bars)
    assert (interval.high - interval.low) / 2 == pytest.approx(1.96 * math.sqrt(2) * spread, rel=0.03)


def test_the_interval_of_auc_is_that_of_scores_that_know_nothing():
    rng, bars = np.random.default_rng(6), 400
    ranks = np.argsort(rng.random((4000, bars)), axis=1) + 1  # the first half is up
    auc = (ranks[:, : bars // 2].sum(axis=1) - bars / 2 * (bars / 2 + 1) / 2) / (bars / 2) ** 2
    interval = interval_of_bars("auc", {"auc": 0.5}, {"auc": 0.5}, bars)
    assert interval.high == pytest.approx(1.96 * math.sqrt(2) * np.std(auc), rel=0.03)


# --- paired days ----------------------------------------------------------------------------------------------------


def test_paired_days_tell_what_the_bars_alone_cannot():
    days = PairedDays([0.004 + 0.001 * (-1) ** i for i in range(40)], [90] * 40)
    row = compared({"accuracy": 0.510}, {"accuracy": 0.514}, days={"accuracy": days}).metric("accuracy")
    assert row.status == Standing.BETTER and "40 paired days" in row.reason
    assert compared({"accuracy": 0.510}, {"accuracy": 0.514}).metric("accuracy").status == Standing.WITHIN_NOISE


def test_paired_days_decide_also_where_the_figures_come_from_different_bars():
    a, b = versions({"metrics": {"brier": 0.25}}, {"metrics": {"brier": 0.24}, "measured_on": None})
    days = PairedDays([-0.01, -0.02] * 10, [90] * 20)
    assert compare(a, b, days={"brier": days}).metric("brier").status == Standing.BETTER


def test_a_paired_difference_and_both_figures_are_of_the_same_bars():
    days = PairedDays([-0.002, 0.001] * 20, [90] * 40, first=0.52)
    row = compared({"accuracy": 0.510}, {"accuracy": 0.5094}, days={"accuracy": days}).metric("accuracy")
    assert row.difference == pytest.approx(-0.0005) and row.interval.low < row.difference < row.interval.high
    assert (row.a, row.b) == (0.52, pytest.approx(0.5195)) and row.percent == pytest.approx(-0.05 / 0.52)


def test_identical_models_are_the_same_on_paired_days():
    days = PairedDays([0.0] * 20, [90] * 20)
    assert compared(V1, V1, days={"accuracy": days}).metric("accuracy").status == Standing.SAME


@given(st.lists(st.tuples(st.floats(-1, 1), st.integers(50, 96)), min_size=20, max_size=60))
def test_swapping_the_versions_mirrors_the_interval(rows):
    d, bars = [d for d, _ in rows], [n for _, n in rows]
    there, back = PairedDays(d, bars).interval(), PairedDays([-x for x in d], bars).interval()
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-12)
    assert there.low <= np.average(d, weights=bars) + 1e-12 and there.high >= np.average(d, weights=bars) - 1e-12


def test_the_interval_of_equal_days_is_students():
    d = [0.01 * ((7 * i) % 11 - 4) for i in range(30)]
    interval = PairedDays(d, [80] * 30).interval()
    reach = 2.045230 * np.std(d, ddof=1) / math.sqrt(30)
    assert (interval.low, interval.high) == pytest.approx((np.mean(d) - reach, np.mean(d) + reach), rel=1e-4)


@pytest.mark.parametrize(("degrees", "expected"), [(9, 2.262157), (12, 2.178813), (30, 2.042272), (250, 1.969498)])
def test_the_quantile_is_that_of_the_tables(degrees, expected):
    assert student_quantile(degrees) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("difference", "bars", "says"),
    [
        ([], [], "too few"),
        ([0.1] * 9, [90] * 9, "too few"),
        ([0.1] * 20, [1] * 19 + [10_000], "too few"),
        ([0.1] * 20, [90] * 19, "20 daily differences beside 19"),
        ([0.1] * 19 + [math.nan], [90] * 20, "finite"),
        ([0.1] * 20, [90] * 19 + [0], "at least one bar"),
    ],
)
def test_paired_days_that_tell_nothing_are_refused(difference, bars, says):
    with pytest.raises(InvalidRequest, match=says):
        PairedDays(difference, bars)


# --- what else differs ----------------------------------------------------------------------------------------------


def test_changed_added_and_removed_parameters():
    a, b = versions(
        {"parameters": {"depth": 3, "same": 1, "gone": "x", "flag": 1}},
        {"parameters": {"depth": 10, "same": 1, "new": 5, "flag": True}},
    )
    found = {change.name: (change.kind, change.a, change.b) for change in compare(a, b).parameters}
    assert found == {
        "depth": ("changed", 3, 10),
        "gone": ("removed", "x", None),
        "new": ("added", None, 5),
        "flag": ("changed", 1, True),
    }


def test_data_and_environment_are_compared_too():
    told = {"environment": {"python": "3.11.9", "scikit-learn": "1.6.1"}, "source_revision": "abc", "rows": 100}
    a, b = versions(
        told, {**told, "environment": {"python": "3.11.9", "scikit-learn": "1.9.1"}, "rows": 101, "cut": 0.49}
    )
    found = compare(a, b)
    assert [str(change) for change in found.environment] == ["scikit-learn: 1.6.1 → 1.9.1"]
    assert [str(change) for change in found.data] == ["rows: 100 → 101", "cut: 0.5 → 0.49"]
    assert not found.parameters and not found.metrics


def test_equal_versions_differ_in_nothing():
    a, b = versions({"metrics": V1, "rows": 5}, {"metrics": V1, "rows": 5})
    found = compare(a, b)
    assert {row.status for row in found.metrics} == {Standing.SAME}
    assert not (*found.parameters, *found.data, *found.environment)


def test_text_frame_and_json_say_the_same(snapshot):
    found = compared({**V1, "brier": 0.25}, {**V2, "auc": 0.51})
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    frame, text = found.frame(), str(found)
    assert list(frame["status"]) == [row["status"] for row in values["metrics"]]
    assert list(frame.columns[:5]) == ["metric", "v1", "v2", "difference", "percent"]
    assert all(row["reason"] in text and row["metric"] in text for row in values["metrics"])
    assert "accuracy: 0.5137 → 0.5097, -0.0039, -0.77 %" in text and text == snapshot


def test_a_version_beside_itself_keeps_both_columns():
    [version] = versions({"metrics": V1})
    assert {"v1", "v1 (second)"} <= {*compare(version, version).frame().columns}


def test_asking_for_a_metric_that_neither_has_names_those_there_are():
    with pytest.raises(InvalidRequest, match="'sharpness'; there are: accuracy, f1"):
        compared(V1, V2).metric("sharpness")


def test_compare_is_a_public_name():
    assert registry.compare is compare
