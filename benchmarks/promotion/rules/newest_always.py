"""The version trained last is served, whatever it scores: production loads the largest version number."""

from __future__ import annotations

from benchmarks.promotion.night import Night

NAME = "newest always"
SOURCE = (
    "TensorFlow Serving, [Tensorflow Serving Configuration](https://www.tensorflow.org/tfx/serving/serving_config) "
    "(its default); MLflow, [Load a Registered Model]"
    "(https://mlflow.org/docs/3.0.1/getting-started/registering-first-model/step3-load-model) (`models:/NAME/latest`)"
)


def decide(night: Night) -> int | None:
    """The champion's recipe, trained anew; the recipe that is trained last where it has none."""
    return len(night.scores) - 1 if night.own is None else night.own
