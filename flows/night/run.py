"""One night as plain functions, in the order a person would tell it.

::

    job = plan(request, settings)                       what is asked for, checked before anything is read
    bars = load(job)                                    bars to as-of, with labels
    evidence = gather(job, model, bars)                  every new bar scored by the versions trained before it
    trials = [train(job, bars, recipe) ...]             every recipe, on everything known
    versions = register(job, model, bars, evidence, trials)     in recipe order
    verdict = judge(job, model, bars, evidence, trials, versions)
    outcome = settle(job, model, bars, versions, verdict)       promoted or held: compare-and-swap

Every step can be repeated after a crash and then adds only what is missing. ``flows/retrain.py`` runs the same steps as
Prefect tasks; both leave the same log. Two rules judge: streams by the night (:mod:`flows.night.nightly_rule`), or one
look at named years (:mod:`flows.night.holdout_rule`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pandas as pd

from flows.bars import Dataset
from flows.errors import BarsMissing, NightRefused, RequestRefused
from flows.evidence import collect as evidences
from flows.evidence.backfill import Progress
from flows.evidence.collect import DAYS_NAMED, Evidence
from flows.job.plan import Job, plan
from flows.job.request import RetrainRequest
from flows.night import holdout_rule, nightly_rule
from flows.night import overrides as persons
from flows.night.outcome import Outcome, outcome_of, recorded
from flows.night.provenance import source_revision
from flows.night.state import Fit, NightBars, TrainedCandidate, Verdict
from flows.recipes import Machine, Recipe, environment, probabilities, train_all
from flows.recipes import train as fit_recipe
from flows.settings import Settings
from registry import Clock, Model, NewId, Night, SystemClock, Version, VersionRecord, key_digest, random_id
from registry.archive.archive import pack
from registry.clock import write_time
from registry.errors import Frozen, StaleDecision
from registry.format.entries import Entry
from registry.model.transitions import RECIPES_KEPT

JUDGED_AGAIN = 3
"""How often a night is judged again because a person changed the champion meanwhile."""


def run(
    request: RetrainRequest,
    settings: Settings,
    *,
    clock: Clock | None = None,
    new_id: NewId = random_id,
    on_trained: Callable[[str], None] | None = None,
    on_backfill: Progress | None = None,
    on_loaded: Callable[[Dataset], None] | None = None,
) -> Outcome:
    """The whole night, without Prefect. ``on_trained`` is told the name of each recipe as it is done, ``on_backfill``
    how many refits of the walk-forward are done, and of how many; ``on_loaded`` is given the bars."""
    job = plan(request, settings)
    model = job.open_model(clock=clock, new_id=new_id)
    bars = load(job)
    if on_loaded is not None:
        on_loaded(bars.data)
    done = decided(job, model, bars)
    if done is not None:
        return done
    evidence = gather(job, model, bars, on_backfill)
    trials = train_every(job, bars, on_trained, (clock or SystemClock()).monotonic)
    versions = register(job, model, bars, evidence, trials)
    for _ in range(JUDGED_AGAIN):
        verdict = judge(job, model, bars, evidence, trials, versions)
        outcome = settle(job, model, bars, versions, verdict)
        if outcome is not None:
            return outcome
    raise changed_too_often(job)


def load(job: Job) -> NightBars:
    """Bars to as-of, prepared; which of them to train on and which to ask the new versions about.

    Raises :class:`~flows.errors.BarsRejected`, :class:`~flows.errors.BarsMissing`, before that
    :class:`~flows.errors.RequestRefused` for more recipes than a model remembers from one night to the next.
    """
    training = job.request.advanced
    if training.holdout is None and len(job.recipes) > RECIPES_KEPT:
        raise RequestRefused(
            f"{len(job.recipes)} recipes: a model remembers the newest version of {RECIPES_KEPT}, and the others would "
            "never be scored; name fewer with --recipe, or spread them over several models"
        )
    data = job.load_dataset(years=training.years, labels=training.labels, require=job.columns)
    bars = data.bars
    opens = pd.DatetimeIndex(bars.frame.index)
    if training.train is None or training.holdout is None:
        asked = nightly_rule.last_days(data)
        train = data.window(days=training.train_days)
    else:
        asked = holdout_rule.holdout(data, training.holdout)
        train = data.years(*training.train)
        if training.labels == "next_bar":  # the notebook's last training label looks into the holdout: parity only
            train &= data.window(days=100_000, end=opens[asked][0])
    if not train.any():
        raise BarsMissing(f"{job.source} has no bars to train on before the holdout begins: name earlier years")
    return NightBars(data, train, asked, Night(bars.night.isoformat(), bars.as_of.to_pydatetime()))


def decided(job: Job, model: Model, bars: NightBars) -> Outcome | None:
    """The outcome of the night where it was decided before; None where it is to be done.

    :class:`~flows.errors.NightRefused` where a later night is decided already; :class:`~flows.errors.RequestRefused`
    where the keys of this run do not fit what it may have to do.
    """
    if job.request.dry_run:
        return None
    persons.check_keys(job)
    head = model.decisions.head()
    last = None if head is None else head.state.get("night")
    force = job.request.force
    if last is None or last < bars.night.day:
        if force is not None:
            persons.check_force(model, force)
        return None
    if last > bars.night.day:
        raise NightRefused(
            f"the night of {bars.night.day} is not later than the last decided one of {job.model} ({last}): "
            "a night is decided once, in order; use another --model to look at the past"
        )
    if force is not None:
        return persons.force_decided(job, model, bars, force)
    entry = model.decided(last)
    assert entry is not None, "the state says that this night is decided"
    return recorded(job, model, bars, entry)


def gather(job: Job, model: Model, bars: NightBars, progress: Progress | None = None) -> Evidence | None:
    """The evidence with tonight's bars; None for the holdout rule, which keeps none."""
    if job.request.advanced.holdout is not None:
        return None
    return evidences.gather(job, model, bars.data, bars.night, progress)


def train(job: Job, bars: NightBars, recipe: Recipe) -> TrainedCandidate:
    """Fit one recipe and ask it about the bars to ask about."""
    seed = job.request.advanced.seed
    fit = fit_recipe(recipe, bars.data, bars.train, seed=seed, machine=Machine(job.cores))
    return trial(job, bars, fit)


def train_every(
    job: Job, bars: NightBars, on_trained: Callable[[str], None] | None, timer: Callable[[], float]
) -> list[TrainedCandidate]:
    """As :func:`train`, every recipe. A model is asked and packed, in Python, while the next are fitted outside it."""
    waiting: dict[str, Future[TrainedCandidate]] = {}
    with ThreadPoolExecutor(1) as packer:

        def done(fit: Fit) -> None:
            waiting[fit.recipe.name] = packer.submit(trial, job, bars, fit)
            if on_trained is not None:
                on_trained(fit.recipe.name)

        seed = job.request.advanced.seed
        train_all(job.recipes, bars.data, bars.train, seed=seed, machine=Machine(job.cores, timer), on_done=done)
        return [waiting[recipe.name].result() for recipe in job.recipes]


def trial(job: Job, bars: NightBars, fit: Fit) -> TrainedCandidate:
    """What a fit says on the bars asked about, and its archive."""
    signature = fit.recipe.signature
    p = probabilities(fit, signature, bars.data.bars.frame[bars.asked], cores=job.cores)
    return TrainedCandidate(fit, p, pack(fit.estimator, signature))


def register(
    job: Job, model: Model, bars: NightBars, evidence: Evidence | None, trials: Sequence[TrainedCandidate]
) -> list[Version | None]:
    """Every trial as a version, in recipe order; what this night registered before is found, not added again."""
    if job.request.dry_run:
        return [None] * len(trials)
    return [
        model.register(
            each.archive,
            _record(job, bars, evidence, each),
            author=job.author,
            key=key_digest(
                [job.model, bars.night.day, each.fit.recipe.fingerprint, each.fit.dataset_fingerprint, each.fit.seed]
            ),
            as_of=bars.night.as_of,
        )
        for each in trials
    ]


def judge(
    job: Job,
    model: Model,
    bars: NightBars,
    evidence: Evidence | None,
    trials: Sequence[TrainedCandidate],
    versions: Sequence[Version | None],
) -> Verdict:
    """What the gate says, by the rule of this run, or the person who forces something else."""
    if evidence is None:
        verdict = holdout_rule.judge(job, model, bars, trials, versions)
    else:
        verdict = nightly_rule.judge(job, model, bars, evidence, trials, versions)
    force = job.request.force
    return verdict if force is None else persons.overruled(verdict, force, versions)


def settle(
    job: Job, model: Model, bars: NightBars, versions: Sequence[Version | None], verdict: Verdict
) -> Outcome | None:
    """Write the decision, and what came of the night; None where the champion changed meanwhile: judge again."""
    if job.request.dry_run:
        return outcome_of(job, bars, verdict, model.champion(), None)
    try:
        entry = _commit(job, model, bars, versions, verdict)
    except StaleDecision:
        return None
    return outcome_of(job, bars, verdict, model.champion(), entry)


def changed_too_often(job: Job) -> StaleDecision:
    """The error of a night that a person kept overtaking."""
    return StaleDecision(
        f"the champion of {job.model} changed {JUDGED_AGAIN} times while the night was judged: run it again"
    )


def _commit(job: Job, model: Model, bars: NightBars, versions: Sequence[Version | None], verdict: Verdict) -> Entry:
    key = key_digest([job.model, bars.night.day, "decision"])
    body: dict[str, Any] = {"sentence": verdict.sentence, "reason": verdict.reason}
    if verdict.decision is not None:
        body["record"] = verdict.decision.to_dict()
    if verdict.evidence is not None:
        named = list(verdict.evidence.rescored[:DAYS_NAMED])  # all of them stand in the evidence; an entry is small
        body["evidence"] = {"entry": verdict.evidence.entry, "rescored": named}
    if job.request.advanced.accept_unskilled:
        body["accept_unskilled"] = True
    told: dict[str, Any] = {"expected": verdict.expected, "author": job.author, "night": bars.night, "key": key}
    if verdict.action == "promoted":
        winner = _winner(model, versions, verdict)
        if verdict.force is not None:
            return model.promote(winner, body=body, forced=True, **told | {"author": verdict.force.author})
        if persons.needs_approval(job, verdict):
            body |= persons.answered(job, winner, verdict)
            if not persons.may_promote(body):
                return model.hold(body=body, **told)
        try:
            return model.promote(winner, body=body, returned=verdict.winner_version is not None, **told)
        except Frozen as frozen:
            body |= {"sentence": f"held although the gate would promote {winner}: {frozen}", "reason": "frozen"}
    return model.hold(body=body, **told)


def _winner(model: Model, versions: Sequence[Version | None], verdict: Verdict) -> Version:
    if verdict.winner_version is not None:
        return model.version(verdict.winner_version)
    return next(each for each in versions if each is not None and each.record.recipe == verdict.winner)


def _record(job: Job, bars: NightBars, evidence: Evidence | None, each: TrainedCandidate) -> VersionRecord:
    fit, signature = each.fit, each.fit.recipe.signature
    if evidence is None:
        scores, cut, measured = holdout_rule.measured(job, bars, each)
    else:
        scores, cut, measured = nightly_rule.measured(evidence, each)
    metrics = {} if scores is None else {name: getattr(scores, name) for name in ("accuracy", "f1", "auc", "brier")}
    return VersionRecord(
        recipe=fit.recipe.name,
        recipe_fingerprint=fit.recipe.fingerprint,
        parameters={"estimator": fit.recipe.estimator, **fit.recipe.parameters},
        metrics=metrics,
        measured_on=measured,
        features=signature.features,
        columns=signature.columns,
        dtypes=signature.dtypes,
        cut=cut,
        dataset_fingerprint=fit.dataset_fingerprint,
        trained_from=_time(fit.trained_from),
        trained_to=_time(fit.trained_to),
        known_at=_time(fit.known_at),
        rows=fit.rows,
        seed=fit.seed,
        environment=environment(),
        source_revision=source_revision(),
        seconds=round(fit.seconds, 3),
        night=bars.night.day,
        simulated=bars.data.bars.simulated or None,
    )


def _time(moment: pd.Timestamp) -> str:
    return write_time(moment.to_pydatetime())
