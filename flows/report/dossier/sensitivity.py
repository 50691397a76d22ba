"""What the champion's recipe rests on: each feature shuffled, and the recipe fitted without its best feature.

The champion itself was trained on most of the ledger's bars, where shuffling shows what it memorised. So its recipe
walks forward as a backfill does: refitted each 20 trading days on the days before, and asked about bars that no fit
behind an answer has seen, as they are and with one feature shuffled among them (permutation importance: Breiman, 2001).
Seeds are fixed: the same bars give the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from flows.arrays import Floats, Mask
from flows.evidence.backfill import fits_before, refits
from flows.gate.scoring.ledger import Ledger
from flows.job.plan import Job, policy_of
from flows.recipes import Recipe
from flows.recipes.predicting import input_matrix, scores_of
from flows.recipes.training import Fit
from flows.report.dossier.document import DossierSection, Fact, FactTable, Value
from flows.report.dossier.measured import two_errors
from flows.report.dossier.subject import DossierSubject
from flows.report.importance import AS_IS, ledger_of, losses, mean_and_error, shuffled
from registry.archive.input_schema import RowsOf
from registry.clock import read_time

DAYS = 250
"""Trading days, at most."""


def sensitivity(subject: DossierSubject) -> DossierSection:
    """By how much the policy's score a bar falls without what each feature says."""
    recipe = _recipe(subject)
    policy = policy_of(subject.asked.job, subject.head)
    facts = [Fact("recipe", None if recipe is None else recipe.name), Fact("score", policy.score)]
    rows: list[tuple[Value, ...]] = []
    if recipe is not None:
        ledger = _asked_with_each_shuffled(subject, recipe)
        falls = _falls(ledger, policy.score)
        if falls:
            best = max(falls, key=lambda name: falls[name][0])
            facts.append(Fact("best feature", best))
            without = _without(subject, recipe, best, ledger)
            falls |= {} if without is None else {f"fitted without {best}": without}
        rows = [(name, fall, two_errors(error)) for name, (fall, error) in falls.items()]
        at = ledger.streams[AS_IS].scored
        facts += [
            Fact("bars", int(at.sum()) or None),
            Fact("trading days", int(np.unique(ledger.day[at]).size) or None),
        ]
    empty = "not recorded: the recipe is not among those of this run, or there are too few bars before the first day"
    columns = ("shuffled", f"{policy.score} a bar lost", "±")
    return DossierSection(
        "sensitivity",
        "Sensitivity",
        subject.again,
        tuple(facts),
        (FactTable("What is lost without a feature; ± two standard errors by days", columns, tuple(rows), empty),),
    )


def _recipe(subject: DossierSubject) -> Recipe | None:
    """The champion's recipe, by its fingerprint: a version's record holds no whole recipe."""
    wanted = subject.champion.recipe_fingerprint
    return next((recipe for recipe in subject.asked.job.recipes if recipe.fingerprint == wanted), None)


def _as_trained(subject: DossierSubject, recipe: Recipe) -> Job:
    """A job that fits this recipe by the seed and over as many days as the champion was."""
    job, record = subject.asked.job, subject.version.record
    changed: dict[str, int] = {} if record.seed is None else {"seed": record.seed}
    if record.trained_from is not None and record.trained_to is not None:
        changed["train_days"] = (read_time(record.trained_to) - read_time(record.trained_from)).days + 1
    advanced = job.request.advanced.model_copy(update=changed)
    return replace(job, recipes=(recipe,), request=job.request.model_copy(update={"advanced": advanced}))


def _asked_with_each_shuffled(subject: DossierSubject, recipe: Recipe) -> Ledger:
    """The recipe's scores of the last days: a stream of the bars as they are, and one for each feature shuffled."""
    names = (AS_IS, *recipe.signature.features)
    scores = {name: np.full(subject.asked.data.label.size, np.nan) for name in names}
    for step, fit, evaluated, inputs in _walked_forward(subject, recipe):
        for place, name in enumerate(names):
            asked = inputs if name == AS_IS else shuffled(inputs, place - 1, (fit.seed, step, place))
            scores[name][evaluated] = scores_of(fit.estimator, asked, cores=subject.asked.job.cores)
    return ledger_of(subject.asked.data, scores)


def _walked_forward(subject: DossierSubject, recipe: Recipe) -> Iterator[tuple[int, Fit, Mask, Floats]]:
    """Each refit of the last days with its number, the bars it is asked about, shape (n_bars,), and their inputs."""
    job, data = _as_trained(subject, recipe), subject.asked.data
    known = recipe.signature.known(data.bars.frame)
    for step, (end, scored) in enumerate(refits(data, DAYS)):
        evaluated = scored & known
        for fit in fits_before(job, data, end):
            yield step, fit, evaluated, input_matrix(recipe.signature, RowsOf(data.bars.frame, evaluated))


def _without(subject: DossierSubject, recipe: Recipe, best: str, ledger: Ledger) -> tuple[float, float | None] | None:
    """What the recipe loses where it is fitted without its best feature; None where it has no other."""
    others = tuple(name for name in recipe.signature.features if name != best)
    if not others:
        return None
    fewer = replace(recipe, name=f"{recipe.name[:40]}_fewer", features=others)
    label = subject.asked.data.label
    scores = np.full(label.size, np.nan)
    for _, fit, evaluated, inputs in _walked_forward(subject, fewer):
        scores[evaluated] = scores_of(fit.estimator, inputs, cores=subject.asked.job.cores)
    known = ~np.isnan(label)
    as_is = ledger.streams[AS_IS]
    policy = policy_of(subject.asked.job, subject.head)
    both = replace(ledger, streams={AS_IS: as_is, best: replace(as_is, p=scores[known])})
    return _falls(both, policy.score)[best]


def _falls(ledger: Ledger, score: str) -> dict[str, tuple[float, float | None]]:
    """By stream: what is lost a bar against the bars as they are, and its standard error by days."""
    found = {}
    for name, lost in losses(ledger, score).items():
        at = ledger.counted & ~np.isnan(lost)
        if at.any():
            found[name] = mean_and_error(lost[at], ledger.day[at])
    return found
