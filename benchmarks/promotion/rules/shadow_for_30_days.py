"""One candidate at a time runs beside the champion for 30 days (21 trading days) and is promoted if it scored higher on
them; the recipes take turns."""

from __future__ import annotations

from benchmarks.promotion.night import Night

NAME = "shadow for 30 days"
SOURCE = (
    "Amazon SageMaker, [Create a shadow test]"
    "(https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html) (one shadow variant, 30 days at most)"
)
DAYS = 21


def decide(night: Night) -> int | None:
    test, day = divmod(night.number, DAYS)
    if day != DAYS - 1:
        return None
    shadow = test % len(night.scores)
    return shadow if night.leads[shadow, -DAYS:].mean() > 0.0 else None
