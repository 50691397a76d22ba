"""The best of tonight's models is promoted if its metric on the last 40 days reaches a fixed value; the champion is not
asked.

The value here is zero: no skill by edge, and in the simulated years the level of a recipe that is as good as the rest.
"""

from __future__ import annotations

from benchmarks.promotion.night import Night

NAME = "metric threshold"
SOURCE = (
    "Amazon SageMaker, [Pipelines overview](https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-sdk.html) (a "
    "condition on the evaluation's figure before the model is registered)"
)
THRESHOLD = 0.0


def decide(night: Night) -> int | None:
    metric = night.scores[:, -40:].mean(axis=1)
    return int(metric.argmax()) if metric.max() >= THRESHOLD else None
