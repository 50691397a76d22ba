"""A report's data, read from the registry and the bars by the readers that everything else uses."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from flows.bars import Dataset
from flows.evidence.reading import read_ledger
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger
from flows.job.plan import Job
from flows.monitoring.health import ExpectedBars, day_before, examine
from flows.night.nightly_rule import policy_of
from flows.pnl.spreads import Spreads
from flows.report.advice import advice
from flows.report.baselines import with_references
from flows.report.changes import changes
from flows.report.comparing import SELECTABLE, compared
from flows.report.data import Money, Production, Quality, ReportData
from flows.report.decisions import DecisionSummary, decisions
from flows.report.money import money
from flows.report.quality import judged_by, last_days, quality
from registry import ChampionRecord, Model, Version
from registry.clock import write_time
from registry.format.entries import Entry
from registry.model.transitions import champion_of, former_champions
from registry.model.version import version_of


def gather(
    job: Job, model: Model, data: Dataset, now: datetime, *, spreads: Spreads, ledger: Ledger | None = None
) -> ReportData:
    """Everything the report of a model says at ``now``. ``ledger``: the evidence, where the caller has it already.

    The same registry, bars, spreads and ``now`` give the same data.
    """
    head, newest = model.decisions.head(), model.versions.head()
    evidence = ledger or read_ledger(model)
    champion, told, versions = champion_of(head), decisions(model), _versions(model)
    former = _former(model, head, champion)
    good, earned = _judged(job, model, data, now, spreads, evidence, champion, head)
    production = None if champion is None or head is None else _production(model, head, champion, told)
    names = frozenset(
        [*(each.version for each in former_champions(head)), *(() if champion is None else (champion.version,))]
    )
    return ReportData(
        model=model.name,
        registry=job.registry,
        source=job.source,
        simulated=data.bars.simulated or bool(champion is not None and champion.simulated),
        as_of=write_time(now),
        newest_bar=write_time(data.bars.frame.index[-1].to_pydatetime()),
        production=production,
        quality=good,
        money=earned,
        decisions=told,
        decided=0 if head is None else head.n,
        rescored=_rescored(model),
        compared=compared([*_absent(former, versions), *versions], names),
        versions=0 if newest is None else _count(newest),
        changes=() if champion is None else _changes(model, champion, former, versions),
        advice=advice(model.name, job.registry, production, good, earned, told),
    )


def _judged(
    job: Job,
    model: Model,
    data: Dataset,
    now: datetime,
    spreads: Spreads,
    ledger: Ledger,
    champion: ChampionRecord | None,
    head: Entry | None,
) -> tuple[Quality | None, Money | None]:
    """What the ledger says of the champion; None while production is empty."""
    if champion is None:
        return None, None
    policy: GatePolicy = policy_of(job, head)
    told = examine(model, champion, data, ledger, policy, ExpectedBars(day_before(now)))
    judged = last_days(ledger, judged_by(champion, ledger))
    references: tuple[str, ...] = ()
    if judged.any():
        ledger, references = with_references(ledger, data, ledger.opens[judged][0].to_pydatetime())
    return (
        quality(model, champion, ledger, references, policy, told),
        money(champion, ledger, data, references, spreads),
    )


def _production(model: Model, head: Entry, champion: ChampionRecord, told: tuple[DecisionSummary, ...]) -> Production:
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
        nights=sum(each.number > champion.decision and each.by_the_gate for each in told),
        suspended=None if suspended is None else f"since {suspended['since'][:16]}Z: {suspended['reason']}",
        frozen=None if frozen is None else f"no promotions{until}: {frozen['reason']}",
    )


def _versions(model: Model) -> list[Version]:
    """The newest versions, oldest first."""
    registered = (entry for entry in model.versions.walk() if entry.kind == "registered")
    return [version_of(entry) for entry in islice(registered, SELECTABLE)][::-1]


def _former(model: Model, head: Entry | None, champion: ChampionRecord | None) -> list[Version]:
    """The champion and the last ten before it, oldest first, each once."""
    entries = [each.entry for each in former_champions(head)] + ([] if champion is None else [champion.entry])
    return [model.registered_at(entry) for entry in sorted(set(entries))]


def _absent(former: list[Version], versions: list[Version]) -> list[Version]:
    there = {str(each) for each in versions}
    return [each for each in former if str(each) not in there]


def _changes(model: Model, champion: ChampionRecord, former: list[Version], versions: list[Version]) -> Any:
    before = [each for each in former_champions(model.decisions.head()) if each.version != champion.version]
    by_name = {str(each): each for each in former}
    last = None if not before else by_name[before[-1].version]
    return changes(by_name[champion.version], last, versions)


def _rescored(model: Model) -> tuple[str, ...]:
    """Trading days that decisions told here scored anew after a correction of the bars."""
    from flows.report.decisions import TOLD

    named = (entry.body.get("evidence", {}).get("rescored", ()) for entry in islice(model.decisions.walk(), TOLD))
    return tuple(sorted({str(day) for days in named for day in days}))


def _count(newest: Entry) -> int:
    from registry.model.transitions import latest_number

    return latest_number(newest)
