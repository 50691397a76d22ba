"""A stream scorer computes the scores of a ledger's streams: by bar, by trading day, and right or wrong by side."""

from __future__ import annotations

from typing import Literal

import numpy as np

from flows.arrays import Floats, Mask
from flows.gate.scoring.days import DailyScores, by_day
from flows.gate.scoring.ledger import Ledger, Stream
from flows.gate.scoring.scores import accuracy, base_so_far, brier, edge, trailing_base

Baseline = Literal["no_skill", "majority"]
"""Who a stream is held against: ``no_skill`` says the side of the majority of all earlier bars; ``majority``, which
decisions before it were judged with, that of the last 2,000."""


def baseline_name(baseline: Baseline) -> str:
    """As sentences say it."""
    return "the majority" if baseline == "majority" else baseline


class StreamScorer:
    """The scores of a ledger's streams, bar by bar, each computed once."""

    def __init__(self, ledger: Ledger, score: str, baseline: Baseline = "no_skill") -> None:
        self._ledger = ledger
        self._score = score
        counts, horizon = ledger.instrument.counts, ledger.question.bars
        self._base = trailing_base(ledger.label, counts=counts, horizon=horizon)
        self._drift = base_so_far(ledger.label, counts, horizon) if baseline == "no_skill" else self._base
        self._by_stream: dict[tuple[str, str], Floats] = {}

    def of(self, key: str, ranked_after: str) -> Floats:
        """Score a bar, shape (n_bars,), NaN where there is none. Ranks start with the stream ``ranked_after``."""
        if (key, ranked_after) not in self._by_stream:
            self._by_stream[key, ranked_after] = self._computed(key, ranked_after)
        return self._by_stream[key, ranked_after]

    def no_skill(self) -> Floats:
        """What a bar is worth to who knows nothing but the market's drift, shape (n_bars,): no edge; the side of the
        baseline; the share of ups before it as the probability. NaN where there is no drift yet."""
        if self._score == "edge":
            return np.zeros(self._ledger.label.size)
        known, label = ~np.isnan(self._drift), self._ledger.label
        if self._score == "accuracy":
            return np.where(known, self.baseline_up == (label == 1.0), np.nan)
        return np.asarray(-np.square((1.0 + self._drift) / 2.0 - label))

    @property
    def baseline_up(self) -> Mask:
        """Where the baseline says "up", shape (n_bars,)."""
        return np.asarray(np.nan_to_num(self._drift) > 0.0, np.bool_)

    def daily(self, scores: Floats, among: Mask) -> DailyScores:
        """Daily means of one column over the counted bars among ``among``."""
        column = np.where(self._ledger.counted & among, scores, np.nan)
        return by_day(self._ledger.day, column, minimum_bars=self._ledger.instrument.counts.half_day)

    def figures(self, stream: Stream, among: Mask) -> tuple[int, float | None, float | None]:
        """Bars, accuracy at the decision threshold, and of the baseline, over counted scored bars ``among``."""
        at = np.flatnonzero(stream.scored & among & self._ledger.counted)
        if not at.size:
            return 0, None, None
        label = self._ledger.label[at] == 1.0
        right = float(np.mean((stream.p[at] > stream.cut[at]) == label))
        return int(at.size), right, float(np.mean(self.baseline_up[at] == label))

    def right(self, stream: Stream, champion: Stream) -> tuple[Mask, Mask, Mask]:
        """Where the stream at its cuts, the baseline, and the champion were right, shape (n_bars,)."""
        label = self._ledger.label == 1.0
        return (stream.p > stream.cut) == label, self.baseline_up == label, (champion.p > champion.cut) == label

    def _computed(self, key: str, ranked_after: str) -> Floats:
        result = np.full(self._ledger.label.size, np.nan)
        stream = self._ledger.streams.get(key)
        if stream is None or not stream.scored.any():
            return result
        at = np.flatnonzero(stream.scored)
        p, y = stream.p[at], self._ledger.label[at]
        if self._score == "accuracy":
            result[at] = accuracy(p, y, threshold=stream.cut[at])
        elif self._score == "brier":
            result[at] = brier(p, y)
        else:
            earlier = self._predictions_before(ranked_after, at[0]) if ranked_after != key else np.empty(0)
            defined = ~np.isnan(self._base[at])
            scores = np.full(at.size, np.nan)
            ranked = edge(
                p,
                y,
                base=np.where(defined, self._base[at], 0.0),
                earlier=earlier,
                counts=self._ledger.instrument.counts,
            )
            scores[defined] = ranked[defined]
            result[at] = scores
        return result

    def _predictions_before(self, key: str, first: int) -> Floats:
        stream = self._ledger.streams.get(key)
        return np.empty(0) if stream is None else stream.p[:first][stream.scored[:first]]
