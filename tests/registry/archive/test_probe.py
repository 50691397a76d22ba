"""A model answers a fixed probe before it is handed out: what is no probability of two classes is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, RandomForestClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.tree import DecisionTreeClassifier

from registry.archive.archive import HEAD, MODEL, Archive, pack
from registry.archive.portable.npy import from_npy, to_npy
from registry.archive.probe import probe_rows
from registry.errors import InputMismatch, UnsafeArtifact
from tests.registry.archives import (
    OTHERS,
    PORTABLE,
    SIGNATURE,
    WIDTH,
    fitted,
    lesson,
    members,
    nodes_of,
    opened,
    pack_as_format_1,
    packed,
    with_form_head,
    zipped,
)

KINDS: dict[str, Callable[[], Any]] = {
    "naive Bayes": GaussianNB,
    "Bernoulli's naive Bayes": BernoulliNB,
    "linear discriminant": LinearDiscriminantAnalysis,
    "quadratic discriminant": lambda: QuadraticDiscriminantAnalysis(reg_param=0.1),
    "dummy": DummyClassifier,
    "dummy by chance": lambda: DummyClassifier(strategy="stratified", random_state=1),
    "bagging": lambda: BaggingClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=2, random_state=1),
    "bagged Bayes": lambda: BaggingClassifier(GaussianNB(), n_estimators=2, random_state=1),
    "boosting by weight": lambda: AdaBoostClassifier(n_estimators=3),
}
ROWS = lesson()[0][:7]


def kept(kind: str) -> dict[str, bytes]:
    """The members of the model's file of an estimator that is served from it alone."""
    return members(members(pack(KINDS[kind]().fit(*lesson()), SIGNATURE))[MODEL])


def with_model(inner: dict[str, bytes]) -> Archive:
    return opened(zipped({HEAD: members(packed("naive Bayes"))[HEAD], MODEL: zipped(inner)}))


def with_array(kind: str, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Archive:
    """The array ``name`` of the first object that has one replaced by what ``change`` makes of it."""
    inner = kept(kind)
    file = _attribute(json.loads(inner["schema.json"]), name)["file"]
    return with_model({**inner, file: to_npy(change(from_npy(inner[file], file).copy()))})


def with_value(kind: str, name: str, value: Any) -> Archive:
    """The plain attribute ``name`` of the first object that has one replaced."""
    inner = kept(kind)
    schema = json.loads(inner["schema.json"])
    _attribute(schema, name)["content"] = json.dumps(value)
    return with_model({**inner, "schema.json": json.dumps(schema).encode()})


def _attribute(schema: Any, name: str) -> dict[str, Any]:
    return next(
        node["content"]["content"][name]
        for node in nodes_of(schema, "ObjectNode")
        if name in node["content"]["content"]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_model_without_a_data_only_form_answers_as_its_estimator(kind):
    estimator = KINDS[kind]().fit(*lesson())
    np.testing.assert_array_equal(opened(pack(estimator, SIGNATURE)).up(ROWS), estimator.predict_proba(ROWS)[:, 1])


@pytest.mark.parametrize("kind", [*PORTABLE, *OTHERS])
def test_a_sound_model_answers_the_probe(kind):
    archive = opened(packed(kind))
    archive.warm()
    assert ((archive.up(ROWS) >= 0) & (archive.up(ROWS) <= 1)).all()


def test_the_probe_is_a_dozen_finite_rows_that_are_always_the_same():
    for features in (1, 2, 5, 40):
        rows = probe_rows(features)
        assert rows.shape == (12, features) and np.isfinite(rows).all()
        np.testing.assert_array_equal(rows, probe_rows(features))


UNSOUND: dict[str, Callable[[], Archive]] = {
    "naive Bayes of a negative variance": lambda: with_array("naive Bayes", "var_", lambda x: -x),
    "naive Bayes without a variance": lambda: with_array("naive Bayes", "var_", lambda x: x * 0),
    "naive Bayes of prior NaN": lambda: with_array("naive Bayes", "class_prior_", lambda x: x * np.nan),
    "naive Bayes of three classes": lambda: with_array("naive Bayes", "classes_", lambda x: np.arange(3)),
    "naive Bayes of one class": lambda: with_array("naive Bayes", "classes_", lambda x: x[:1]),
    "naive Bayes of texts": lambda: with_array("naive Bayes", "classes_", lambda x: x.astype(float) * np.nan),
    "Bernoulli's of a share above one": lambda: with_array(
        "Bernoulli's naive Bayes", "feature_log_prob_", lambda x: x + 5
    ),
    "a linear discriminant of no number": lambda: with_array(
        "linear discriminant", "coef_", lambda x: np.full_like(x, np.nan)
    ),
    "a linear discriminant of other features": lambda: with_array("linear discriminant", "coef_", lambda x: x[:, :1]),
    "a quadratic discriminant of no number": lambda: with_array(
        "quadratic discriminant", "priors_", lambda x: x * np.nan
    ),
    "a dummy of a share of three": lambda: with_array("dummy", "class_prior_", lambda x: x * 3),
    "a dummy of a negative share": lambda: with_array("dummy", "class_prior_", lambda x: x - 0.9),
    "a dummy of one class": lambda: with_array("dummy", "class_prior_", lambda x: x[:1]),
    "a dummy of text": lambda: with_value("dummy", "n_outputs_", "one"),
    "a dummy without a strategy": lambda: with_value("dummy", "_strategy", None),
    "bagging of features that are not there": lambda: with_array("bagged Bayes", "theta_", lambda x: x[:1]),
}


@pytest.mark.parametrize("what", UNSOUND)
def test_a_model_that_is_none_is_refused_before_it_is_handed_out(what):
    archive = UNSOUND[what]()
    for ask in (archive.estimator, lambda: archive.up(ROWS)):
        with pytest.raises(UnsafeArtifact, match=r"not loaded|cannot be served"):
            ask()


def test_more_processes_than_one_are_not_for_an_archive_to_ask_for():
    estimator = with_value("bagging", "n_jobs", 40).estimator()
    assert estimator.n_jobs == 1 and estimator.verbose == 0
    forest = pack_as_format_1(RandomForestClassifier(2, n_jobs=7, verbose=3).fit(*lesson()), SIGNATURE)
    assert opened(forest).estimator().n_jobs == 1


def test_a_later_answer_that_is_no_probability_is_refused_too():
    """Sound for the probe's rows, and not for others: a variance so small that its logarithm is not finite."""
    archive = with_array("naive Bayes", "theta_", lambda x: np.array([[1e308, 1e308], [-1e308, 1e308]]))
    with pytest.raises(UnsafeArtifact, match="no score"):
        archive.up(np.full((1, WIDTH), 1.0))


@pytest.mark.parametrize(
    "arrays", [[{}], [["feature"]], [None, "feature"], [1, "value"], ["feature", "feature", "threshold", "value"]]
)
def test_a_head_that_lists_what_are_no_names_is_refused(arrays):
    with pytest.raises(UnsafeArtifact, match="data-only form"):
        opened(with_form_head(arrays=arrays)).warm()


def test_a_header_of_an_array_without_its_end_is_refused():
    """numpy takes it for one of Python 2, and its tokenizer raises an error of its own."""
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2L, "
    data = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
    with pytest.raises(UnsafeArtifact, match="is not an array"):
        from_npy(data, "x.npy")


def test_rows_that_are_too_large_are_the_callers_fault():
    with pytest.raises(InputMismatch):
        opened(packed()).up(np.full((1, WIDTH), 1e300))


def test_no_estimator_that_may_be_stored_is_refused_for_plain_rows():
    assert fitted("naive Bayes").predict_proba(probe_rows(WIDTH)).shape == (12, 2)
