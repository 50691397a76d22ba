"""What a loaded version says: up or down by its cut, and what to expect of it; a frame that does not fit is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from registry import Expectation, VersionRecord
from registry.errors import InputMismatch
from tests.registry.actors import a_model, promote
from tests.registry.archives import fitted, lesson, packed
from tests.servers.stores import CountingStore, MemoryStore

RECORD = VersionRecord(
    recipe="rf",
    metrics={"accuracy": 0.513},
    measured_on={"bars": 24_926, "no_skill": 0.506},
    cut=0.4,
)


def served(kind: str = "random forest", record: VersionRecord = RECORD):
    """The champion of a model, loaded."""
    model = a_model()
    promote(model, model.register(packed(kind), record, author="trainer"))
    return model.load()


def bars(rows: int = 5) -> pd.DataFrame:
    return pd.DataFrame(lesson()[0][:rows], columns=["rsi_14", "atr_14"])


@pytest.mark.parametrize(("kind", "form"), [("random forest", "arrays"), ("naive Bayes", "skops")])
def test_a_prediction_says_up_or_down_by_the_versions_own_cut(kind, form):
    said = served(kind).predict(bars(50))
    np.testing.assert_allclose(said.score, fitted(kind).predict_proba(lesson()[0][:50])[:, 1], rtol=0, atol=1e-15)
    assert said.says == ["up" if p > 0.4 else "down" for p in said.score]
    assert {"up", "down"} == set(said.says)
    assert (said.version, said.cut, said.served_from, said.stale_seconds) == ("v1", 0.4, form, 0.0)


def test_a_probability_on_the_cut_is_not_up():
    p = fitted("random forest").predict_proba(lesson()[0][:1])[0, 1]
    assert served(record=dataclasses.replace(RECORD, cut=float(p))).predict(bars(1)).says == ["down"]


def test_a_prediction_says_what_to_expect_beside_no_skill(snapshot):
    expected = served().predict(bars()).expected
    assert (expected.accuracy, expected.bars, expected.no_skill) == (0.513, 24_926, 0.506)
    assert all(figure in str(expected) for figure in ("51.3%", "24,926 bars", "50.7% to 51.9%", "50.6%"))
    assert str(expected) == snapshot


@pytest.mark.parametrize(
    ("right", "bars", "low", "high"), [(0.5, 100, 0.4038, 0.5962), (1.0, 10, 0.7225, 1.0), (0.0, 10, 0.0, 0.2775)]
)
def test_the_interval_is_wilsons(right, bars, low, high):
    expected = Expectation.of(VersionRecord(metrics={"accuracy": right}, measured_on={"bars": bars}))
    assert (expected.low, expected.high) == pytest.approx((low, high), abs=1e-4)
    assert "no_skill" not in str(expected)


def test_a_nights_version_says_that_the_figure_is_its_recipes_walk_forward(snapshot):
    """It was trained on most of these bars itself."""
    record = VersionRecord(
        recipe="logistic",
        metrics={"accuracy": 0.511},
        measured_on={"rule": "stream", "bars": 22_715, "no_skill": 0.508},
    )
    expected = Expectation.of(record)
    assert expected.walk_forward == "logistic" and "that it was not trained on" not in str(expected)
    assert str(expected) == snapshot


@pytest.mark.parametrize(
    "record",
    [VersionRecord(), VersionRecord(metrics={"accuracy": 0.5}),
     VersionRecord(metrics={"accuracy": 0.5}, measured_on={"bars": 0}),
     VersionRecord(metrics={"accuracy": None}, measured_on={"bars": 10}), VersionRecord(measured_on={"bars": 10}),
     VersionRecord(metrics={"accuracy": 51.3}, measured_on={"bars": 10})],
)  # fmt: skip
def test_a_record_that_was_not_measured_promises_nothing(record):
    assert Expectation.of(record) is None
    assert served(record=record).predict(bars()).expected is None


def test_a_version_asked_for_by_name_says_what_to_expect_too():
    model = a_model()
    model.register(packed(), RECORD, author="trainer")
    assert model.load("v1").predict(bars()).expected.bars == 24_926


def test_loading_a_champion_cold_takes_three_requests_and_its_record_one_more_once():
    store = MemoryStore()
    model = a_model(store)
    promote(model, model.register(packed(), RECORD, author="trainer"))
    counted = CountingStore(store)
    loaded = a_model(counted).load()
    assert counted.total == 3
    loaded.predict(bars())
    loaded.predict(bars())
    assert counted.total == 4


def whole_bar() -> dict[str, list[float]]:
    return {"close_15m": [1.25], "atr_14": [0.02], "rsi_14": [55.0]}


WRONG = {
    "a column missing": (lambda f: f[["rsi_14"]], "column atr_14 is missing"),
    "a column too many": (lambda f: f.assign(close_15m=1.0), "column close_15m is not one of the version's"),
    "another order": (lambda f: f[["atr_14", "rsi_14"]], "in the order atr_14, rsi_14, not rsi_14, atr_14"),
    "whole numbers": (lambda f: f.astype({"rsi_14": "int64"}), "column rsi_14 is int64, not float64"),
    "half the digits": (lambda f: f.astype({"atr_14": "float32"}), "column atr_14 is float32, not float64"),
    "text": (lambda f: f.astype(str), "column rsi_14 is .*, not float64"),
    "a column twice": (lambda f: f[["rsi_14", "atr_14", "rsi_14"]], "column rsi_14 is there twice"),
    "numbers for names": (lambda f: f.set_axis([0, 1], axis=1), "column rsi_14 is missing; .*column 0 is not one of"),
    "no names": (lambda f: f.to_numpy(), "a ndarray has no column names"),
    "a list": (lambda f: [[50.0, 0.02]], "a list has no column names"),
    "not a number": (lambda f: f * np.nan, "column rsi_14 is nan at row 0"),
    "whole numbers in a mapping": (lambda f: {"rsi_14": [50], "atr_14": [0.02]}, "column rsi_14 is int64"),
    "unequal lengths": (lambda f: {"rsi_14": [50.0], "atr_14": [0.02, 0.03]}, "differ in length"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_frame_that_does_not_fit_is_refused_saying_which_column(kind):
    change, why = WRONG[kind]
    with pytest.raises(InputMismatch, match=why):
        served().predict(change(bars()))


def test_columns_are_picked_by_name_from_a_whole_bar_only_when_asked():
    loaded = served()
    with pytest.raises(InputMismatch, match=r"pick=True"):
        loaded.predict(whole_bar())
    assert loaded.predict(whole_bar(), pick=True).score == loaded.predict({"rsi_14": [55.0], "atr_14": [0.02]}).score
    with pytest.raises(InputMismatch, match="column rsi_14 is missing"):
        loaded.predict({"atr_14": [0.02]}, pick=True)


def test_no_bars_give_no_predictions():
    assert served().predict(bars(0)).says == []


def test_no_entry_of_the_versions_log_is_needed_to_predict():
    """Its entries damaged, gone or not allowed to be read: what to expect is unknown, and that is said once."""
    store = MemoryStore()
    promote(model := a_model(store), model.register(packed(), RECORD, author="trainer"))
    expected = model.load().predict(bars()).score
    for key in store.list("models/gbpusd/versions/"):
        del store.objects[key]
    loaded = a_model(store, who=2).load()
    with pytest.warns(RuntimeWarning, match="what to expect of v1 is not known .*missing from the log"):
        said = loaded.predict(bars())
    np.testing.assert_array_equal(said.score, expected)
    assert said.expected is None and loaded.predict(bars()).version == "v1"
