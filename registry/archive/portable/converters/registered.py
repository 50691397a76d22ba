"""Which converters there are: ours by the class's name, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from registry.archive.portable.converters import boosting, scikit_learn
from registry.archive.portable.converters.writer import Converter, Writer
from registry.archive.portable.program import Program
from registry.errors import NotPortable

GROUP = "champion_gate.estimators"
"""Of entry points: the name is a package and a class of it, the object a function ``convert(writer, estimator, x)``."""

EXACT = 1e-12
"""Sums of float64 in another order, or an exponential of another library, differ by less."""
SINGLE = 2e-7
"""A probability of 32 bits is a step of 6e-8 wide near 1; XGBoost's exponential is of 32 bits too."""


def _ours() -> Iterable[Converter]:
    sklearn = (
        ("RandomForestClassifier", scikit_learn.forest, "mean of trees"),
        ("ExtraTreesClassifier", scikit_learn.forest, "mean of trees"),
        ("DecisionTreeClassifier", scikit_learn.tree, "one tree"),
        ("ExtraTreeClassifier", scikit_learn.tree, "one tree"),
        ("HistGradientBoostingClassifier", scikit_learn.histogram_boosting, "logistic of a sum of trees"),
        ("GradientBoostingClassifier", scikit_learn.gradient_boosting, "logistic of a sum of trees"),
        ("LogisticRegression", scikit_learn.line, "logistic of a line"),
        ("LogisticRegressionCV", scikit_learn.line, "logistic of a line"),
        ("SGDClassifier", scikit_learn.descent, "logistic, or clipped, of a line"),
        ("MLPClassifier", scikit_learn.layers, "dense layers"),
        ("Pipeline", scikit_learn.pipeline, f"{', '.join(scikit_learn.TRANSFORMERS)}, then a classifier of this table"),
        ("CalibratedClassifierCV", scikit_learn.calibrated, "maps of scores (sigmoid, isotonic), their mean"),
        ("VotingClassifier", scikit_learn.voting, "weighted mean of probabilities"),
        ("StackingClassifier", scikit_learn.stacking, "a classifier of this table over others' scores"),
    )
    for name, convert, form in sklearn:
        yield Converter(f"sklearn.{name}", convert, EXACT, form)
    yield Converter("lightgbm.LGBMClassifier", boosting.lightgbm, EXACT, "logistic of a sum of trees")
    yield Converter("xgboost.XGBClassifier", boosting.xgboost, SINGLE, "logistic of a sum of trees of 32 bits")
    yield Converter("catboost.CatBoostClassifier", boosting.catboost, EXACT, "logistic of a sum of oblivious trees")


OURS: Mapping[str, Converter] = {converter.name: converter for converter in _ours()}


@cache
def brought() -> Mapping[str, EntryPoint]:
    """What installed packages add, by the name of the class; nothing is imported. A class of ours stays ours.

    Looked up once a process: it reads what every installed package says of itself.
    """
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in OURS}


def find(estimator: Any) -> Converter:
    """The converter of a fitted estimator, by its class; :class:`NotPortable` where there is none."""
    kind = type(estimator)
    name = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
    if name in OURS:
        return OURS[name]
    point = brought().get(name)
    if point is None:
        raise NotPortable(f"{kind.__qualname__ if name.startswith('sklearn.') else name} has no data-only form")
    return Converter(name, _loaded(point), EXACT, "by another package")


def _loaded(point: EntryPoint) -> Callable[..., Any]:
    try:
        convert = point.load()
    except (ImportError, AttributeError) as broken:
        raise NotPortable(f"the converter of {point.name} cannot be loaded from {point.value} ({broken})") from broken
    if not callable(convert):
        raise NotPortable(f"the converter of {point.name}, {point.value}, is no function")
    return convert  # type: ignore[no-any-return]  # of another package: what it gives back is checked


def program_of(estimator: Any, features: int) -> tuple[Program, float]:
    """The program of a fitted estimator, and by how much it may differ from it; :class:`NotPortable` says why none."""
    writer = Writer(features, find)
    return writer.program(writer.up(estimator, writer.x)), writer.agrees
