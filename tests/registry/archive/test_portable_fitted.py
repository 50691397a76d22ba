"""The data-only form says what the estimator says, or is not written, and the reason is."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from registry.archive import portable
from registry.archive.archive import pack
from registry.archive.input_schema import InputSchema
from registry.errors import InputMismatch, NotPortable, UnsafeArtifact
from tests.registry.archives import OTHERS, PORTABLE, SIGNATURE, WIDTH, fitted, lesson, opened, packed


def rows(count: int = 2000) -> np.ndarray:
    """Rows inside and far outside of what was trained on."""
    return np.random.default_rng(2).normal(size=(count, WIDTH)) * (30.0, 0.05) + (50.0, 0.02)


@pytest.mark.parametrize("kind", PORTABLE)
def test_arrays_say_what_the_estimator_says(kind):
    archive, x = opened(packed(kind)), rows()
    assert archive.form is not None and archive.not_portable is None
    np.testing.assert_allclose(archive.form.up(x), fitted(kind).predict_proba(x)[:, 1], rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", ["random forest", "extra trees", "one tree", "random forest grown best first"])
def test_a_forest_says_the_same_to_the_last_bit_one_row_at_a_time_or_many(kind):
    form, x = opened(packed(kind)).form, rows(40_000)
    expected = fitted(kind).predict_proba(x)[:, 1]
    np.testing.assert_array_equal(form.up(x), expected)
    np.testing.assert_array_equal(np.concatenate([form.up(x[i : i + 1]) for i in range(50)]), expected[:50])
    np.testing.assert_array_equal(form.up(x[:300]), expected[:300])


@pytest.mark.parametrize("kind", ["random forest", "boosting"])
def test_a_row_on_a_threshold_goes_where_the_estimator_sends_it(kind):
    form = opened(packed(kind)).form
    thresholds = form.arrays["threshold"].astype(float)
    for nudged in (thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)):
        x = np.stack((nudged, nudged), axis=1)
        np.testing.assert_allclose(form.up(x), fitted(kind).predict_proba(x)[:, 1], rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", PORTABLE)
def test_equal_fits_give_equal_archives_with_arrays(kind):
    assert pack(PORTABLE[kind]().fit(*lesson()), SIGNATURE) == packed(kind)


def test_no_rows_give_no_probabilities():
    for kind in ("random forest", "boosting", "logistic", "naive Bayes"):
        assert opened(packed(kind)).up(np.empty((0, WIDTH))).shape == (0,)


@pytest.mark.parametrize("kind", OTHERS)
def test_an_estimator_without_a_form_is_served_from_skops_and_says_why(kind):
    archive, x = opened(packed(kind)), rows()
    assert archive.form is None
    assert "no data-only form" in archive.not_portable
    np.testing.assert_array_equal(archive.up(x), fitted(kind).predict_proba(x)[:, 1])


def test_arrays_that_say_something_else_are_not_written():
    class RandomForestClassifierOfTomorrow(RandomForestClassifier):
        def predict_proba(self, X):  # noqa: N803 - the name that scikit-learn gives it
            return super().predict_proba(X) ** 1.0000001

    tomorrow = RandomForestClassifierOfTomorrow(3, random_state=7).fit(*lesson())
    tomorrow.__class__.__name__, tomorrow.__class__.__module__ = "RandomForestClassifier", "sklearn.ensemble._forest"
    with pytest.raises(NotPortable, match=r"differs by up to \d"):
        portable.write(tomorrow, WIDTH)


def test_rows_handed_in_are_compared_too():
    x, label = lesson()
    forest = RandomForestClassifier(3, random_state=7).fit(x, label)
    with pytest.raises(NotPortable, match="finite"):
        portable.write(forest, WIDTH, np.full((1, WIDTH), 1e300))


def three_classes():
    x, _ = lesson()
    return RandomForestClassifier(3, random_state=7).fit(x, np.arange(len(x)) % 3)


def categorical():
    x, label = lesson()
    return HistGradientBoostingClassifier(max_iter=3, categorical_features=[1]).fit(np.abs(x) // 10, label)


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (three_classes, r"classes are \[.*2.*\], not 0 and 1"),
        (categorical, "categorical"),
        (lambda: RandomForestClassifier(3), "takes None features"),
        (lambda: RandomForestClassifier(3).fit(np.eye(1), [1]), "takes 1 features, the signature has 2"),
        (lambda: BaggingClassifier(n_estimators=2).fit(*lesson()), "BaggingClassifier has no data-only form"),
        (lambda: type("Mine", (), {"n_features_in_": WIDTH})(), "Mine has no data-only form"),
        (lambda: RandomForestClassifier(3).fit(np.eye(2), [1, 1]), r"classes are"),
    ],
)  # fmt: skip
def test_what_has_no_form_says_why(estimator, why):
    with pytest.raises(NotPortable, match=why):
        portable.write(estimator(), WIDTH)


@pytest.mark.parametrize("kind", ["random forest", "boosting", "scaled logistic"])
@pytest.mark.parametrize("x", [np.full((1, WIDTH), np.nan), np.full((1, WIDTH), np.inf), np.ones((1, 3)), np.ones(2)])
def test_rows_that_are_not_finite_or_not_as_wide_are_refused(kind, x):
    with pytest.raises(InputMismatch, match="the model takes"):
        opened(packed(kind)).up(x)


def test_a_number_too_large_for_the_forests_float32_is_refused_as_scikit_learn_does():
    with pytest.raises(InputMismatch, match="float32"):
        opened(packed()).up(np.full((1, WIDTH), 1e300))
    assert opened(packed("boosting")).up(np.full((1, WIDTH), 1e300)).shape == (1,)


def test_a_model_of_other_classes_is_not_served():
    more = opened(pack(three_classes().set_params(n_jobs=1), SIGNATURE))
    with pytest.raises(UnsafeArtifact, match=r"\[0 1 2\] apart, .* cannot be served"):
        more.up(rows(3))
    other = opened(pack(RandomForestClassifier(3).fit(lesson()[0], lesson()[1] + 5), InputSchema(SIGNATURE.features)))
    with pytest.raises(UnsafeArtifact, match="cannot be served"):
        other.up(rows(3))


def test_a_batch_is_refused_as_single_rows_are():
    archive, x = opened(packed("random forest")), rows(6_000)
    x[7, 0] = 1e300
    with pytest.raises(InputMismatch, match="finite"):
        archive.up(x)
