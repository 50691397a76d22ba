"""The outcome of a night: the rows that a person compares, the decision, and what production loads."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flows.gate.wording import would_be
from flows.night.state import OutcomeRow, RowStatus
from flows.night.suspicion import holding, recorded_holding
from registry import ChampionRecord, VersionRecord
from registry.clock import write_time
from registry.format.entries import Entry
from registry.format.phrases import plural

if TYPE_CHECKING:
    from flows.job.plan import Job
    from flows.night.state import NightContext, Verdict


SAME_BARS = 0.95
"""Of the bars of the others: with fewer (a recipe of a few nights) a row shows how many it has, and no figures."""


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
    detail: str = ""
    """The whole account of the decision, behind its sentence."""
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
            "detail": self.detail,
            "waiting": self.waiting,
            "suspicious": list(self.suspicious),
            "champion": None if self.champion is None else self.champion.to_dict(),
            "decision": self.decision,
            "rows": [row.to_dict() for row in self.rows],
            "repairs": list(self.repairs),
            "questions": list(self.questions),
            "report": self.report,
        }

    def _repr_html_(self) -> str:
        """What a notebook shows: the sentence, and the table that a terminal shows."""
        from registry.format.html_table import facts, grid

        since = since_promotion(self.rows) is not None
        head = ("version", "recipe", "accuracy", *(("AUC", "since promotion") if since else ("F1", "AUC")), "")
        rows = [(row.version, row.name, *(figures_of(row, self.rows)), row.status) for row in self.rows]
        simulated = ", simulated bars" if self.simulated else ""
        champion = "nothing yet" if self.champion is None else f"{self.champion.version} ({self.champion.recipe})"
        told = facts(
            f"{self.model}: night of {self.night}{simulated}",
            [
                ("decision", self.sentence),
                ("production loads", champion),
                ("figures are", bars_in_words(self.rows) or None),
            ],
        )
        return told + (grid("versions and references", head, rows) if self.rows else "")


def since_promotion(rows: Sequence[OutcomeRow]) -> OutcomeRow | None:
    """The champion's row where its bars are not those of the others: then the bars since its promotion stand in a
    column of their own, the same for all. None where one column says everything."""
    champion = next((row for row in rows if row.served and row.since_bars is not None), None)
    others = {row.bars for row in rows if not row.served and row.bars is not None}
    return champion if champion is not None and others and {champion.since_bars} != others else None


def on_few_bars(row: OutcomeRow, rows: Sequence[OutcomeRow]) -> bool:
    """Whether a row's figures are of so few of the bars of the others that they may not stand in one column."""
    counts = [each.bars for each in rows if each.bars is not None and each.status != "reference" and not each.served]
    return row.bars is not None and row.status != "reference" and row.bars < SAME_BARS * max(counts, default=0)


def figures_of(row: OutcomeRow, rows: Sequence[OutcomeRow]) -> list[str]:
    """What a table shows of a row: accuracy, F1 and AUC; where the bars since the champion's promotion have a column of
    their own, that accuracy in place of F1, for which a terminal has no room. Empty where the bars are others."""
    champion, few = since_promotion(rows), on_few_bars(row, rows)
    accuracy = "" if row.accuracy is None else f"{row.accuracy:.2%}"
    f1, auc = ("" if value is None else f"{value:.4f}" for value in (row.f1, row.auc))
    if row is champion or few:
        accuracy, f1, auc = "" if row is champion else plural(row.bars or 0, "bar"), "", ""
    if champion is None:
        return [accuracy, f1, auc]
    return [accuracy, auc, "" if row.since_accuracy is None else f"{row.since_accuracy:.2%}"]


def bars_in_words(rows: Sequence[OutcomeRow]) -> str:
    """Which bars the figures of some rows are of, and whose they are; empty where there are none."""
    champion = since_promotion(rows)
    shown = [row for row in rows if row.bars is not None and row is not champion and not on_few_bars(row, rows)]
    if not shown:
        return ""
    counts = " and ".join(f"{count:,}" for count in sorted({row.bars for row in shown if row.bars is not None}))
    words = f"of {counts} bars that none was trained on"
    if any(row.walk_forward for row in shown):
        words = f"of {counts} bars; a recipe's are its walk-forward, each bar by the newest fit before it"
    elif all(row.served for row in shown):
        words = f"of the {counts} bars since its promotion"
    if champion is None:
        return words
    return f"{words}; since {champion.version}'s promotion: the same {champion.since_bars:,} bars for all"


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
        sentence=would_be(verdict.sentence) if entry is None else str(entry),
        rows=tuple(_with_status(row, winner, verdict.winner_version, won) for row in verdict.rows),
        champion=night.model.champion(),
        decision=None if entry is None else entry.n,
        waiting=None if entry is None else _approval_command(job, entry),
        suspicious=holding(verdict),
        detail=would_be(verdict.detail) if entry is None else str(entry.body.get("detail") or ""),
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
        detail=str(entry.body.get("detail") or ""),
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
    walk_forward = (record.measured_on or {}).get("rule") == "stream"
    status: RowStatus = "promoted" if promoted else "held"
    return OutcomeRow(record.recipe or "unnamed", status, *figures, bars, record.version, walk_forward=walk_forward)
