"""Models: archives whose estimator is changed, loaded by skops and predicted from by scikit-learn."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from registry.archive.archive import HEAD, MODEL, pack
from tests.fuzz.mutating import of_bytes, of_json, of_npy, unzipped, zipped
from tests.fuzz.target import Target
from tests.fuzz.targets.archives import ROWS, sound
from tests.registry.archives import SIGNATURE, lesson, opened, pack_as_format_1

ESTIMATORS = (
    lambda: GaussianNB(),
    lambda: BernoulliNB(),
    lambda: LinearDiscriminantAnalysis(),
    lambda: QuadraticDiscriminantAnalysis(),
    lambda: DummyClassifier(),
    lambda: DummyClassifier(strategy="stratified", random_state=1),
    lambda: AdaBoostClassifier(n_estimators=2),
    lambda: BaggingClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=2, random_state=1),
    lambda: BaggingClassifier(GaussianNB(), n_estimators=2, random_state=1),
    lambda: LogisticRegressionCV(Cs=2, cv=2, use_legacy_attributes=False),
    lambda: LogisticRegression(),
    lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    lambda: make_pipeline(StandardScaler(), GaussianNB()),
    lambda: DecisionTreeClassifier(max_depth=2),
    lambda: ExtraTreeClassifier(max_depth=2),
    lambda: RandomForestClassifier(2, max_depth=2, random_state=1),
    lambda: ExtraTreesClassifier(2, max_depth=2, random_state=1),
    lambda: HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=3),
)


def _lesson() -> tuple[Any, Any]:
    """Both features of one size, which quadratic discriminants need."""
    x, up = lesson()
    return (x - x.mean(axis=0)) / x.std(axis=0), up


def _archive(estimator: Any) -> bytes:
    archive = pack(estimator, SIGNATURE)
    return archive if opened(archive).has_estimator else pack_as_format_1(estimator, SIGNATURE)


@cache
def seeds() -> list[bytes]:
    """One small archive of each estimator that may be stored, without its data-only form."""
    found = []
    for make in ESTIMATORS:
        members = unzipped(_archive(make().fit(*_lesson())))
        assert members is not None, "it was packed a line above"
        found.append(zipped({name: members[name] for name in (HEAD, MODEL)}))
    return found


def mutate(random: Random, data: bytes) -> bytes:
    members = unzipped(data)
    inner = None if members is None else unzipped(members.get(MODEL, b""))
    if members is None or not inner or random.random() < 0.02:
        return of_bytes(random, data)
    arrays = [name for name in inner if name.endswith(".npy")]
    if arrays and random.random() < 0.5:
        name = random.choice(arrays)
        inner[name] = of_npy(random, inner[name])
    elif "schema.json" in inner:
        inner["schema.json"] = _schema(random, inner["schema.json"])
    return zipped({**members, MODEL: zipped(inner)})


def _schema(random: Random, data: bytes) -> bytes:
    """Another schema: mostly another plain value, which is what skops still loads."""
    try:
        schema = json.loads(data)
        leaves = [node for node in _nodes(schema) if node.get("__loader__") == "JsonNode"]
        if leaves and random.random() < 0.7:
            leaf = random.choice(leaves)
            leaf["content"] = json.dumps(of_json(random, [json.loads(leaf["content"])], times=1)[:1][0])
        else:
            schema = of_json(random, schema)
        return json.dumps(schema).encode()
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return of_bytes(random, data)


def _nodes(value: Any) -> list[Any]:
    found, waiting = [], [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            found.append(each)
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return found


def run(data: bytes) -> None:
    archive = opened(data)
    if len(archive.signature.features) != ROWS.shape[1]:
        archive.estimator()
        return
    sound(archive.up(ROWS))


def target() -> Target:
    return Target("models", seeds, mutate, run, native=True)
