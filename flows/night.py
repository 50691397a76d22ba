"""One night as plain functions, in the order a person would tell it.

::

    job = plan(request, settings)              what is asked for, resolved and checked before anything is read
    bars = load(job)                           bars to as-of, with labels; what to train on and what to judge on
    trials = [train(job, bars, each) ...]      one a recipe: fitted before the holdout, scored on it, packed
    versions = register(job, bars, trials)     in the registry, in recipe order
    verdict = judge(job, bars, trials, ...)    champion and candidates on the same bars
    outcome = settle(job, bars, verdict)       promoted or held, compare-and-swap on the champion judged against

Every step can be repeated after a crash and then adds only what is missing. ``flows/retrain.py`` runs the same steps as
Prefect tasks; both leave the same log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars import Dataset, load_bars, prepare
from flows.errors import BarsMissing, NightRefused
from flows.gate import Decision, Stream, judge_holdout
from flows.outcome import Outcome, Row
from flows.plan import Job, plan
from flows.recipes import REFERENCES, Fit, Recipe, Scores, environment, probabilities, reference, score, train_all
from flows.recipes import train as fit_recipe
from flows.revision import source_revision
from flows.settings import RetrainRequest, Settings
from registry import (
    ChampionRecord,
    Clock,
    Model,
    NewId,
    Night,
    SystemClock,
    Version,
    VersionRecord,
    key_digest,
    random_id,
)
from registry.artifact import pack
from registry.clock import read_time, write_time
from registry.entries import Entry
from registry.errors import Frozen, StaleDecision

JUDGED_AGAIN = 3
"""How often a night is judged again because a person changed the champion meanwhile."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class NightBars:
    """The bars of a night. ``train`` and ``holdout``: bool masks of shape (n_bars,) over the dataset's bars."""

    data: Dataset
    train: Mask
    holdout: Mask
    night: Night

    @property
    def opens(self) -> pd.DatetimeIndex:
        index = self.data.bars.frame.index
        assert isinstance(index, pd.DatetimeIndex)
        return index


@dataclass(frozen=True, eq=False)
class Trial:
    """One recipe's fit, what it said on the holdout (``p``: shape (holdout bars,)), and its archive."""

    fit: Fit
    p: npt.NDArray[np.float64]
    scores: Scores
    archive: bytes


@dataclass(frozen=True, eq=False)
class Verdict:
    """A decision, the champion it was judged against, and how that one scored (None: there was none, or no bars)."""

    action: str
    sentence: str
    reason: str
    expected: ChampionRecord | None
    winner: str | None = None
    decision: Decision | None = None
    champion_scores: Scores | None = None


def run(
    request: RetrainRequest,
    settings: Settings,
    *,
    clock: Clock | None = None,
    new_id: NewId = random_id,
    on_trained: Callable[[str], None] | None = None,
) -> Outcome:
    """The whole night, without Prefect. ``on_trained`` is told the name of each recipe as it is done."""
    job = plan(request, settings)
    book = job.book(clock=clock, new_id=new_id)
    bars = load(job)
    done = decided(job, book, bars)
    if done is not None:
        return done
    fits = train_all(
        job.recipes,
        bars.data,
        bars.train,
        seed=job.request.seed,
        cores=job.cores,
        on_done=None if on_trained is None else lambda fit: on_trained(fit.recipe.name),
        timer=(clock or SystemClock()).monotonic,
    )
    trials = [trial(job, bars, fit) for fit in fits]
    versions = register(job, book, bars, trials)
    for _ in range(JUDGED_AGAIN):
        verdict = judge(job, book, bars, trials, versions)
        outcome = settle(job, book, bars, trials, versions, verdict)
        if outcome is not None:
            return outcome
    raise StaleDecision(
        f"the champion of {job.model} changed {JUDGED_AGAIN} times while the night was judged: run it again"
    )


def load(job: Job) -> NightBars:
    """Bars to as-of, prepared; which of them to train on and which to judge on.

    Raises :class:`~flows.errors.BarsRejected`, :class:`~flows.errors.BarsMissing`.
    """
    request = job.request
    needed = tuple(dict.fromkeys(column for recipe in job.recipes for column in recipe.signature.columns))
    bars = load_bars(job.source, as_of=request.as_of, years=request.years, clock=job.clock, require=needed)
    data = prepare(bars, labels=request.labels)
    holdout = _holdout(data, request)
    opens = data.bars.frame.index
    if request.train is not None:
        train = data.years(*request.train)
        if request.labels == "next_bar":  # the notebook's last training label looks into the holdout: parity only
            train &= data.window(days=100_000, end=opens[holdout][0])
    else:
        train = data.window(days=request.train_days, end=opens[holdout][0])
    if not train.any():
        raise BarsMissing(
            f"{job.source} has no bars to train on before the holdout begins on {opens[holdout][0]:%Y-%m-%d}: "
            "add earlier years, or judge on fewer days"
        )
    night = Night(bars.night.isoformat(), bars.as_of.to_pydatetime())
    return NightBars(data, train, holdout, night)


def decided(job: Job, book: Model, bars: NightBars) -> Outcome | None:
    """The outcome of the night where it was decided before; None where it is to be done.

    :class:`~flows.errors.NightRefused` where a later night is decided already.
    """
    if job.request.dry_run:
        return None
    head = book.decisions.head()
    last = None if head is None else head.state.get("night")
    if last is None or last < bars.night.day:
        return None
    if last > bars.night.day:
        raise NightRefused(
            f"the night of {bars.night.day} is not later than the last decided one of {job.model} ({last}): "
            "a night is decided once, in order; use another --model to look at the past"
        )
    entry = book.decided(last)
    assert entry is not None, "the state says that this night is decided"
    return _outcome_of(job, book, bars, entry)


def train(job: Job, bars: NightBars, recipe: Recipe) -> Trial:
    """Fit one recipe and score it on the holdout."""
    fit = fit_recipe(recipe, bars.data, bars.train, seed=job.request.seed, cores=job.cores)
    return trial(job, bars, fit)


def trial(job: Job, bars: NightBars, fit: Fit) -> Trial:
    """What a fit says on the holdout, how it scored there, and its archive."""
    signature = fit.recipe.signature
    p = probabilities(fit, signature, bars.data.bars.frame[bars.holdout], cores=job.cores)
    return Trial(fit, p, score(bars.data.label[bars.holdout], p, fit.cut), pack(fit.estimator, signature))


def register(job: Job, book: Model, bars: NightBars, trials: Sequence[Trial]) -> list[Version]:
    """Every trial as a version, in recipe order; what this night registered before is found, not added again."""
    if job.request.dry_run:
        return []
    return [
        book.register(
            each.archive,
            _record(job, bars, each),
            author=job.author,
            key=key_digest(
                [job.model, bars.night.day, each.fit.recipe.fingerprint, each.fit.dataset_fingerprint, each.fit.seed]
            ),
            as_of=bars.night.as_of,
        )
        for each in trials
    ]


def judge(job: Job, book: Model, bars: NightBars, trials: Sequence[Trial], versions: Sequence[Version]) -> Verdict:
    """Champion and candidates on the same bars, none of which either was trained on."""
    expected = book.champion()
    judged = bars.holdout
    champion, scores = None, None
    if expected is not None:
        judged = bars.holdout & ~_seen_by(book, expected, bars.opens)
        days = len(np.unique(bars.data.trading_day[judged]))
        if days < job.policy.minimum_days:
            return _too_few_days(job, expected, days)
        p = _said_by(job, book, expected, bars, judged)
        champion = Stream(
            expected.recipe or "unnamed", expected.recipe_fingerprint or "", p, expected.cut, expected.version
        )
        scores = score(bars.data.label[judged], p, expected.cut)
    names = _names(versions, len(trials))
    among = judged[bars.holdout]
    candidates = [
        Stream(each.fit.recipe.name, each.fit.recipe.fingerprint, each.p[among], each.fit.cut, name)
        for each, name in zip(trials, names, strict=True)
    ]
    references = [Stream(name, name, reference(name, bars.data, bars.train)[judged], 0.5) for name in REFERENCES]
    decision = judge_holdout(
        label=bars.data.label[judged],
        day=bars.data.trading_day[judged],
        champion=champion,
        candidates=candidates,
        no_skill=next(stream for stream in references if stream.name == "no_skill"),
        policy=job.policy,
        accept_unskilled=job.request.accept_unskilled,
        references=[stream for stream in references if stream.name != "no_skill"],
    )
    return Verdict(decision.action, decision.sentence, decision.reason, expected, decision.winner, decision, scores)


def settle(
    job: Job, book: Model, bars: NightBars, trials: Sequence[Trial], versions: Sequence[Version], verdict: Verdict
) -> Outcome | None:
    """Write the decision, and what came of the night; None where the champion changed meanwhile: judge again."""
    if job.request.dry_run:
        return _outcome(job, bars, verdict, trials, versions, book.champion(), None)
    try:
        entry = _commit(job, book, bars, versions, verdict)
    except StaleDecision:
        return None
    if entry.kind == "held" and verdict.action == "promoted":
        verdict = Verdict(
            "held", str(entry), "frozen", verdict.expected, None, verdict.decision, verdict.champion_scores
        )
    return _outcome(job, bars, verdict, trials, versions, book.champion(), entry.n)


def _commit(job: Job, book: Model, bars: NightBars, versions: Sequence[Version], verdict: Verdict) -> Entry:
    key = key_digest([job.model, bars.night.day, "decision"])
    body: dict[str, Any] = {"sentence": verdict.sentence, "reason": verdict.reason}
    if verdict.decision is not None:
        body["record"] = verdict.decision.to_dict()
    if job.request.accept_unskilled:
        body["accept_unskilled"] = True
    if verdict.action == "promoted":
        winner = next(version for version in versions if version.record.recipe == verdict.winner)
        try:
            return book.promote(
                winner, expected=verdict.expected, author=job.author, body=body, night=bars.night, key=key
            )
        except Frozen as frozen:
            body |= {"sentence": f"held although the gate would promote {winner}: {frozen}", "reason": "frozen"}
    return book.hold(expected=verdict.expected, author=job.author, body=body, night=bars.night, key=key)


def _holdout(data: Dataset, request: RetrainRequest) -> Mask:
    known: Mask = data.counted
    if request.holdout is not None:
        chosen: Mask = data.years(*request.holdout) & known
    else:
        days = np.unique(data.trading_day[known])[-request.holdout_days :]
        chosen = known & np.isin(data.trading_day, days)
    if not chosen.any():
        raise BarsMissing(f"{data.bars.source} has no bars with a known label to judge on: add newer bars")
    return chosen


def _seen_by(book: Model, champion: ChampionRecord, opens: pd.DatetimeIndex) -> Mask:
    """Where the champion was trained on the bar, or on its label."""
    record = book.version(champion.version).record
    if record.trained_from is None or record.known_at is None:
        return np.zeros(len(opens), dtype=np.bool_)
    begun, known = pd.Timestamp(read_time(record.trained_from)), pd.Timestamp(read_time(record.known_at))
    return np.asarray((opens >= begun) & (opens < known), np.bool_)


def _said_by(job: Job, book: Model, champion: ChampionRecord, bars: NightBars, judged: Mask) -> npt.NDArray[np.float64]:
    archive = book.archive(champion)
    return probabilities(archive.estimator(), archive.signature, bars.data.bars.frame[judged], cores=job.cores)


def _too_few_days(job: Job, champion: ChampionRecord, days: int) -> Verdict:
    sentence = (
        f"held: of the days to judge on, {champion.version} was trained on all but {days}, and the gate asks for "
        f"{job.policy.minimum_days}; judge on other years, or wait for newer bars"
    )
    return Verdict("held", sentence, "too few days", champion)


def _record(job: Job, bars: NightBars, each: Trial) -> VersionRecord:
    fit, scores = each.fit, each.scores
    judged = bars.opens[bars.holdout]
    signature = fit.recipe.signature
    return VersionRecord(
        recipe=fit.recipe.name,
        recipe_fingerprint=fit.recipe.fingerprint,
        parameters={"estimator": fit.recipe.estimator, **fit.recipe.parameters},
        metrics={"accuracy": scores.accuracy, "f1": scores.f1, "auc": scores.auc, "brier": scores.brier},
        measured_on={
            "rule": "holdout",
            "labels": job.request.labels,
            "first": _time(judged[0]),
            "last": _time(judged[-1]),
            "bars": scores.bars,
            "fingerprint": bars.data.fingerprint(bars.holdout),
        },
        features=signature.features,
        columns=signature.columns,
        dtypes=signature.dtypes,
        cut=fit.cut,
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


def _names(versions: Sequence[Version], count: int) -> list[str | None]:
    """The versions' names; on a dry run there are none."""
    return [version.record.version for version in versions] if versions else [None] * count


def _time(moment: pd.Timestamp) -> str:
    return write_time(moment.to_pydatetime())


def _outcome(
    job: Job,
    bars: NightBars,
    verdict: Verdict,
    trials: Sequence[Trial],
    versions: Sequence[Version],
    champion: ChampionRecord | None,
    decision: int | None,
) -> Outcome:
    won: Any = "would be promoted" if job.request.dry_run else "promoted"
    names = _names(versions, len(trials))
    rows = [
        Row.of(each.fit.recipe.name, won if each.fit.recipe.name == verdict.winner else "held", each.scores, name)
        for each, name in zip(trials, names, strict=True)
    ]
    if verdict.expected is not None and verdict.champion_scores is not None:
        before = verdict.expected
        status: Any = "champion" if verdict.winner is None else "held"
        rows.insert(0, Row.of(before.recipe or "unnamed", status, verdict.champion_scores, before.version))
    label = bars.data.label[bars.holdout]
    for name in REFERENCES:
        rows.append(Row.of(name, "reference", score(label, reference(name, bars.data, bars.train)[bars.holdout], 0.5)))
    return Outcome(
        model=job.model,
        registry=job.registry,
        source=job.source,
        simulated=bars.data.bars.simulated,
        night=bars.night.day,
        as_of=write_time(bars.night.as_of),
        action=verdict.action,
        sentence=verdict.sentence,
        rows=tuple(rows),
        champion=champion,
        decision=decision,
        dry_run=job.request.dry_run,
        repairs=tuple(bars.data.bars.repairs),
    )


def _outcome_of(job: Job, book: Model, bars: NightBars, entry: Entry) -> Outcome:
    """The outcome as the registry recorded it."""
    champion = book.champion()
    rows = []
    for logged in book.versions.walk():
        if logged.kind == "registered":
            record = VersionRecord.from_dict(logged.body["version"])
            if record.night != bars.night.day:
                break
            won = entry.body.get("version") == record.version
            metrics = record.metrics
            rows.append(
                Row(
                    record.recipe or "unnamed",
                    "promoted" if won else "held",
                    metrics.get("accuracy"),
                    metrics.get("f1"),
                    metrics.get("auc"),
                    None if record.measured_on is None else record.measured_on.get("bars"),
                    record.version,
                )
            )
    return Outcome(
        model=job.model,
        registry=job.registry,
        source=job.source,
        simulated=bars.data.bars.simulated,
        night=bars.night.day,
        as_of=write_time(entry.as_of or bars.night.as_of),
        action="promoted" if entry.kind in ("promoted", "returned") else "held",
        sentence=str(entry),
        rows=tuple(rows[::-1]),
        champion=champion,
        decision=entry.n,
        already_decided=True,
        repairs=tuple(bars.data.bars.repairs),
    )
