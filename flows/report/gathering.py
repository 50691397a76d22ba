"""The data of a report is read here from the registry and the bars, by the readers that everything else uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from flows.bars import Dataset
from flows.evidence.reading import read_ledger
from flows.gate.scoring.ledger import Ledger
from flows.job.plan import Job, policy_of
from flows.monitoring.health import ExpectedBars, day_before, examine
from flows.report.advice import advice
from flows.report.baselines import with_references
from flows.report.changes import changes
from flows.report.data import Changes, Money, Production, Quality, ReportData, Side
from flows.report.decisions import MOST_DECISIONS, DecisionSummary, newest_decisions
from flows.report.importance import importance
from flows.report.money import Terms, money
from flows.report.quality import champion_stream, last_days, quality
from flows.report.reliability import reliability
from flows.report.side import newest_side
from flows.report.version_comparisons import MOST_VERSIONS, compare_versions
from registry import ChampionRecord, Model, Version
from registry.clock import write_time
from registry.format.entries import Entry
from registry.format.phrases import plural
from registry.model.transitions import champion_of, former_champions, latest_number, scored_count
from registry.model.version import version_of


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about. ``head``: the newest entry of the decisions log; ``ledger``: the evidence."""

    job: Job
    model: Model
    data: Dataset
    ledger: Ledger
    head: Entry | None

    @property
    def champion(self) -> ChampionRecord | None:
        return champion_of(self.head)


def gather(job: Job, model: Model, data: Dataset, now: datetime, *, ledger: Ledger | None = None) -> ReportData:
    """Everything in the report of a model at ``now``. ``ledger``: the evidence, where the caller has it already.

    The same registry, bars, spreads and ``now`` give the same data.
    """
    head, newest = model.decisions.head(), model.versions.head()
    evidence = ledger or read_ledger(model)
    subject = Subject(job, model, data, evidence, head)
    champion, decisions, versions = subject.champion, newest_decisions(model), _versions(model)
    champions = _champions(subject)
    good, earned = quality_and_money(subject, now)
    production = _production(subject, decisions)
    names = frozenset(
        [*(former.version for former in former_champions(head)), *(() if champion is None else (champion.version,))]
    )
    return ReportData(
        model=model.name,
        registry=job.registry,
        source=job.source,
        simulated=data.bars.simulated or bool(champion is not None and champion.simulated),
        as_of=write_time(now),
        newest_bar=write_time(data.bars.frame.index[-1].to_pydatetime()),
        production=production,
        side=_side(subject, production),
        quality=good,
        money=earned,
        reliability=None if champion is None or head is None else reliability(champion, evidence, head.state),
        importance=None if champion is None else importance(model, champion, data, policy_of(job, head).score),
        decisions=decisions,
        decided=0 if head is None else head.n - scored_count(head),
        rescored=_rescored(model),
        retrospective=_retrospective(model),
        comparisons=compare_versions([*_absent(champions, versions), *versions], names),
        versions=0 if newest is None else latest_number(newest),
        changes=_changes(subject, champions, versions),
        advice=advice(model.name, job.registry, production, good, earned, decisions),
    )


def quality_and_money(subject: Subject, now: datetime) -> tuple[Quality | None, Money | None]:
    """How good the champion is, and what it would have earned; None while production is empty."""
    champion, ledger, job = subject.champion, subject.ledger, subject.job
    if champion is None:
        return None, None
    policy = policy_of(job, subject.head)
    health = examine(
        subject.model, champion, subject.data, ledger, policy, ExpectedBars(day_before(now, job.instrument))
    )
    judged = last_days(ledger, champion_stream(champion, ledger))
    references: tuple[str, ...] = ()
    if judged.any():
        ledger, references = with_references(ledger, subject.data, ledger.opens[judged][0].to_pydatetime())
    return (
        quality(subject.model, champion, ledger, references, policy, health),
        money(champion, ledger, subject.data, references, Terms(policy.trading_rule, job.spreads, job.swap)),
    )


def _production(subject: Subject, decisions: tuple[DecisionSummary, ...]) -> Production | None:
    model, head, champion = subject.model, subject.head, subject.champion
    if head is None or champion is None:
        return None
    entry = model.decisions.read(champion.decision)
    record = model.registered_at(champion.entry).record
    suspended, frozen = head.state.get("suspended"), head.state.get("frozen")
    until = "" if frozen is None or not frozen.get("until") else f" until {frozen['until'][:16]}Z"
    return Production(
        version=champion.version,
        recipe=champion.recipe or "unnamed",
        since=champion.since,
        night=champion.night,
        by=champion.by,
        how=champion.how,
        forced=bool(champion.forced),
        decision=champion.decision,
        sentence=str(entry),
        trained_from=record.trained_from,
        trained_to=record.trained_to,
        nights=sum(decision.number > champion.decision and decision.by_the_gate for decision in decisions),
        suspended=None if suspended is None else f"since {suspended['since'][:16]}Z: {suspended['reason']}",
        frozen=None if frozen is None else f"no promotions{until}: {frozen['reason']}",
    )


def _side(subject: Subject, production: Production | None) -> Side | None:
    if subject.champion is None or (production is not None and production.suspended is not None):
        return None
    return newest_side(subject.model, subject.champion, subject.data)


def _versions(model: Model) -> list[Version]:
    """The newest versions, oldest first."""
    registered = (entry for entry in model.versions.walk() if entry.kind == "registered")
    return model.completed([version_of(entry) for entry in islice(registered, MOST_VERSIONS)][::-1])


def _champions(subject: Subject) -> list[Version]:
    """The champion and the last ten before it, oldest first, each once."""
    champion = subject.champion
    entries = [former.entry for former in former_champions(subject.head)] + (
        [] if champion is None else [champion.entry]
    )
    return [subject.model.registered_at(entry) for entry in sorted(set(entries))]


def _absent(champions: list[Version], versions: list[Version]) -> list[Version]:
    """The champions that are not among ``versions``."""
    names = {str(version) for version in versions}
    return [champion for champion in champions if str(champion) not in names]


def _changes(subject: Subject, champions: list[Version], versions: list[Version]) -> tuple[Changes, ...]:
    champion = subject.champion
    if champion is None:
        return ()
    former = [record for record in former_champions(subject.head) if record.version != champion.version]
    by_name = {str(version): version for version in champions}
    return changes(by_name[champion.version], by_name[former[-1].version] if former else None, versions)


def _rescored(model: Model) -> tuple[str, ...]:
    """Trading days that the decisions of the report scored again after a correction of the bars."""
    entries = islice(model.acts(), MOST_DECISIONS)
    rescored = (entry.body.get("evidence", {}).get("rescored", ()) for entry in entries)
    return tuple(sorted({str(day) for days in rescored for day in days}))


def _retrospective(model: Model) -> tuple[str, ...]:
    """What the decisions of the report say is not live, oldest first."""
    found = [entry.body["hindsight"] for entry in islice(model.acts(), MOST_DECISIONS) if "hindsight" in entry.body]
    lines = []
    for hindsight in found[::-1]:
        if "bars" in hindsight:
            hours = round(hindsight["lag_minutes"] / 60)
            lines.append(
                f"{plural(hindsight['bars'], 'bar')} from {hindsight['first']} to {hindsight['last']} scored up to "
                f"{plural(hours, 'hour')} after their close"
            )
        if "restated" in hindsight:
            lines.append(hindsight["restated"]["question"])
    return tuple(lines)
