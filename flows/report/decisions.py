"""Summaries of decisions for a report: what was decided, when, by whom and why, and the evidence of that night."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.nightly.decision import NightlyDecision, NightlyRow, PooledLead
from flows.gate.nightly.sequential import fewest_days
from registry import Model
from registry.clock import write_time
from registry.format.entries import Entry
from registry.format.phrases import plural

MOST_DECISIONS = NIGHTS_A_YEAR
"""Decisions in a report: about a year of nights."""

ENDS_EVIDENCE = ("promoted", "returned", "rolled_back", "unfrozen", "policy")
"""Kinds of decision after which evidence starts afresh."""


@dataclass(frozen=True)
class ChallengerStanding:
    """A challenger on one night: its largest z over the windows, None before the first of them is full; the mean lead
    a bar in that window, in units of the score, with its standard ``error``; the guards that held it back, in words."""

    name: str
    z: float | None
    lead: float | None
    days: int
    held_back_by: tuple[str, ...]
    error: float | None = None


@dataclass(frozen=True)
class DecisionSummary:
    """One decision. ``number``: of its entry in the decisions log. ``champion``: the version it was judged against,
    ``version`` the one it put into production. ``threshold``, ``smallest_visible``, ``more_nights``, ``tried`` and
    ``standings`` are empty where the nightly gate did not decide against a champion."""

    number: int
    kind: str
    time: str
    night: str | None
    author: str
    sentence: str
    reason: str | None
    champion: str | None
    version: str | None
    threshold: float | None = None
    smallest_visible: float | None = None
    more_nights: int | None = None
    tried: int | None = None
    score: str | None = None
    shortest_window: int | None = None
    """Trading days beside a champion that the gate asks for before it tells a difference."""
    standings: tuple[ChallengerStanding, ...] = ()
    together: PooledLead | None = None
    """The lead of all recipes together over the champion: whether the champion fell behind."""
    refreshed: bool = False
    """The champion's own recipe, retrained, took its place: the evidence of the others goes on."""

    @property
    def ends_evidence(self) -> bool:
        """Evidence starts afresh after it."""
        return self.kind in ENDS_EVIDENCE and not self.refreshed

    @property
    def expected(self) -> str:
        """When a promotion can be expected, in one sentence; empty where this decision does not say."""
        if self.kind != "held" or not self.standings:
            return ""
        missing = (self.shortest_window or 0) - max(each.days for each in self.standings)
        if self.champion is not None and all(each.z is None for each in self.standings):
            return f"The first comparison comes in {plural(missing, 'trading day')}." if missing > 0 else ""
        if self.more_nights:
            return f"A lead of the size seen would be promoted in about {plural(self.more_nights, 'night')}."
        if self.more_nights is None and self.smallest_visible is not None:
            return "No promotion is in sight: no lead is large enough to be shown within a year."
        return ""

    @property
    def by_the_gate(self) -> bool:
        return self.kind in ("promoted", "held", "returned")


def newest_decisions(model: Model, *, at_most: int = MOST_DECISIONS) -> tuple[DecisionSummary, ...]:
    """The newest decisions of a model, oldest first."""
    return summaries(model, islice(model.acts(), at_most))


def summaries(model: Model, entries: Iterable[Entry]) -> tuple[DecisionSummary, ...]:
    """Summaries, oldest first, of decisions, which come newest first (:meth:`Model.acts`)."""
    return tuple(_summary(model, entry) for entry in entries)[::-1]


def proposal_summary(decision: NightlyDecision, night: str) -> DecisionSummary:
    """Summary of tonight's decision before it is written: it has no number and no time yet."""
    summary = DecisionSummary(
        0, decision.action, "", night, "", decision.sentence, decision.reason, None, decision.winner_version
    )
    return replace(summary, **_evidence(decision))


def _summary(model: Model, entry: Entry) -> DecisionSummary:
    decided = entry.kind in ("promoted", "held", "returned")
    record: Any = model.decision_record(entry) if decided else None
    nightly = record is not None and record.get("rule") == "nightly"
    summary = DecisionSummary(
        number=entry.n,
        kind=entry.kind,
        time=write_time(entry.time),
        night=entry.state.get("night") if decided else None,
        author=entry.author,
        sentence=str(entry),
        reason=entry.body.get("reason"),
        champion=None,
        version=entry.body.get("version"),
    )
    return replace(summary, **_evidence(NightlyDecision.from_dict(record))) if nightly else summary


def _evidence(decision: NightlyDecision) -> dict[str, Any]:
    return {
        "champion": decision.champion,
        # that of a first champion is for a z against no skill, which no chart of challengers shows
        "threshold": None if decision.champion is None else decision.threshold,
        "smallest_visible": decision.smallest_visible,
        "more_nights": decision.more_nights,
        "tried": decision.tried,
        "score": str(decision.policy["score"]),
        "shortest_window": fewest_days(decision.policy["windows"]) if decision.policy.get("windows") else None,
        "standings": tuple(_standing(row) for row in decision.rows),
        "together": decision.together,
        "refreshed": decision.refreshed,
    }


def _standing(row: NightlyRow) -> ChallengerStanding:
    best = row.best
    name = f"{row.name} ({row.version}, former champion)" if row.former else row.name
    words = tuple(f"{guard.name}: {guard.words}" for guard in row.failed)
    mean, error = (None, None) if best is None else (best.mean, best.standard_error)
    return ChallengerStanding(name, row.largest_z, mean, row.days, words, error)
