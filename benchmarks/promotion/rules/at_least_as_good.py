"""The best of tonight's models is promoted if its metric on the last 40 days is not below the champion's on them."""

from __future__ import annotations

from benchmarks.promotion.night import Night

NAME = "newest if at least as good"
SOURCE = (
    "TensorFlow Extended, [The Evaluator TFX Pipeline Component](https://www.tensorflow.org/tfx/guide/evaluator) "
    "(blessed where the metric is not lower than the baseline's)"
)


def decide(night: Night) -> int | None:
    mean = night.leads[:, -40:].mean(axis=1)
    return int(mean.argmax()) if mean.max() >= 0.0 else None
