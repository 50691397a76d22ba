"""A model is of one instrument for good: bars of another are refused before anything is trained on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.errors import InstrumentRefused
from flows.instruments import GBPUSD_M15, Instrument
from registry import Model

KEPT = frozenset({"symbol", "bar", "pip", "hours"})
"""Fields that decide what a label, a day and a pip are; costs and bounds of plausible prices may change."""


def instrument_of(model: Model) -> Instrument | None:
    """The instrument of the newest version; None for a model without versions. Versions of before there was a choice
    are of GBPUSD in quarters of an hour."""
    head = model.versions.head()
    if head is None or head.state.get("latest") is None:
        return None
    recorded: Mapping[str, Any] | None = model.version("latest").record.instrument
    return GBPUSD_M15 if recorded is None else Instrument.parse(recorded, f"the newest version of {model.name}")


def recorded_instrument(instrument: Instrument) -> dict[str, Any] | None:
    """As a version's record keeps it; None for the one that a record without it is of."""
    return None if instrument == GBPUSD_M15 else instrument.to_dict()


def check_instrument(model: Model, instrument: Instrument) -> None:
    """:class:`InstrumentRefused` where the model's versions are of another instrument, or of other hours or pips."""
    kept = instrument_of(model)
    if kept is None:
        return
    if kept.name != instrument.name:
        raise InstrumentRefused(
            f"{model.name} is a model of {kept.name}, and these bars are of {instrument.name}: name another --model, "
            f"or set RETRAIN_INSTRUMENT={kept.name} and RETRAIN_DATA to its bars"
        )
    was, now = kept.model_dump(include=set(KEPT)), instrument.model_dump(include=set(KEPT))
    differing = [name for name in was if was[name] != now[name]]
    if differing:
        raise InstrumentRefused(
            f"{model.name} was trained with another {' and '.join(differing)} of {kept.name} than this file of the "
            "instrument says: a label or a day would mean something else; correct the file, or name another --model"
        )
