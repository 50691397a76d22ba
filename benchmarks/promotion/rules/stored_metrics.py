"""The best of tonight's models is promoted if its metric on its own last 40 days is higher than the one that was stored
with the champion, of the 40 days before that was promoted."""

from __future__ import annotations

from benchmarks.promotion.night import Night

NAME = "stored metrics"
SOURCE = (
    "Microsoft, [MLOpsPython](https://github.com/microsoft/MLOpsPython), `diabetes_regression/evaluate/"
    "evaluate_model.py` (the new run's metric against the one in the registered model's tags)"
)


def decide(night: Night) -> int | None:
    stored = night.champion[: night.champion.size - night.since][-40:].mean()
    metric = night.scores[:, -40:].mean(axis=1)
    return int(metric.argmax()) if metric.max() > stored else None
