"""Converters of scikit-learn's estimators: trees, lines, layers, and what is built of other estimators."""

from __future__ import annotations

from typing import Any

import numpy as np

from registry.archive.portable import tree_arrays
from registry.archive.portable.converters.writer import Converted, Value, Writer
from registry.errors import NotPortable


def forest(writer: Writer, model: Any, x: Value) -> Converted:
    return Converted(writer.trees(x, tree_arrays.forest([each.tree_ for each in model.estimators_]), of="mean"))


def tree(writer: Writer, model: Any, x: Value) -> Converted:
    return Converted(writer.trees(x, tree_arrays.forest([model.tree_]), of="mean"))


def histogram_boosting(writer: Writer, model: Any, x: Value) -> Converted:
    arrays = tree_arrays.histogram_boosting(model)
    score = writer.trees(x, arrays, arrays.pop("intercept")[0])
    return Converted(writer.logistic(score), score)


def gradient_boosting(writer: Writer, model: Any, x: Value) -> Converted:
    initial = model.init_
    if not isinstance(initial, str) and getattr(initial, "strategy", None) != "prior":
        raise NotPortable(
            f"GradientBoostingClassifier that begins with {type(initial).__name__} has no data-only form: one that "
            "begins with the share of up (init left out) or with zero has one"
        )
    stages = [stage.tree_ for stage in model.estimators_[:, 0]]
    arrays = tree_arrays.below32(stages, [model.learning_rate * each.value[:, 0, 0] for each in stages])
    start = float(model._raw_predict_init(np.zeros((1, x.width), np.float32))[0, 0])
    score = writer.trees(x, arrays, start)
    if model.loss == "exponential":  # whose score is half of the log-odds
        return Converted(writer.logistic(writer.dense(score, [[2.0]], [0.0])), score)
    return Converted(writer.logistic(score), score)


def line(writer: Writer, model: Any, x: Value) -> Converted:
    score = _line(writer, model, x)
    return Converted(writer.logistic(score), score)


def descent(writer: Writer, model: Any, x: Value) -> Converted:
    """``SGDClassifier``: only two of its losses give probabilities; of the others there is the score to calibrate."""
    score = _line(writer, model, x)
    if model.loss == "log_loss":
        return Converted(writer.logistic(score), score)
    return Converted(writer.step("clipped", score) if model.loss == "modified_huber" else None, score)


def _line(writer: Writer, model: Any, x: Value) -> Value:
    return writer.dense(x, np.reshape(model.coef_, (1, -1)).T, np.broadcast_to(model.intercept_, (1,)))


def layers(writer: Writer, model: Any, x: Value) -> Converted:
    value = x
    last = len(model.coefs_) - 1
    for place, (weight, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        value = writer.dense(value, weight, bias, model.out_activation_ if place == last else model.activation)
    return Converted(value)


def pipeline(writer: Writer, model: Any, x: Value) -> Converted:
    for _, step in model.steps[:-1]:
        if isinstance(step, str):
            continue  # passthrough
        name = type(step).__name__
        if type(step).__module__.partition(".")[0] != "sklearn" or name not in TRANSFORMERS:
            known = ", ".join(TRANSFORMERS)
            raise NotPortable(f"the step {name} of a pipeline has no data-only form: {known} have one")
        x = TRANSFORMERS[name](writer, step, x)
    return writer.inner(model.steps[-1][1], x)


def scaler(writer: Writer, step: Any, x: Value) -> Value:
    mean = step.mean_ if step.with_mean else np.zeros(x.width)
    return writer.step("scaled", x, {"mean": mean, "scale": step.scale_ if step.with_std else np.ones(x.width)})


def quantiles(writer: Writer, step: Any, x: Value) -> Value:
    arrays = {"quantiles": step.quantiles_, "references": step.references_}
    return writer.step("quantiles", x, arrays, {"to": step.output_distribution})


def components(writer: Writer, step: Any, x: Value) -> Value:
    """``PCA``: the projection of the row less the projection of the mean, in scikit-learn's order."""
    across = step.components_.T
    value = writer.dense(x, across, -(np.reshape(step.mean_, (1, -1)) @ across)[0])
    if not step.whiten:
        return value
    scale = np.maximum(np.sqrt(step.explained_variance_), np.finfo(np.float64).eps)
    return writer.step("scaled", value, {"mean": np.zeros(value.width), "scale": scale})


TRANSFORMERS = {"StandardScaler": scaler, "QuantileTransformer": quantiles, "PCA": components}


def calibrated(writer: Writer, model: Any, x: Value) -> Converted:
    parts = []
    for each in model.calibrated_classifiers_:
        if each.method not in ("sigmoid", "isotonic"):
            raise NotPortable(f"a calibration by {each.method} has no data-only form: sigmoid and isotonic have one")
        inside = writer.inner(each.estimator, x)
        # scikit-learn calibrates the decision function where there is one
        read = inside.score if hasattr(each.estimator, "decision_function") else inside.up
        if read is None:
            raise NotPortable(f"{type(each.estimator).__name__} has no score to calibrate in its data-only form")
        [calibrator] = each.calibrators
        if each.method == "sigmoid":
            parts.append(writer.logistic(writer.dense(read, [[-calibrator.a_]], [-calibrator.b_])))
        else:
            known = {"known": calibrator.X_thresholds_, "value": np.clip(calibrator.y_thresholds_, 0, 1)}
            parts.append(writer.step("interpolated", read, known))
    return Converted(writer.mixed(parts))


def voting(writer: Writer, model: Any, x: Value) -> Converted:
    if model.voting != "soft":
        raise NotPortable("a vote of classes gives no probabilities: write voting = 'soft'")
    return Converted(writer.mixed([writer.up(each, x) for each in model.estimators_], model._weights_not_none))


def stacking(writer: Writer, model: Any, x: Value) -> Converted:
    columns = []
    for estimator, method in zip(model.estimators_, model.stack_method_, strict=True):
        inside = writer.inner(estimator, x)
        column = {"predict_proba": inside.up, "decision_function": inside.score}.get(method)
        if column is None:
            raise NotPortable(f"{type(estimator).__name__} is stacked by {method}: it has no data-only form for that")
        columns.append(column)
    joined = writer.joined([*columns, x] if model.passthrough else columns)
    return writer.inner(model.final_estimator_, joined)
