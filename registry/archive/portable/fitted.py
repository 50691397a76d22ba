"""Writing the data-only form of a fitted scikit-learn classifier, and checking that both predict the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from registry.archive.portable import tree_arrays
from registry.archive.portable.form import FloatArray, PortableModel, Rule, read
from registry.archive.portable.preorder import LEAF
from registry.archive.portable.tree_arrays import Arrays
from registry.errors import InputMismatch, NotPortable, UnsafeArtifact

if TYPE_CHECKING:
    from registry.archive.portable.program import Program

TOLERANCE = 1e-12
"""Largest difference from the estimator's own probabilities."""
_ROWS = 1000
_BLOCKS = 20
"""Steps of a program for which rows are made."""
_MOST_FEATURES = 1 << 15  # int16 in the arrays

_FORESTS = ("RandomForestClassifier", "ExtraTreesClassifier")
_TREES = ("DecisionTreeClassifier", "ExtraTreeClassifier")
_BOOSTING = "HistGradientBoostingClassifier"
_LINEAR = ("LogisticRegression", "LogisticRegressionCV")
_OURS = {f"sklearn.{name}" for name in (*_FORESTS, *_TREES, _BOOSTING, *_LINEAR)}


def write(estimator: Any, features: int, rows: FloatArray | None = None) -> dict[str, bytes]:
    """The members of the estimator's form, read back and compared with it.

    Compared on ``rows`` (n, features), if given, and on a thousand rows made for this model: on its thresholds, next
    to them and between them. Raises :class:`NotPortable` that says why there is no form.
    """
    takes = getattr(estimator, "n_features_in_", None)
    if takes != features or features >= _MOST_FEATURES:
        raise NotPortable(f"{type(estimator).__name__} takes {takes} features, the signature has {features}")
    agrees = TOLERANCE
    form: PortableModel | Program
    again: PortableModel | Program
    try:
        several = is_program(estimator)
        if several:
            _find(estimator)
        if list(estimator.classes_) != [0, 1]:
            raise NotPortable(f"the classes are {list(estimator.classes_)}, not 0 and 1")
        if several:
            form, again, agrees = _program(estimator, features)
        else:
            form = _form(estimator, features)
            again = read(form.members(), features)
    except (AttributeError, LookupError, TypeError, ValueError, UnsafeArtifact) as error:
        raise NotPortable(f"{type(estimator).__name__} is not built as expected ({error})") from error
    made = rows_for(form)
    _compare(estimator, again, made if rows is None else np.concatenate((made, rows)), agrees)
    return form.members()


def rows_for(form: PortableModel | Program) -> FloatArray:
    """Rows that find out where a form and another of the same model differ: on its thresholds, next to them and between
    them, shape (n, features), the same for equal forms."""
    return _made_rows(form) if isinstance(form, PortableModel) else _rows_of_program(form)


def is_program(estimator: Any) -> bool:
    """Whether the form of this estimator is a program of several steps, known before it is written.

    Trees and lines of scikit-learn, by themselves or behind one standard scaler, are not.
    """
    steps = [step for _, step in estimator.steps] if _name(estimator) == "sklearn.Pipeline" else [estimator]
    return [_name(step) for step in steps[:-1]] not in ([], ["sklearn.StandardScaler"]) or _name(steps[-1]) not in _OURS


def _name(step: Any) -> str:
    return f"{type(step).__module__.partition('.')[0]}.{type(step).__name__}"


def _find(estimator: Any) -> None:
    """:class:`NotPortable` for an estimator that nobody converts: said before anything else of it is."""
    from registry.archive.portable.converters.registered import find

    find(estimator)


def _program(estimator: Any, features: int) -> tuple[Program, Program, float]:
    """As it was made, as it is read back, and by how much it may differ from the estimator."""
    from registry.archive.portable import program
    from registry.archive.portable.converters.registered import program_of

    made, agrees = program_of(estimator, features)
    return made, program.read(made.members(), features), agrees


def _form(estimator: Any, features: int) -> PortableModel:
    scaler, model = _steps(estimator)
    name = type(model).__name__
    rule: Rule
    if name in _FORESTS:
        rule, trees = "mean", len(model.estimators_)
        arrays = tree_arrays.forest([each.tree_ for each in model.estimators_])
    elif name in _TREES:
        rule, trees, arrays = "mean", 1, tree_arrays.forest([model.tree_])
    elif name == _BOOSTING:
        rule, trees, arrays = "logistic", len(model._predictors), tree_arrays.histogram_boosting(model)
    else:
        rule, trees, arrays = "linear", 0, {"coefficient": model.coef_[0], "intercept": model.intercept_}
    return PortableModel(rule, features, trees, arrays | scaler)


def _steps(estimator: Any) -> tuple[Arrays, Any]:
    """The scaler's arrays, and the classifier behind it."""
    if _name(estimator) != "sklearn.Pipeline":
        return {}, estimator
    steps = [step for _, step in estimator.steps]
    if len(steps) == 1:
        return {}, steps[0]
    scaler = steps[0]
    arrays = {"mean": scaler.mean_} if scaler.with_mean else {}
    return arrays | ({"scale": scaler.scale_} if scaler.with_std else {}), steps[-1]


def _made_rows(form: PortableModel) -> FloatArray:
    """Rows that find a wrong comparison: each value on a threshold of its feature, just above it, or anywhere."""
    rng = np.random.default_rng(0)
    x = rng.normal(scale=3.0, size=(_ROWS, form.features))
    if form.rule != "linear":
        _on_thresholds(x, form.arrays, rng)
    x = x * form.arrays.get("scale", 1.0) + form.arrays.get("mean", 0.0)
    return np.asarray(x[np.isfinite(x).all(axis=1)])


def _rows_of_program(form: Program) -> FloatArray:
    """The same for a program: rows on the thresholds of every step of trees that reads the input, as it is or scaled,
    and otherwise of the size of what its first steps were fitted on."""
    rng = np.random.default_rng(0)
    blocks = []
    for step in form.steps[:_BLOCKS]:
        scaled = form.steps[step.reads[0] - 1] if step.reads[0] else None
        first = step if scaled is None else scaled
        if first.reads != (0,) or len(step.reads) != 1:
            continue
        x = rng.normal(scale=3.0, size=(_ROWS, form.features))
        if step.kind == "trees" and (scaled is None or scaled.kind == "scaled"):
            _on_thresholds(x, step.arrays, rng)
        if first.kind == "scaled":
            x = x * first.arrays["scale"] + first.arrays["mean"]
        elif first.kind == "quantiles":
            known = first.arrays["quantiles"]
            x = np.take_along_axis(known, rng.integers(0, len(known), x.shape), axis=0) * rng.choice(
                [1, 1 + 1e-9, 1.01], x.shape
            )
        blocks.append(x)
    x = np.concatenate(blocks) if blocks else rng.normal(scale=3.0, size=(_ROWS, form.features))
    return np.asarray(x[np.isfinite(x).all(axis=1)])


def _on_thresholds(x: FloatArray, arrays: Mapping[str, npt.NDArray[Any]], rng: np.random.Generator) -> None:
    """Put each value of ``x`` on a threshold of its feature or just above it, where there is one."""
    thresholds, asked = arrays["threshold"], arrays["feature"]
    asked = asked[asked != LEAF]
    for feature in range(x.shape[1]):
        known = thresholds[(asked == feature) & np.isfinite(thresholds)]
        if len(known):
            drawn = rng.choice(known, len(x))
            above = np.nextafter(drawn, np.asarray(np.inf, drawn.dtype))
            x[:, feature] = np.where(rng.random(len(x)) < 0.5, drawn, above)


def _compare(estimator: Any, form: PortableModel | Program, rows: FloatArray, agrees: float) -> None:
    try:
        found = form.up(rows)
    except InputMismatch as error:
        raise NotPortable(f"its rows do not fit ({error})") from error
    difference = float(np.abs(found - estimator.predict_proba(rows)[:, 1]).max())
    if not difference <= agrees:
        raise NotPortable(
            f"from arrays, {type(estimator).__name__} says what differs by up to {difference:.1e} on {len(rows)} rows"
        )
