"""The champion's newest side: what it said last, at which close, and until when that holds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from flows.bars import Dataset
from flows.recipes import archived_scores
from flows.report.data import Side
from registry import ChampionRecord, Model
from registry.archive.input_schema import RowsOf
from registry.clock import write_time
from registry.errors import RegistryError


def newest_side(model: Model, champion: ChampionRecord, data: Dataset) -> Side | None:
    """What the champion says at the close of the newest bar outside the rollover hour, where nothing is decided.

    None where its artifact cannot be read or these bars lack its columns; the watch has an alarm for either.
    """
    opens = pd.DatetimeIndex(data.bars.frame.index)
    judged = np.flatnonzero(~data.instrument.rollover(opens))
    if not judged.size:
        return None
    at, step = int(judged[-1]), data.instrument.step
    newest = np.zeros(len(opens), np.bool_)
    newest[at] = True
    try:
        score = archived_scores(model.archive(champion), RowsOf(data.bars.frame, newest))
    except RegistryError:
        return None
    if not np.isfinite(score).all():
        return None
    said = opens[at] + step
    kept = bool(data.instrument.rollover(pd.DatetimeIndex([said]))[0])
    return Side(
        up=bool(score[0] > champion.cut),
        said=write_time(said.to_pydatetime()),
        until=write_time((said + step * data.question.bars).to_pydatetime()),
        over_the_rollover=kept,
    )
