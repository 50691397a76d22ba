"""Archives made to hurt, by somebody who can write the log too, so that the digest fits: each refused by name."""

from __future__ import annotations

import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, GradientBoostingClassifier
from sklearn.linear_model import LogisticRegressionCV
from sklearn.naive_bayes import BernoulliNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from registry.archive import archive as artifact
from registry.archive.archive import HEAD, MODEL, pack, unpack
from registry.archive.input_schema import InputSchema
from registry.archive.vetting import storable
from registry.errors import Corrupt, FormatTooNew, RegistryError, UnsafeArtifact
from registry.format.entries import digest
from tests.registry.archives import (
    OTHERS,
    PORTABLE,
    SIGNATURE,
    lesson,
    members,
    nodes_of,
    opened,
    packed,
    packed_with_estimator,
    with_boosting_nodes,
    with_form_array,
    with_form_head,
    with_head,
    with_member,
    with_model_member,
    with_schema,
    with_tree_array,
    zipped,
)
from tests.registry.forgeries import (
    a_list,
    attribute,
    category_bins,
    claiming,
    doubled,
    encrypted,
    loss_with_arguments,
    made_by,
    other_nodes_by_number,
    pickled,
    set_field,
    tree_argument,
    tree_state,
)

MIB = 1 << 20


HOSTILE: dict[str, tuple[Any, str]] = {
    # the archive
    "empty": (lambda: b"", "here is empty"),
    "truncated": (lambda: packed()[:-30], "is cut short or damaged"),
    "a pickle": (lambda: pickle.dumps(print), "is not an archive: it begins with"),
    "a path outside": (lambda: with_member("../evil.py", b""), r"do not belong in it: \['\.\./evil\.py'\]"),
    "an absolute path": (lambda: with_member("/etc/cron.d/evil", b""), r"do not belong in it: \['/etc"),
    "a program": (lambda: with_member("sitecustomize.py", b""), r"do not belong in it: \['site"),
    "a path outside among the arrays": (lambda: with_member("arrays/../../x", b""), r"do not belong in it: \['arrays/"),
    "a member twice": (doubled, r"\['model\.skops'\] more than once"),
    "a bomb": (lambda: with_member("arrays/zeros.npy", bytes(40 * MIB)), "here would unpack to more than 32 MiB"),
    "a bomb in the model": (
        lambda: with_member(MODEL, zipped({"000001.npy": bytes(40 * MIB)})),
        r"model\.skops would unpack to more than 32 MiB",
    ),
    "another packing": (lambda: zipped(members(packed()), zipfile.ZIP_LZMA), "another method than deflate"),
    "encrypted": (encrypted, "encrypted"),
    "no head": (lambda: with_member(HEAD, None), r"archive\.json is missing"),
    "no model": (lambda: with_member(MODEL, None), r"holds no model\.skops"),
    "a later format": (lambda: with_head(format=99), "upgrade this package"),
    "a signature that runs code": (
        lambda: with_head(signature={"features": ["__import__('os').abort()"]}), "is not understood",
    ),
    "the signature of another model": (
        lambda: with_head(signature=InputSchema(("rsi_14",)).to_dict()), "takes 2 features, the signature has 1",
    ),
    # what skops would make
    "a model that is not a zip": (lambda: with_member(MODEL, b"PK"), r"model\.skops is cut short"),
    "a file in the model": (lambda: with_model_member("evil.pkl", b""), r"holds \['evil\.pkl'\]"),
    "no schema": (lambda: with_member(MODEL, zipped({})), "holds no schema"),
    "a schema that is no JSON": (lambda: with_model_member("schema.json", b"{"), r"schema\.json cannot be read"),
    "a schema without end": (lambda: with_model_member("schema.json", b"[" * 10**5), "RecursionError"),
    "a command": (lambda: made_by("FunctionNode", "os.system"), r"not allowed: os\.system"),
    "a function that skops trusts": (
        lambda: made_by("FunctionNode", "scipy.special.expit"), r"not allowed: scipy\.special",
    ),
    "a class that skops trusts": (
        lambda: made_by("ObjectNode", "sklearn.ensemble._gb.GradientBoostingClassifier"), r"not allowed: sklearn\.ens",
    ),
    "an allowed class made another way": (
        lambda: made_by("MethodNode", "sklearn.pipeline.Pipeline"), r"not allowed: sklearn\.pipeline\.Pipeline",
    ),
    "a node without number": (
        lambda: with_schema(lambda schema: nodes_of(schema, "TreeNode")[0].pop("__id__")), "has the number 'None'",
    ),
    "two nodes of one number": (other_nodes_by_number, "two different nodes of the model have the number"),
    "an array of objects": (lambda: with_model_member("000001.npy", pickled()), "which only pickle could read"),
    "an array that claims a terabyte": (
        lambda: with_model_member("000001.npy", claiming(1 << 37)), r"claims 137438953472 numbers of float64",
    ),
    "an array that is none": (lambda: with_model_member("000001.npy", b"\x93NUMPY"), r"000001\.npy is not an array"),
    "a list for a model": (lambda: with_schema(a_list), "is a list, not a classifier"),
    "a loss with arguments": (
        loss_with_arguments, "a loss function with arguments",
    ),
    # trees, which compiled code follows without looking
    "a child outside the tree": (
        lambda: with_tree_array("nodes", set_field("left_child", 0, 10**9)), "a child that is not after it",
    ),
    "a child before the tree": (
        lambda: with_tree_array("nodes", set_field("right_child", 0, -7)), "a child that is not after it",
    ),
    "a circle": (lambda: with_tree_array("nodes", set_field("left_child", 1, 0)), "a child that is not after it"),
    "a feature outside the row": (
        lambda: with_tree_array("nodes", set_field("feature", 0, 10**6)), "looks at a feature outside 0 to 1",
    ),
    "a threshold that is no number": (
        lambda: with_tree_array("nodes", set_field("threshold", 0, np.nan)), "holds a threshold or a value",
    ),
    "more nodes than there are": (lambda: tree_state("node_count", 10**6), "counts and shapes do not fit"),
    "fewer nodes than values": (lambda: with_tree_array("nodes", lambda nodes: nodes[:-1]), "counts and shapes do not"),
    "no nodes": (lambda: tree_state("node_count", 0), "counts and shapes do not fit"),
    "more outputs than there are": (lambda: tree_argument(2, 10**6), "counts and shapes do not fit"),
    "a tree over more features": (lambda: tree_argument(0, 5), "a tree over 5 features stands in"),
    "a tree without nodes": (
        lambda: with_schema(lambda schema: nodes_of(schema, "TreeNode")[0]["content"]["content"].pop("nodes")),
        "not built as scikit-learn does",
    ),
    "a boosting's circle": (
        lambda: with_boosting_nodes(set_field("left", 0, 0)), "a child that is not after it",
    ),
    "a boosting's feature outside the row": (
        lambda: with_boosting_nodes(set_field("feature_idx", 0, 77)), "looks at a feature outside",
    ),
    "a boosting's category": (
        lambda: with_boosting_nodes(set_field("is_categorical", 0, 1)), "a node of the boosting asks for a category",
    ),
    "a boosting's bins of categories": (category_bins, "categorical features is not loaded"),
    "a boosting with a preprocessor": (
        lambda: attribute("HistGradientBoostingClassifier", "_preprocessor", "1"), "a preprocessor of its own",
    ),
    "an estimator of other width": (
        lambda: attribute("RandomForestClassifier", "n_features_in_", "1"), "takes 1 features, the signature has 2",
    ),
    # the data-only form
    "a form that is no JSON": (lambda: with_member("arrays/form.json", b"["), "form is unreadable"),
    "a later form": (lambda: with_form_head(format=9), "has format 9: upgrade"),
    "a form of another kind": (lambda: with_form_head(rule="eval"), "no such form"),
    "a form of other width": (lambda: with_form_head(features=3), "form takes 3 features"),
    "a form of other arrays": (lambda: with_form_head(arrays=["feature"]), "lists the arrays"),
    "a form without an array": (lambda: with_member("arrays/value.npy", None), "form should hold"),
    "a form with one more array": (lambda: with_member("arrays/evil.npy", b""), "form should hold"),
    "a form of more trees": (lambda: with_form_head(trees=21), "not 21 whole trees"),
    "a form's feature outside the row": (
        lambda: with_form_array("feature", lambda a: np.where(a == 0, 9, a).astype("<i2")), "outside 0 to 1",
    ),
    "a form with a leaf too few": (lambda: with_form_array("value", lambda a: a[1:]), "inner nodes and"),
    "a form with a threshold that is no number": (
        lambda: with_form_array("threshold", lambda a: a * np.float32(np.nan)), "of the trees is not a number",
    ),
    "a form's probability above one": (lambda: with_form_array("value", lambda a: a + 1), "outside 0 to 1; not loaded"),
    "a form of other numbers": (lambda: with_form_array("value", lambda a: a.astype("<f2")), r"value\.npy is <f2"),
    "a form of other shape": (lambda: with_form_array("value", lambda a: a.reshape(1, -1)), r"of shape \(1, "),
    "a form that divides by zero": (
        lambda: with_form_array("scale", lambda a: a * 0, "scaled logistic"), r"scale\.npy holds a zero",
    ),
    "a form whose intercept is infinite": (
        lambda: with_form_array("intercept", lambda a: a + np.inf, "boosting"), r"intercept\.npy holds a number",
    ),
}  # fmt: skip
"""What was done to an archive, and what its refusal says."""


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_by_name(kind, monkeypatch):
    monkeypatch.setattr(artifact, "MAX_UNPACKED_BYTES", 32 * MIB)
    make, why = HOSTILE[kind]
    data = make()
    with pytest.raises((UnsafeArtifact, FormatTooNew), match=why):
        archive = opened(data)
        _ = archive.form
        archive.estimator()


def test_a_digest_that_differs_is_refused_before_anything_is_read():
    with pytest.raises(Corrupt, match="damaged or replaced"):
        unpack(packed() + b" ", sha256=digest(packed()), where="here")


@pytest.mark.parametrize("kind", [*PORTABLE, *OTHERS])
def test_an_archive_that_nobody_touched_is_loaded(kind):
    archive = opened(packed_with_estimator(kind))
    assert archive.up(lesson()[0]).shape == (400,)
    archive.estimator()
    assert np.array_equal(opened(packed(kind)).up(lesson()[0]), archive.up(lesson()[0]))


@pytest.mark.parametrize(
    "estimator",
    [
        LinearDiscriminantAnalysis(), QuadraticDiscriminantAnalysis(reg_param=0.1), DummyClassifier(), BernoulliNB(),
        AdaBoostClassifier(n_estimators=3), BaggingClassifier(n_estimators=3, max_features=1),
        LogisticRegressionCV(cv=2, Cs=2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_other_classifiers_on_the_list_are_stored_and_loaded(estimator):
    x, label = lesson()
    fitted = estimator.fit(x, label)
    archive = opened(pack(fitted, SIGNATURE))
    np.testing.assert_allclose(archive.up(x), fitted.predict_proba(x)[:, 1], rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    "estimator",
    [KNeighborsClassifier(), SVC()],
    ids=lambda estimator: type(estimator).__name__,
)
def test_an_estimator_that_compiled_code_would_trust_is_refused_when_it_is_packed(estimator):
    with pytest.raises(RegistryError, match=rf"not allowed: .*{type(estimator).__name__}"):
        pack(estimator.fit(*lesson()), SIGNATURE)


@pytest.mark.parametrize(
    ("estimator", "stored"), [(BernoulliNB, True), (KNeighborsClassifier, False), (GradientBoostingClassifier, False)]
)
def test_what_is_stored_is_known_before_anything_is_fitted(estimator, stored):
    assert storable(estimator) is stored
