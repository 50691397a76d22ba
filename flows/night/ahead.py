"""What the judging of a night will ask and no fit changes is asked ahead, beside the fits.

Judging asks it after them, when a second core has nothing to do. What is answered here is kept in the night's context
(:meth:`~flows.night.state.NightContext.once`) and not asked again; the answers are the same, early or late.
"""

from __future__ import annotations

from contextlib import suppress

from flows.errors import RetrainError
from flows.evidence.collect import Evidence
from flows.gate.scoring.ledger import recipe_stream, version_stream
from flows.night import holdout_rule, nightly_rule, suspicion
from flows.night.state import NightContext
from registry.errors import RegistryError
from registry.model.transitions import champion_of


def ask(night: NightContext, evidence: Evidence | None) -> None:
    """What fails is left to the step that needs it, where it is raised: what was done before it stays done."""
    with suppress(RetrainError, RegistryError):
        suspicion.columns(night)
        if evidence is None:
            holdout_rule.references(night)
        else:
            _ask_of(night, evidence)


def _ask_of(night: NightContext, evidence: Evidence) -> None:
    champion = champion_of(night.model.decisions.head())
    keys = [recipe_stream(recipe.fingerprint) for recipe in night.job.recipes]
    for key in [*keys, *([] if champion is None else [version_stream(champion.version)])]:
        nightly_rule.figures(night, evidence, key)
    nightly_rule.baselines(night, evidence)
    for recipe in night.job.recipes:
        nightly_rule.last_predictions(night, evidence, recipe)
    suspicion.made_again(night, evidence, every=False)
