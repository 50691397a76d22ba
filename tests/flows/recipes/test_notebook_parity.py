"""The notebook's two forests, trained on the real 2022 and asked about the real 2024."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn

from flows.recipes import probabilities, says_up, score, shipped, train_all

# scikit-learn 1.6 and 1.7, then 1.8 and 1.9: the version moves the last digits.
EXPECTED = {
    "rf_shallow": [(0.5134397817539919, 0.3425845620121422), (0.5136804942630185, 0.3424107627210589)],
    "rf_deep": [(0.5101500441306267, 0.32985729967069155), (0.5097488566155821, 0.32493647110816487)],
}


@pytest.fixture(scope="module")
def fits(notebook_years):
    recipes = [shipped()[name] for name in EXPECTED]
    return train_all(recipes, notebook_years, notebook_years.years(2022), seed=0)


def test_the_forests_score_on_2024_what_they_scored_in_the_notebook(notebook_years, fits):
    held_out = notebook_years.years(2024)
    frame, label = notebook_years.bars.frame[held_out], notebook_years.label[held_out]
    newer = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 8)
    for fit in fits:
        assert fit.rows == 24918
        p = probabilities(fit, fit.recipe.signature, frame, cores=2)
        assert p.shape == (24926,)
        scores = score(label, p, fit.cut)
        expected = EXPECTED[fit.recipe.name][newer]
        assert (scores.accuracy, scores.f1) == pytest.approx(expected, abs=1e-9, rel=0)


def test_up_at_the_cut_is_what_scikit_learn_predicts_on_every_bar(notebook_years, fits):
    frame = notebook_years.bars.frame[notebook_years.years(2024)]
    for fit in fits:
        features = fit.recipe.signature.matrix(frame)
        called = says_up(probabilities(fit, fit.recipe.signature, frame), fit.cut)
        assert np.array_equal(called, fit.estimator.predict(features) == 1)
