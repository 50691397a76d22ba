"""How often bars of a score went up: by tenths of the champion's scores, beside its score and its probability.

Stands on the last 250 ledger days, the probability of each by the map of the days before it; none of these bars was
trained on, nor is it behind its own map.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from flows.evidence.probability import JudgedDays, judge_map, scored_days
from flows.gate.scoring.ledger import Ledger
from flows.report.data import Reliability, ReliabilityRow
from registry import ChampionRecord
from registry.model.probability import VersionMap

PARTS = 10


def reliability(champion: ChampionRecord, ledger: Ledger, state: Mapping[str, Any]) -> Reliability:
    """``state``: after the newest decision, which says what is served."""
    served = VersionMap.in_state(state, champion.version).of(np.empty(0))
    scored = scored_days(ledger, champion.version, champion.recipe_fingerprint)
    judged = None if scored is None else judge_map(scored)
    if judged is None:
        return Reliability(served.source, served.says, 0, None, None, ())
    return Reliability(served.source, served.says, judged.days, judged.skill, judged.skill_error, tuple(_rows(judged)))


def _rows(judged: JudgedDays) -> Iterator[ReliabilityRow]:
    """The tenths from the lowest scores on, as equal in size as they can be; ties stay in order of time."""
    day = np.repeat(np.arange(judged.days), np.diff(judged.starts))
    for part in np.array_split(np.argsort(judged.score, kind="stable"), PARTS):
        if part.size:
            label = judged.label[part]
            up = float(label.mean())
            daily = np.bincount(day[part], label - up, minlength=judged.days)
            yield ReliabilityRow(
                float(judged.score[part].mean()),
                float(judged.mapped[part].mean()),
                up,
                float(np.sqrt(np.square(daily).sum()) / part.size),
                part.size,
            )
