"""What tests of archives share: small fitted models, archives of them, and taking archives apart to damage them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from registry.archive.archive import HEAD, MODEL, Archive, pack, unpack
from registry.archive.canonical_zip import canonical_zip
from registry.archive.input_schema import InputSchema
from registry.archive.portable.npy import from_npy, to_npy
from registry.archive.skops_file import skops_file
from registry.format.entries import canonical, digest

SIGNATURE = InputSchema(("rsi_14", "atr_14"))
WIDTH = len(SIGNATURE.features)

PORTABLE: dict[str, Callable[[], Any]] = {
    "random forest": lambda: RandomForestClassifier(n_estimators=20, max_depth=6, random_state=7),
    "random forest grown best first": lambda: RandomForestClassifier(5, max_leaf_nodes=12, random_state=7),
    "random forest of unequal classes": lambda: RandomForestClassifier(5, class_weight={0: 1, 1: 3}, random_state=7),
    "extra trees": lambda: ExtraTreesClassifier(n_estimators=20, max_depth=6, random_state=7),
    "one tree": lambda: DecisionTreeClassifier(random_state=7),
    "one leaf": lambda: DecisionTreeClassifier(min_samples_leaf=300),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=15, random_state=7),
    "logistic": lambda: LogisticRegression(),
    "logistic without intercept": lambda: LogisticRegression(fit_intercept=False),
    "scaled logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "centred logistic": lambda: make_pipeline(StandardScaler(with_std=False), LogisticRegression()),
    "scaled forest": lambda: make_pipeline(StandardScaler(with_mean=False), RandomForestClassifier(5, random_state=7)),
}
"""Estimators with a data-only form."""

_LIGHT = {"n_estimators": 5, "num_leaves": 5, "n_jobs": 1, "verbose": -1, "deterministic": True, "force_row_wise": True}
_CAT = {"iterations": 5, "depth": 3, "verbose": False, "thread_count": 1, "allow_writing_files": False}


def light(**parameters: Any) -> LGBMClassifier:
    """A small LightGBM."""
    return LGBMClassifier(**{**_LIGHT, **parameters})


def layers(activation: str = "relu") -> Any:
    return make_pipeline(StandardScaler(), MLPClassifier((4, 3), activation=activation, max_iter=20, random_state=7))


def two() -> list[tuple[str, Any]]:
    """Two estimators, for what is built of others."""
    return [("forest", RandomForestClassifier(3, max_depth=3, random_state=7)), ("line", PORTABLE["scaled logistic"]())]


PROGRAMS: dict[str, Callable[[], Any]] = {
    "LightGBM": light,
    "LightGBM with another slope": lambda: light(sigmoid=0.7),
    "LightGBM's dart": lambda: light(boosting_type="dart"),
    "LightGBM of one leaf": lambda: light(min_child_samples=300),
    "XGBoost": lambda: XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1),
    "CatBoost": lambda: CatBoostClassifier(**_CAT),
    "gradient boosting": lambda: GradientBoostingClassifier(n_estimators=5, random_state=7),
    "exponential boosting": lambda: GradientBoostingClassifier(n_estimators=5, loss="exponential", random_state=7),
    "boosting from zero": lambda: GradientBoostingClassifier(n_estimators=5, init="zero", random_state=7),
    "descent": lambda: make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=7)),
    "clipped descent": lambda: make_pipeline(StandardScaler(), SGDClassifier(loss="modified_huber", random_state=7)),
    "layers": layers,
    "tanh layers": lambda: layers("tanh"),
    "logistic layers": lambda: layers("logistic"),
    "layers of identity": lambda: layers("identity"),
    "calibrated descent": lambda: CalibratedClassifierCV(
        make_pipeline(StandardScaler(), SGDClassifier(random_state=7)), cv=2
    ),
    "calibrated forest": lambda: CalibratedClassifierCV(two()[0][1], method="isotonic", cv=2),
    "calibrated boosting": lambda: CalibratedClassifierCV(HistGradientBoostingClassifier(max_iter=3), cv=2),
    "vote": lambda: VotingClassifier(two(), voting="soft", weights=[2, 1]),
    "stack": lambda: StackingClassifier(two(), cv=2, final_estimator=LogisticRegression()),
    "stack over the rows too": lambda: StackingClassifier(
        [*two(), ("light", light())], cv=2, passthrough=True, final_estimator=PORTABLE["scaled logistic"]()
    ),
    "quantiles": lambda: make_pipeline(QuantileTransformer(n_quantiles=50), LogisticRegression()),
    "normal quantiles": lambda: make_pipeline(
        QuantileTransformer(n_quantiles=50, output_distribution="normal"), PORTABLE["random forest"]()
    ),
    "components": lambda: make_pipeline(StandardScaler(), PCA(1), LogisticRegression()),
    "whitened components": lambda: make_pipeline(StandardScaler(), PCA(2, whiten=True), PORTABLE["boosting"]()),
    "two scalers": lambda: make_pipeline(StandardScaler(), StandardScaler(), LogisticRegression()),
}
"""Estimators whose form is a program of several steps; their archives hold arrays and no estimator."""

OTHERS: dict[str, Callable[[], Any]] = {
    "naive Bayes": lambda: GaussianNB(),
    "scaled naive Bayes": lambda: make_pipeline(StandardScaler(), GaussianNB()),
}
"""Estimators that may be stored, and have none."""


def lesson() -> tuple[np.ndarray, np.ndarray]:
    """400 rows of two features, and labels that they say something about."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, WIDTH)) * (10.0, 0.01) + (50.0, 0.02)
    return x, (x[:, 0] - 50 + 10 * rng.normal(size=400) > 0).astype(int)


@cache
def fitted(kind: str) -> Any:
    return (PORTABLE | PROGRAMS | OTHERS)[kind]().fit(*lesson())


@cache
def packed(kind: str = "random forest") -> bytes:
    return pack(fitted(kind), SIGNATURE)


def pack_as_format_1(estimator: Any, signature: InputSchema) -> bytes:
    """An archive as the first format has them: the estimator stands beside its arrays."""
    found = members(pack(estimator, signature))
    head = json.loads(found[HEAD]) | {"format": 1}
    return canonical_zip(found | {MODEL: skops_file(estimator), HEAD: canonical(head)})


@cache
def packed_with_estimator(kind: str = "random forest") -> bytes:
    """The archive of format 1; of what has no estimator beside its arrays in any format, that of today."""
    return packed(kind) if kind in PROGRAMS else pack_as_format_1(fitted(kind), SIGNATURE)


def opened(data: bytes, where: str = "here") -> Archive:
    """The archive in ``data``; its digest fits, as if whoever changed it could change the log too."""
    return unpack(data, sha256=digest(data), where=where)


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, value in content.items():
            archive.writestr(name, value)
    return buffer.getvalue()


def with_member(name: str, value: bytes | None, kind: str = "random forest") -> bytes:
    """The archive, with its estimator, and one member replaced, added or (None) left out."""
    content = {**members(packed_with_estimator(kind)), name: value}
    return zipped({name: data for name, data in content.items() if data is not None})


def with_model_member(name: str, value: bytes, kind: str = "random forest") -> bytes:
    """The archive with one member of its ``model.skops`` replaced or added."""
    inner = members(members(packed_with_estimator(kind))[MODEL])
    return with_member(MODEL, zipped({**inner, name: value}, zipfile.ZIP_STORED), kind)


def with_schema(change: Callable[[Any], None], kind: str = "random forest") -> bytes:
    """The archive with the schema of its ``model.skops`` changed in place."""
    schema = json.loads(members(members(packed_with_estimator(kind))[MODEL])["schema.json"])
    change(schema)
    return with_model_member("schema.json", json.dumps(schema).encode(), kind)


def nodes_of(schema: Any, loader: str, named: str = "") -> list[dict[str, Any]]:
    """The nodes of one kind (and of one class) in a schema, in order."""
    found = []
    if isinstance(schema, dict):
        if schema.get("__loader__") == loader and named in ("", schema["__class__"]):
            found.append(schema)
        schema = list(schema.values())
    for item in schema if isinstance(schema, list) else ():
        found += nodes_of(item, loader, named)
    return found


def with_tree_array(name: str, change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """The archive of a forest, the array ``name`` of its first tree replaced by what ``change`` makes of it."""
    schema = json.loads(members(members(packed_with_estimator())[MODEL])["schema.json"])
    return _with_array(nodes_of(schema, "TreeNode")[0]["content"]["content"][name]["file"], change, "random forest")


def with_boosting_nodes(change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """The archive of a boosting with the nodes of its first tree replaced by what ``change`` makes of them."""
    schema = json.loads(members(members(packed_with_estimator("boosting"))[MODEL])["schema.json"])
    first = nodes_of(schema, "ObjectNode", "TreePredictor")[0]
    return _with_array(first["content"]["content"]["nodes"]["file"], change, "boosting")


def with_form_array(name: str, change: Callable[[np.ndarray], np.ndarray], kind: str = "random forest") -> bytes:
    """The archive with one array of its data-only form replaced by what ``change`` makes of it."""
    member = f"arrays/{name}.npy"
    array = from_npy(members(packed_with_estimator(kind))[member], name).copy()
    return with_member(member, to_npy(change(array)), kind)


def with_form_head(kind: str = "random forest", **fields: Any) -> bytes:
    """The archive with fields of the head of its data-only form replaced."""
    head = json.loads(members(packed_with_estimator(kind))["arrays/form.json"])
    return with_member("arrays/form.json", json.dumps(head | fields).encode(), kind)


def with_head(**fields: Any) -> bytes:
    """The archive with fields of its head replaced."""
    return with_member(HEAD, json.dumps(json.loads(members(packed_with_estimator())[HEAD]) | fields).encode())


def _with_array(file: str, change: Callable[[np.ndarray], np.ndarray], kind: str) -> bytes:
    array = from_npy(members(members(packed_with_estimator(kind))[MODEL])[file], file).copy()
    return with_model_member(file, to_npy(change(array)), kind)
