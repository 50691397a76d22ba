"""What a fitted model says: the same bits on any number of cores, called "up" above the cut."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from flows.recipes import archived_scores, probabilities, says_up, shipped, train_all
from flows.recipes.training import is_forest
from registry.archive.archive import pack, unpack
from registry.archive.input_schema import InputSchema
from registry.errors import InputMismatch


@pytest.fixture(scope="module")
def fits(dataset, everything):
    return {fit.recipe.name: fit for fit in train_all(list(shipped().values()), dataset, everything, seed=0)}


@pytest.mark.parametrize("name", list(shipped()))
def test_any_number_of_cores_gives_the_same_bits(fits, dataset, name):
    fit = fits[name]
    alone = probabilities(fit, fit.recipe.signature, dataset.bars.frame, cores=1)
    assert alone.shape == dataset.label.shape
    assert alone.flags.c_contiguous
    for cores in (2, 3):
        shared = probabilities(fit, fit.recipe.signature, dataset.bars.frame, cores=cores)
        assert shared.tobytes() == alone.tobytes()
    features = fit.recipe.signature.matrix(dataset.bars.frame)
    assert np.abs(alone - fit.estimator.predict_proba(features)[:, 1]).max() <= 1e-15


def test_more_cores_than_bars_are_not_an_error(fits, dataset):
    fit = fits["rf_shallow"]
    three = dataset.bars.frame.iloc[:3]
    shared = probabilities(fit, fit.recipe.signature, three, cores=8)
    assert shared.tobytes() == probabilities(fit, fit.recipe.signature, three).tobytes()


def test_a_fit_and_its_estimator_say_the_same(fits, dataset):
    fit = fits["stationary"]
    signature = fit.recipe.signature
    frame = dataset.bars.frame
    of_estimator = probabilities(fit.estimator, signature, frame)
    assert np.abs(probabilities(fit, signature, frame) - of_estimator).max() <= 1e-15


def test_up_is_looked_up_by_its_label_and_not_by_its_place():
    model = DummyClassifier(strategy="constant", constant=1).fit(np.zeros((2, 1)), [1, 1])
    assert probabilities(model, InputSchema(("a",)), {"a": np.zeros(3)}).tolist() == [1.0, 1.0, 1.0]


def test_no_bars_give_no_probabilities(fits, dataset):
    fit = fits["rf_shallow"]
    assert probabilities(fit, fit.recipe.signature, dataset.bars.frame.iloc[:0], cores=2).shape == (0,)


def test_bars_that_do_not_fit_the_model_are_refused(fits, dataset):
    fit = fits["rf_shallow"]
    frame = dataset.bars.frame.drop(columns="adx_14")
    with pytest.raises(InputMismatch, match="adx_14 is missing"):
        probabilities(fit, fit.recipe.signature, frame)


@pytest.mark.parametrize(("cut", "up"), [(0.5, [False, False, True]), (0.3, [False, True, True]), (0.9, [False] * 3)])
def test_up_is_said_above_the_cut_and_not_at_it(cut, up):
    assert says_up(np.array([0.3, 0.5, 0.9]), cut).tolist() == up


def archived(fit):
    data = pack(fit.estimator, fit.recipe.signature)
    return unpack(data, sha256=hashlib.sha256(data).hexdigest(), where="here")


@pytest.mark.parametrize("name", list(shipped()))
def test_an_archived_version_says_what_its_estimator_said(fits, dataset, name):
    archive, frame = archived(fits[name]), dataset.bars.frame
    said, before = archived_scores(archive, frame), probabilities(fits[name], archive.signature, frame)
    assert not archive.has_estimator
    assert said.tobytes() == before.tobytes()
    of_scikit_learn = fits[name].estimator.predict_proba(archive.signature.matrix(frame))[:, 1]
    assert np.abs(said - of_scikit_learn).max() <= (0.0 if is_forest(fits[name].estimator) else 1e-15)


def test_a_version_without_a_data_only_form_is_asked_through_scikit_learn(dataset):
    model = GaussianNB().fit([[0.0], [1.0]], [0, 1])
    data = pack(model, InputSchema(("rsi_14",)))
    archive = unpack(data, sha256=hashlib.sha256(data).hexdigest(), where="here")
    assert archive.form is None
    said = archived_scores(archive, dataset.bars.frame)
    assert np.array_equal(said, model.predict_proba(dataset.bars.frame[["rsi_14"]].to_numpy())[:, 1])


@pytest.mark.parametrize("name", ["rf_shallow", "logistic"])
def test_a_value_beyond_what_trees_read_is_named_by_its_time(fits, dataset, name):
    fit, frame = fits[name], dataset.bars.frame.copy()
    frame.iloc[17, frame.columns.get_loc("ema_20")] = -1e39
    with pytest.raises(InputMismatch, match=r"beyond 3.4e\+38 at row 17 \(2024-03-04 04:15:00\+00:00\)"):
        probabilities(fit, fit.recipe.signature, frame)


def test_a_feature_that_cannot_be_computed_is_named_by_its_time(fits, dataset):
    fit, frame = fits["stationary"], dataset.bars.frame.copy()
    frame.iloc[17, frame.columns.get_loc("atr_14")] = 0.0
    with pytest.raises(InputMismatch, match=r"at row 17 \(2024-03-04 04:15:00\+00:00\): atr_14 is 0"):
        probabilities(fit, fit.recipe.signature, frame)
