"""A model is of one instrument and one label for good: others are refused before anything is trained on them."""

from __future__ import annotations

import shlex
from typing import Any

from flows.bars import NEXT_BAR, Label
from flows.errors import InstrumentRefused, LabelRefused
from flows.instruments import GBPUSD_M15, Instrument
from registry import Model, VersionRecord

KEPT = frozenset({"symbol", "bar", "pip", "hours"})
"""Fields that decide what a label, a day and a pip are; bounds of plausible prices may change, and costs where no label
counts them in."""


def instrument_of(model: Model) -> Instrument | None:
    """The instrument of the newest version; None for a model without versions. Versions of before there was a choice
    are of GBPUSD in quarters of an hour."""
    record = _newest(model)
    if record is None:
        return None
    recorded = record.instrument
    return GBPUSD_M15 if recorded is None else Instrument.parse(recorded, f"the newest version of {model.name}")


def recorded_label(label: Label) -> dict[str, Any] | None:
    """As a version's record keeps it; None for the one that a record without it is of."""
    return None if label == NEXT_BAR else label.to_dict()


def check_label(model: Model, label: Label, instrument: Instrument) -> None:
    """:class:`LabelRefused` where the model's versions learnt to tell something else: another label, or one that counts
    in other costs than those of the instrument when the model was begun."""
    record = _newest(model)
    if record is None:
        return
    kept = Label.from_dict(record.label or {})
    if kept != label:
        raise LabelRefused(
            f"{model.name} learns the label {kept}, and RETRAIN_LABEL asks for {label}: a model keeps its "
            "label, as its evidence is of one question; name another --model to begin one, or set "
            f"RETRAIN_LABEL={shlex.quote(str(kept))}"
        )
    begun = instrument_of(model)
    if label.costs and begun is not None and begun.costs.spreads != instrument.costs.spreads:
        raise LabelRefused(
            f"the label of {model.name} counts in spreads of {begun.costs.spreads!r}, and this file of the instrument "
            f"says {instrument.costs.spreads!r}: the same bars would have other labels; set the costs of trading by "
            "RETRAIN_SPREADS and leave the file, or name another --model"
        )


def _newest(model: Model) -> VersionRecord | None:
    """The record of the newest version; None for a model without versions."""
    head = model.versions.head()
    return None if head is None or head.state.get("latest") is None else model.version("latest").record


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
