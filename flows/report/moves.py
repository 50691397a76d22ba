"""Edge beside edge by size of move, for the champion, the recipes and the baselines on the same bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.gate.nightly.leads import recipes_of
from flows.gate.scoring.ledger import Ledger, Stream
from flows.gate.scoring.moves import EdgeBySize, SizedMoves, edge_by_size, in_ranges
from flows.gate.scoring.stream_account import stream_rank
from flows.report.baselines import bar_positions, reference_stream

MOST_OF_THEM = 0.95
"""Of the champion's bars: who was scored on fewer has no row, so that all rows are of the same bars."""


@dataclass(frozen=True)
class SizedRow:
    """``kind``: what is judged, who may take its place, or who is shown for comparison."""

    name: str
    kind: str
    figures: EdgeBySize


@dataclass(frozen=True)
class SizedEdges:
    """All rows are of the same ``bars`` on ``days`` trading days, the champion's first."""

    rows: tuple[SizedRow, ...]
    bars: int
    days: int


def sized_edges(
    champion: tuple[str, Stream, Stream | None], ledger: Ledger, data: Dataset, references: tuple[str, ...], among: Mask
) -> SizedEdges | None:
    """None where the bars have no average true range, or there are fewer than two days.

    ``champion``: its name, its stream, and the one that its ranks start with; ``references``: baselines that have a
    stream in the ledger; ``among``: shape (n_bars,), where the champion is counted.
    """
    moves = in_ranges(data)
    if moves is None:
        return None
    name, own, before = champion
    positions = bar_positions(ledger, data)
    bars = SizedMoves(
        ledger.label,
        ledger.day,
        np.where(positions >= 0, moves[positions], np.nan),
        ledger.instrument.counts,
        ledger.question.bars,
    )
    streams = [(name, "champion", own, before)]
    streams += [(each.name, "candidate", each, None) for _, each in recipes_of(ledger) if each is not own]
    streams += [(each, "reference", ledger.streams[reference_stream(each)], None) for each in references]
    common = among & ledger.counted & np.isfinite(bars.move)
    ranked: list[tuple[str, str, Floats]] = []
    for name, kind, stream, earlier in streams:
        rank = stream_rank(stream, earlier, ledger.instrument.counts)
        known = common & np.isfinite(rank)
        if known.sum() > (MOST_OF_THEM * common.sum() if ranked else 0) and np.ptp(stream.p[known]):
            ranked.append((name, kind, rank))
            common = known
    found = [(name, kind, edge_by_size(bars, rank, common)) for name, kind, rank in ranked]
    rows = [SizedRow(name, kind, figures) for name, kind, figures in found if figures is not None]
    counted = common & np.isfinite(bars.move)
    return SizedEdges(tuple(rows), int(counted.sum()), int(np.unique(ledger.day[counted]).size)) if rows else None
