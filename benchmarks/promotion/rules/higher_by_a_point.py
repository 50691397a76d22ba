"""The best of tonight's models is promoted if its metric on the last 40 days is higher than the champion's by a set
change, here one point."""

from __future__ import annotations

from benchmarks.promotion.night import Night

NAME = "higher by a point"
SOURCE = (
    "MLflow, [mlflow.models](https://mlflow.org/docs/2.16.0/python_api/mlflow.models.html) (`MetricThreshold` with "
    "`min_absolute_change`)"
)
CHANGE = 0.01


def decide(night: Night) -> int | None:
    mean = night.leads[:, -40:].mean(axis=1)
    return int(mean.argmax()) if mean.max() >= CHANGE else None
