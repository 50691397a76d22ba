"""Reading the evidence of a model back from the registry: the scores of each night, and the ledger that they make."""

from __future__ import annotations

from flows.gate.scoring.ledger import Ledger, NightScores, assemble, from_bytes
from registry import Model
from registry.format.entries import Entry
from registry.model.evidence import Manifest, manifest_of


def read_nights(model: Model, manifest: Manifest) -> list[NightScores]:
    """The scores of every night that a manifest names, oldest first."""
    return [scores for file in model.evidence(manifest) for scores in from_bytes(file)]


def read_ledger(model: Model, scored: Entry | None = None) -> Ledger:
    """The ledger as it is now, or as this ``scored`` entry names it: what a past decision saw."""
    return assemble(read_nights(model, model.manifest() if scored is None else manifest_of(scored)))
