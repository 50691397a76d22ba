"""The first champion is kept whatever happens: what every other rule has to be better than."""

from __future__ import annotations

from benchmarks.promotion.night import Night

NAME = "never replaced"
SOURCE = "Nobody's advice: a model that was deployed once"


def decide(night: Night) -> int | None:
    return None
