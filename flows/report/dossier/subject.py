"""What a dossier is about: the champion of a moment with everything that was recorded by then, and the bars known then.

A past moment gives what stood in the registry then: entries written later, and bars and scores that came later, are
left out, so that the same registry and bars give the same bytes at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from flows.evidence.reading import read_nights
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.scoring.ledger import assemble
from flows.job.plan import Job
from flows.report.gathering import Subject
from flows.report.writing import check_bars
from registry import ChampionRecord, Model
from registry.clock import read_time, say_time, write_time
from registry.errors import NoChampion
from registry.format.entries import Entry
from registry.model.evidence import manifest_of
from registry.model.transitions import champion_of
from registry.model.version import Version


@dataclass(frozen=True, eq=False)
class DossierSubject:
    """``asked``: as a report reads it, with the ``head`` of that moment; ``acts``: the decisions up to then, newest
    first; ``promotion``: the entry that made the version champion."""

    asked: Subject
    champion: ChampionRecord
    version: Version
    promotion: Entry
    acts: tuple[Entry, ...]
    at: str

    @property
    def model(self) -> str:
        return self.asked.model.name

    @property
    def again(self) -> str:
        """The command that makes its numbers again."""
        return f"retrain dossier {self.model} --at {self.at}"

    @property
    def head(self) -> Entry:
        assert self.asked.head is not None, "a subject has a champion"
        return self.asked.head

    @cached_property
    def promoted_by(self) -> NightlyDecision | None:
        """The nightly gate's record of the promotion; None where another rule or a person decided."""
        return self._record(self.promotion)

    @cached_property
    def last_night(self) -> tuple[Entry, NightlyDecision] | None:
        """The newest decision of the nightly gate, with its record."""
        for entry in self.acts:
            found = self._record(entry)
            if found is not None:
                return entry, found
        return None

    def _record(self, entry: Entry) -> NightlyDecision | None:
        if entry.kind not in ("promoted", "held", "returned"):
            return None
        record: Any = self.asked.model.decision_record(entry)
        return NightlyDecision.from_dict(record) if record is not None and record.get("rule") == "nightly" else None


def dossier_subject(job: Job, model: Model, at: datetime | None) -> DossierSubject:
    """The champion now, or at a past moment; :class:`NoChampion` where production was empty then."""
    head = model.deciding(at)
    champion = champion_of(head)
    if head is None or champion is None:
        when = "has no champion" if at is None else f"had no champion at {say_time(at)}"
        raise NoChampion(
            f"{model.name} {when}, and a dossier describes one: `registry log {model.name}` says what was decided; "
            "a night (`retrain run`) or a person (`registry promote`) makes a champion"
        )
    acts = tuple(entry for entry in model.acts() if entry.n <= head.n)
    scored = next((found for found in map(model.scored_by, acts) if found is not None), None)
    known = head.state.get("as_of")
    as_of = at if known is None else read_time(known)
    data = replace(job, request=job.request.model_copy(update={"as_of": as_of})).load_dataset()
    check_bars(model, data)
    ledger = assemble([] if scored is None else read_nights(model, manifest_of(scored)))
    return DossierSubject(
        asked=Subject(job, model, data, ledger, head),
        champion=champion,
        version=model.registered_at(champion.entry),
        promotion=model.decisions.read(champion.decision),
        acts=acts,
        at=write_time(head.time if at is None else at),
    )
