"""The steps of a night as plain functions, in the order in which :func:`flows.night.run.run_night` calls them.

Two rules judge: streams by the night (:mod:`flows.night.nightly_rule`), or one look at named years
(:mod:`flows.night.holdout_rule`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pandas as pd

from flows.bars.plausibility import SeenBars, examine
from flows.bars.plausibility import judge as judge_findings
from flows.errors import BarsMissing, NightRefused, RecipeRefused, RequestRefused
from flows.evidence import collect
from flows.evidence.collect import DAYS_NAMED, Evidence
from flows.evidence.probability import fit_map, scored_days
from flows.fitting.queue import OnQueueProgress
from flows.gate.wording import fitting
from flows.job.plan import Job
from flows.night import ahead, holdout_rule, nightly_rule, overrides, suspicion
from flows.night.instrument import check_instrument, check_label, recorded_instrument, recorded_label
from flows.night.outcome import Outcome, outcome_of, recorded_outcome
from flows.night.provenance import source_revision
from flows.night.state import Fit, NightBars, NightContext, TrainedCandidate, Verdict
from flows.recipes import Machine, Recipe, environment, probabilities
from flows.recipes import train as fit_recipe
from flows.recipes import train_all as fit_recipes
from flows.recipes.threads import one_thread
from registry import Clock, Night, SystemClock, Version, VersionRecord, key_digest
from registry.archive.archive import pack
from registry.archive.input_schema import RowsOf
from registry.archive.portable import is_program
from registry.clock import write_time
from registry.errors import Frozen, NotPortable, StaleDecision, UnsafeArtifact
from registry.format.entries import Entry
from registry.log.parallel import threads
from registry.model.likeness import ranges_of
from registry.model.transitions import RECIPES_KEPT, former_champions

BARS_COMPARED = 25_000
"""Training bars on which a form of several steps is compared with its estimator: a year of quarters of an hour."""


def load(job: Job, clock: Clock | None = None) -> NightBars:
    """Bars to as-of, prepared and found plausible; which of them to train on, and which to evaluate the new versions
    on. ``clock``: the real one, after which no bar can close.

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
    seen = SeenBars.of(bars, (clock or SystemClock()).now())
    findings = judge_findings(examine(seen), training.allow or ())  # before anything is made of them that may fail
    opens = pd.DatetimeIndex(bars.frame.index)
    if training.train is None or training.holdout is None:
        evaluation = nightly_rule.last_days(data)
        train = data.window(days=training.train_days)
    else:
        evaluation = holdout_rule.holdout(data, training.holdout)
        train = data.years(*training.train)
        if training.labels == "next_bar":  # the notebook's last training label looks into the holdout: parity only
            train &= data.window(days=100_000, end=opens[evaluation][0])
    for recipe in job.recipes:
        evaluation = evaluation & recipe.signature.known(bars.frame)
    if not evaluation.any():
        raise BarsMissing(
            f"{job.source} has too few bars before those to evaluate on: a recipe looks back on "
            f"{max(recipe.signature.bars for recipe in job.recipes):,}; add earlier ones, or leave it out"
        )
    if not train.any():
        raise BarsMissing(f"{job.source} has no bars to train on before the holdout begins: name earlier years")
    return NightBars(data, train, evaluation, Night(bars.night.isoformat(), bars.as_of.to_pydatetime()), findings)


def look_up(night: NightContext) -> Outcome | None:
    """The outcome of the night where it was decided before; None where it is to be done.

    :class:`~flows.errors.NightRefused` where a later night is decided already; :class:`~flows.errors.RequestRefused`
    where the keys of this run do not fit what it may have to do;
    :class:`~flows.errors.InstrumentRefused` where the model is of another instrument than the bars,
    :class:`~flows.errors.LabelRefused` where it learns another label.
    """
    job, model, day = night.job, night.model, night.bars.night.day
    check_instrument(model, night.bars.data.instrument)
    check_label(model, night.bars.data.question, night.bars.data.instrument)
    if job.request.dry_run:
        return None
    overrides.check_keys(job)
    head = model.decisions.head()
    last = None if head is None else head.state.get("night")
    force = job.request.force
    if last is None or last < day:
        if force is not None:
            overrides.check_force(model, force)
        return None
    if last > day:
        raise NightRefused(
            f"the night of {day} is not later than the last decided one of {job.model} ({last}): "
            "a night is decided once, in order; use another --model to look at the past"
        )
    if force is not None:
        return overrides.force_decided(night, force)
    entry = model.decided(last)
    assert entry is not None, "the state says that this night is decided"
    return recorded_outcome(night, entry)


def gather(night: NightContext, progress: OnQueueProgress | None = None) -> Evidence | None:
    """The evidence with tonight's bars; None for the holdout rule, which keeps none.

    ``progress`` is called with how far the walk-forward is, and how long the rest takes.
    """
    if night.job.request.advanced.holdout is not None:
        ahead.ask(night, None)
        return None
    evidence = collect.gather(night.job, night.model, night.bars.data, night.bars.night, progress)
    ahead.ask(night, evidence)
    return evidence


def train_all(night: NightContext, on_trained: Callable[[str], None] | None = None) -> list[TrainedCandidate]:
    """Every recipe as by :func:`train`. A model predicts and is packed, in Python, while the next are fitted outside
    it. ``on_trained`` is called with the name of each recipe as it is fitted."""
    job, bars = night.job, night.bars
    waiting: dict[str, Future[TrainedCandidate]] = {}
    with threads(1) as packer:

        def fitted(fit: Fit) -> None:
            waiting[fit.recipe.name] = packer.submit(_candidate, night, fit)
            if on_trained is not None:
                on_trained(fit.recipe.name)

        seed, machine = job.request.advanced.seed, Machine(job.cores, night.clock.monotonic)
        fit_recipes(job.recipes, bars.data, bars.train, seed=seed, machine=machine, on_done=fitted)
        return [waiting[recipe.name].result() for recipe in job.recipes]


def train(night: NightContext, recipe: Recipe) -> TrainedCandidate:
    """One recipe fitted, its scores on the evaluation bars, and its archive."""
    job, bars = night.job, night.bars
    seed, machine = job.request.advanced.seed, Machine(job.cores, night.clock.monotonic)
    return _candidate(night, fit_recipe(recipe, bars.data, bars.train, seed=seed, machine=machine))


def register(
    night: NightContext, evidence: Evidence | None, candidates: Sequence[TrainedCandidate]
) -> list[Version | None]:
    """Every candidate as a version, in recipe order; what this night registered before is found, not added again."""
    if night.job.request.dry_run:
        return [None] * len(candidates)
    return [_registered(night, evidence, candidate) for candidate in candidates]


def judge(
    night: NightContext,
    evidence: Evidence | None,
    candidates: Sequence[TrainedCandidate],
    versions: Sequence[Version | None],
) -> Verdict:
    """What the gate decides by the rule of this run, unless something is too good to be true; or the person who forces
    something else."""
    if evidence is None:
        verdict = holdout_rule.judge(night, candidates, versions)
    else:
        verdict = nightly_rule.judge(night, evidence, candidates, versions)
    verdict = suspicion.examine(night, evidence, candidates, verdict)
    force = night.job.request.force
    return verdict if force is None else overrides.overruled(verdict, force, versions)


def go_on_without_approval(night: NightContext, verdict: Verdict) -> Verdict:
    """The verdict as it is: nobody can be asked here, and :func:`promote_or_hold` holds what needs a yes."""
    return verdict


def promote_or_hold(night: NightContext, versions: Sequence[Version | None], verdict: Verdict) -> Outcome | None:
    """The decision written, and the outcome; None where the champion changed meanwhile: judge again."""
    entry = None
    if not night.job.request.dry_run:
        try:
            entry = _decision(night, versions, verdict)
        except StaleDecision:
            return None
    return outcome_of(night, verdict, entry)


def go_on_without_report(night: NightContext, outcome: Outcome) -> Outcome:
    """The outcome as it is: a night that is run as a function writes no report."""
    return outcome


def _candidate(night: NightContext, fit: Fit) -> TrainedCandidate:
    signature, bars = fit.recipe.signature, night.bars
    frame = bars.data.bars.frame
    p = probabilities(fit, signature, RowsOf(frame, bars.evaluation), cores=night.job.cores)
    rows = None
    if is_program(fit.estimator):  # the arrays are all that is stored of it: compared on the year before, too
        rows = signature.matrix(RowsOf(frame, bars.train & signature.known(frame)))[-BARS_COMPARED:]
    try:
        with one_thread():  # boosting compares its arrays on every core, which the next fits have
            return TrainedCandidate(fit, p, pack(fit.estimator, signature, rows))
    except (NotPortable, UnsafeArtifact) as refused:
        raise RecipeRefused(f"recipe {fit.recipe.name} cannot be stored: {refused}; change its parameters") from refused


def _registered(night: NightContext, evidence: Evidence | None, candidate: TrainedCandidate) -> Version:
    fit, tonight = candidate.fit, night.bars.night
    return night.model.register(
        candidate.archive,
        _record(night, evidence, candidate),
        author=night.job.author,
        key=key_digest([night.job.model, tonight.day, fit.recipe.fingerprint, fit.dataset_fingerprint, fit.seed]),
        as_of=tonight.as_of,
    )


def _record(night: NightContext, evidence: Evidence | None, candidate: TrainedCandidate) -> VersionRecord:
    fit, signature = candidate.fit, candidate.fit.recipe.signature
    frame = night.bars.data.bars.frame
    if evidence is None:
        scores, cut, measured_on = holdout_rule.measured(night, candidate)
    else:
        scores, cut, measured_on = nightly_rule.measured(night, evidence, candidate)
    metrics = {} if scores is None else {name: getattr(scores, name) for name in ("accuracy", "f1", "auc", "brier")}
    return VersionRecord(
        recipe=fit.recipe.name,
        recipe_fingerprint=fit.recipe.fingerprint,
        parameters={**fit.recipe.provenance, **({"found": dict(fit.found)} if fit.found else {})},
        metrics=metrics,
        measured_on=measured_on,
        features=signature.features,
        columns=signature.columns,
        dtypes=signature.dtypes,
        cut=cut,
        ranges=ranges_of(signature.matrix(RowsOf(frame, night.bars.train & signature.known(frame)))),
        dataset_fingerprint=fit.dataset_fingerprint,
        trained_from=_time(fit.trained_from),
        trained_to=_time(fit.trained_to),
        known_at=_time(fit.known_at),
        rows=fit.rows,
        seed=fit.seed,
        environment=environment(fit.recipe.packages),
        source_revision=source_revision(),
        seconds=round(fit.seconds, 3),
        night=night.bars.night.day,
        simulated=night.bars.data.bars.simulated or None,
        allowed=night.bars.findings.allowed or None,
        instrument=recorded_instrument(night.bars.data.instrument),
        label=recorded_label(night.bars.data.question),
    )


def _time(moment: pd.Timestamp) -> str:
    return write_time(moment.to_pydatetime())


def _decision(night: NightContext, versions: Sequence[Version | None], verdict: Verdict) -> Entry:
    """The verdict as an entry of the log; :class:`StaleDecision` where the champion is no longer the one it was judged
    against."""
    job, model, tonight = night.job, night.model, night.bars.night
    body: dict[str, Any] = {"sentence": verdict.sentence, "reason": verdict.reason, **suspicion.fields(verdict)}
    if verdict.detail:
        body["detail"] = verdict.detail
    if verdict.decision is not None:
        body["record"] = verdict.decision.to_dict()
    if verdict.evidence is not None:
        named = list(verdict.evidence.rescored[:DAYS_NAMED])  # all of them stand in the evidence; an entry is small
        if verdict.evidence.vouched is not None:
            body["vouched"] = dict(verdict.evidence.vouched)
        late = verdict.evidence.hindsight.to_dict()
        if late:
            body["hindsight"] = late
        scored = verdict.evidence.scored
        body["evidence"] = {"scored": None if scored is None else scored.n, "rescored": named}
        body["probability"] = _probability_maps(night, verdict, versions)
        body["streams"] = {
            str(version.record.recipe_fingerprint)[:16]: version.entry for version in versions if version is not None
        }
    if job.request.advanced.accept_unskilled:
        body["accept_unskilled"] = True
    if night.bars.findings.allowed:
        body["allowed"] = list(night.bars.findings.allowed)
    key = key_digest([job.model, tonight.day, "decision"])
    decided: dict[str, Any] = {"expected": verdict.expected, "author": job.author, "night": tonight, "key": key}
    if verdict.action == "promoted":
        winner = _winner(night, versions, verdict)
        if verdict.force is not None:
            return model.overrule(winner, body=body, **decided | {"author": verdict.force.author})
        if overrides.needs_approval(job, verdict):
            body |= overrides.approval_fields(job, model.registration(winner.entry), verdict)
            if not overrides.is_approved(body):
                return model.hold(body=body, **decided)
        try:
            decide = model.promote if verdict.winner_version is None else model.reinstate
            return decide(winner, body=body, **decided)
        except Frozen as frozen:
            held = f"held although the gate would promote {winner}: {frozen}"
            whole = f"{held}; the gate's own word: {verdict.detail or verdict.sentence}"
            body |= {"sentence": fitting(held), "detail": whole, "reason": "frozen"}
    return model.hold(body=body, **decided)


def _probability_maps(
    night: NightContext, verdict: Verdict, versions: Sequence[Version | None]
) -> dict[str, dict[str, Any]]:
    """By version, how the champion's score, and that of who may become it by this decision, becomes a probability."""
    assert verdict.evidence is not None, "maps are fitted on the ledger"
    champion = verdict.expected
    asked = {} if champion is None else {champion.version: champion.recipe_fingerprint}
    if verdict.action == "promoted":
        record = _winner(night, versions, verdict).record
        asked[record.version] = record.recipe_fingerprint
    maps = {}
    for version, fingerprint in asked.items():
        scored = scored_days(verdict.evidence.ledger, version, fingerprint)
        fitted = None if scored is None else fit_map(scored)
        if fitted is not None:
            maps[version] = fitted.to_dict()
    return maps


def _winner(night: NightContext, versions: Sequence[Version | None], verdict: Verdict) -> Version:
    if verdict.winner_version is not None:
        return _returning(night, verdict.winner_version)
    return next(version for version in versions if version is not None and version.record.recipe == verdict.winner)


def _returning(night: NightContext, name: str) -> Version:
    """The former champion of this name, by the entry that its promotion names; a version that a person forces."""
    former = former_champions(night.model.decisions.head())
    entry = next((each.entry for each in former if each.version == name), None)
    return night.model.version(name) if entry is None else night.model.registered_at(entry)
