"""The outcome of a night: the rows that a person compares, the decision, and what production loads."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flows.night.state import OutcomeRow, RowStatus
from flows.night.suspicion import holding, recorded_holding
from registry import ChampionRecord, VersionRecord
from registry.clock import write_time
from registry.format.entries import Entry

if TYPE_CHECKING:
    from flows.job.plan import Job
    from flows.night.state import NightContext, Verdict


@dataclass(frozen=True)
class Outcome:
    """What one run did. ``already_decided``: the night was decided before, so nothing more was read or written."""

    model: str
    registry: str
    source: str
    simulated: bool
    night: str
    as_of: str
    action: str
    sentence: str
    rows: tuple[OutcomeRow, ...]
    champion: ChampionRecord | None
    decision: int | None
    """Number of the entry in the decisions log; None on a dry run."""
    waiting: str | None = None
    """The command by which a person approves a promotion that was held for it; None where nothing waits."""
    suspicious: tuple[str, ...] = ()
    """Names of the tripwires that nobody released: what is too good to be true."""
    already_decided: bool = False
    dry_run: bool = False
    repairs: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    """What about the bars is implausible, one sentence a finding; a person should look."""
    report: str | None = None
    """Where its report was written, or why there is none; None where none was asked for."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "model": self.model,
            "registry": self.registry,
            "data": self.source,
            "simulated": self.simulated,
            "night": self.night,
            "as_of": self.as_of,
            "already_decided": self.already_decided,
            "dry_run": self.dry_run,
            "action": self.action,
            "sentence": self.sentence,
            "waiting": self.waiting,
            "suspicious": list(self.suspicious),
            "champion": None if self.champion is None else self.champion.to_dict(),
            "decision": self.decision,
            "rows": [row.to_dict() for row in self.rows],
            "repairs": list(self.repairs),
            "questions": list(self.questions),
            "report": self.report,
        }


def bars_in_words(rows: Sequence[OutcomeRow]) -> str:
    """Which bars the figures of some rows are of, empty where there are none. A champion is judged on the bars since
    its promotion and the others on their last 250 days: where these differ, its figures stand beside no other's."""
    own = {row.bars for row in rows if row.served and row.bars is not None}
    others = {row.bars for row in rows if not row.served and row.bars is not None}
    if not own | others:
        return ""
    counts = " and ".join(f"{count:,}" for count in sorted(others or own))
    words = f"scored on {counts} bars that none was trained on"
    if not others or own <= others:
        return words
    since = " and ".join(f"{count:,}" for count in sorted(own))
    return (
        f"{words}; the champion on the {since} since its promotion, so its figures are not to be compared with theirs"
    )


def outcome_of(night: NightContext, verdict: Verdict, entry: Entry | None) -> Outcome:
    """The outcome of a verdict; ``entry`` is the decision as written, None on a dry run or where it is not yet."""
    job, bars = night.job, night.bars
    held = entry is not None and entry.kind == "held"
    winner = None if held else verdict.winner
    won: RowStatus = "would be promoted" if entry is None else "promoted"
    return Outcome(
        model=job.model,
        registry=job.registry,
        source=job.source,
        simulated=bars.data.bars.simulated,
        night=bars.night.day,
        as_of=write_time(bars.night.as_of),
        action="held" if held and verdict.action == "promoted" else verdict.action,
        sentence=verdict.sentence if entry is None else str(entry),
        rows=tuple(_with_status(row, winner, verdict.winner_version, won) for row in verdict.rows),
        champion=night.model.champion(),
        decision=None if entry is None else entry.n,
        waiting=None if entry is None else _approval_command(job, entry),
        suspicious=holding(verdict),
        dry_run=entry is None,
        repairs=tuple(bars.data.bars.repairs),
        questions=(*map(str, bars.findings.questions), *_asked(verdict)),
    )


def recorded_outcome(night: NightContext, entry: Entry) -> Outcome:
    """The outcome of a night as the registry recorded it."""
    job, model, bars = night.job, night.model, night.bars
    rows = []
    for logged in model.versions.walk():
        if logged.kind == "registered":
            record = VersionRecord.from_dict(logged.body["version"])
            if record.night != bars.night.day:
                break
            rows.append(_recorded_row(record, promoted=entry.body.get("version") == record.version))
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
        champion=model.champion(),
        decision=entry.n,
        waiting=_approval_command(job, entry),
        suspicious=recorded_holding(entry.body),
        already_decided=True,
        repairs=tuple(bars.data.bars.repairs),
        questions=(*map(str, bars.findings.questions), *_asked_then(entry)),
    )


def _asked(verdict: Verdict) -> list[str]:
    """What the evidence asks of the bars: some were restated."""
    question = "" if verdict.evidence is None else verdict.evidence.hindsight.question
    return [question] if question else []


def _asked_then(entry: Entry) -> list[str]:
    """The same of a recorded decision."""
    restated = entry.body.get("hindsight", {}).get("restated")
    return [] if restated is None else [restated["question"]]


def approval_command(job: Job, version: str) -> str:
    """The command that approves a promotion which waits for a person; they fill in NAME, WHY and FILE."""
    words = [
        "registry",
        "approve",
        job.model,
        version,
        "--registry",
        job.registry,
        "--author",
        "NAME",
        "--reason",
        "WHY",
    ]
    return shlex.join([*words, "--signing-key", "FILE"] if job.needs_signature else words)


def _approval_command(job: Job, entry: Entry) -> str | None:
    proposal = entry.body.get("proposal")
    return None if proposal is None else approval_command(job, proposal["version"])


def _with_status(row: OutcomeRow, winner: str | None, version: str | None, won: RowStatus) -> OutcomeRow:
    if winner is None or row.status == "reference":
        return row
    if row.status == "champion":
        return replace(row, status="held")
    if version is not None:  # a former champion returns: it is none of tonight's rows
        return row
    return replace(row, status=won) if row.name == winner else row


def _recorded_row(record: VersionRecord, *, promoted: bool) -> OutcomeRow:
    metrics, bars = record.metrics, (record.measured_on or {}).get("bars")
    figures = metrics.get("accuracy"), metrics.get("f1"), metrics.get("auc")
    return OutcomeRow(record.recipe or "unnamed", "promoted" if promoted else "held", *figures, bars, record.version)
