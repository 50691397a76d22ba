"""This module gives ``registry compare`` the accuracy of two versions day by day, on bars that both were scored on.

The registry keeps the evidence and cannot read it; this package writes it, and registers this module as the reader by
an entry point (group ``registry.paired_days``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from flows.arrays import Floats
from flows.errors import GateRefused
from flows.evidence.reading import read_ledger
from flows.gate.scoring.days import by_day
from flows.gate.scoring.ledger import Ledger, recipe_stream, version_stream
from registry import Model, PairedDays, Version
from registry.analysis.noise import FEWEST_DAYS
from registry.errors import Corrupt


def paired_days(model: Model, a: Version, b: Version) -> Mapping[str, PairedDays]:
    """The days of ``accuracy``, b − a; empty where the evidence has too few, or cannot tell the two apart.

    A version's bars are those that it was scored on itself as champion, and those of its recipe's stream that its
    record was measured on. The rollover hour is left out. Raises :class:`Corrupt` for evidence that cannot be read.
    """
    try:
        ledger = read_ledger(model)
    except GateRefused as error:
        raise Corrupt(f"the evidence of {model.name}: {error}") from error
    first = hits(ledger, a)
    lead = np.where(ledger.counted, hits(ledger, b) - first, np.nan)
    both = np.column_stack([lead, np.where(np.isnan(lead), np.nan, first)])
    days = by_day(ledger.day, both, minimum_bars=ledger.instrument.counts.half_day)
    bars, mean = days.bars[:, 0], days.mean[:, 0]
    if not mean.any() or bars.sum() ** 2 < FEWEST_DAYS * np.square(bars).sum():
        return {}
    level = float(np.average(days.mean[:, 1], weights=bars))
    return {"accuracy": PairedDays(mean.tolist(), bars.astype(int).tolist(), level)}


def hits(ledger: Ledger, version: Version) -> Floats:
    """1 where the version's side came, else 0, NaN where it has no score: shape (n_bars,) of the ledger."""
    record, hit = version.record, np.full(ledger.label.size, np.nan)
    recipe = ledger.streams.get(recipe_stream(record.recipe_fingerprint or ""))
    measured = record.measured_on or {}
    if recipe is not None and measured.get("rule") == "stream":
        first, last = (pd.Timestamp(measured[end]) for end in ("first", "last"))
        at = recipe.scored & np.asarray((ledger.opens >= first) & (ledger.opens <= last), np.bool_)
        hit[at] = ((recipe.p > recipe.cut) == (ledger.label == 1.0))[at]
    own = ledger.streams.get(version_stream(record.version))
    if own is not None:
        hit[own.scored] = ((own.p > own.cut) == (ledger.label == 1.0))[own.scored]
    return hit
