"""Past decisions read back and judged again: why was this promoted or held, and does it come out the same?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flows.errors import GateRefused
from flows.evidence.reading import read_ledger
from flows.gate.nightly.calibration import Calibration
from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.decision import NightlyDecision, NightlyRow
from flows.gate.nightly.first import choose_first, choose_first_without_rate
from flows.gate.nightly.first_thresholds import FirstThresholds
from flows.gate.nightly.judge import judge_nightly
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger, recipe_stream, version_stream
from registry import Model
from registry.errors import VersionNotFound
from registry.format.entries import Entry
from registry.model.transitions import champion_of

COMPUTED_GUARDS = ("no_skill", "accuracy", "edge", "skill")
"""Guards that follow from the ledger; the others were found on the version itself and are taken from the record."""


@dataclass(frozen=True)
class Rejudged:
    """A decision judged once more from the recorded scores. ``same``: every figure agrees, whatever the wording."""

    recorded: NightlyDecision
    again: NightlyDecision

    @property
    def same(self) -> bool:
        return replace(self.recorded, sentence="") == replace(self.again, sentence="")


def decision_entry(model: Model, version: str | None = None) -> Entry:
    """The newest decision of the gate, or the one that made ``version`` champion."""
    for entry in model.decisions.walk():
        if version is None and entry.kind in ("promoted", "held", "returned"):
            return entry
        if version is not None and entry.kind in ("promoted", "returned") and entry.body.get("version") == version:
            return entry
    raise VersionNotFound(f"{model.name} has no decision" + ("" if version is None else f" that promoted {version}"))


def judge_again(model: Model, number: int) -> Rejudged:
    """Decision ``number`` of the log, judged again from the evidence as it was then.

    :class:`~flows.errors.GateRefused` where it is not a decision of the nightly gate.
    """
    entry = model.decisions.read(number)
    record: Any = model.decision_record(entry)
    scored = model.scored_by(entry)
    if record is None or record.get("rule") != "nightly" or scored is None:
        raise GateRefused(f"decision {number} of {model.name} is '{entry}': no decision of the nightly gate")
    recorded = NightlyDecision.from_dict(record)
    return Rejudged(recorded, _judged(model, entry, recorded, read_ledger(model, scored)))


def _judged(model: Model, entry: Entry, recorded: NightlyDecision, ledger: Ledger) -> NightlyDecision:
    candidates = [_candidate(row) for row in recorded.rows]
    policy = GatePolicy.from_dict({"baseline": "majority", **recorded.policy})  # which none recorded before no_skill
    if recorded.champion is None:
        return _first(recorded, ledger, candidates, policy)
    champion = champion_of(model.decisions.read(entry.n - 1))
    if champion is None or champion.version != recorded.champion:
        raise GateRefused(
            f"decision {entry.n} of {model.name} was judged against {recorded.champion}, not the champion"
        )
    missing = {"recipes", "nights", "paths", "seed", "young"} - recorded.calibration.keys()
    if recorded.threshold is None or missing:
        raise GateRefused(f"decision {entry.n} of {model.name} has no {', '.join(sorted(missing)) or 'threshold'}")
    calibration = Calibration(
        recorded.threshold,
        None if recorded.together is None else recorded.together.threshold,
        recorded.calibration["recipes"],
        policy.windows,
        policy.cadence,
        policy.budget,
        recorded.calibration["nights"],
        recorded.calibration["paths"],
        recorded.calibration["seed"],
        bool(recorded.calibration["young"]),
        bool(recorded.calibration.get("young_together", recorded.calibration["young"])),
        over_weeks=recorded.dependence is not None,
        by_shares=recorded.together is None or recorded.together.largest_share is not None,
    )
    return judge_nightly(
        ledger,
        champion=Champion(
            recorded.champion,
            champion.recipe or "unnamed",
            version_stream(recorded.champion),
            recipe_stream(champion.recipe_fingerprint or ""),
            recorded.after,
            recorded.champion_since,
            recorded.champion_refreshed,
        ),
        candidates=candidates,
        tried=recorded.tried,
        policy=policy,
        calibration=calibration,
    )


def _first(
    recorded: NightlyDecision, ledger: Ledger, candidates: list[Candidate], policy: GatePolicy
) -> NightlyDecision:
    """The choice of a first champion again, by the thresholds of then; by the rule without an error rate where none is
    recorded."""
    unskilled = recorded.accept_unskilled
    if recorded.threshold is None or recorded.later_threshold is None:
        return choose_first_without_rate(ledger, candidates=candidates, policy=policy, accept_unskilled=unskilled)
    thresholds = FirstThresholds(
        recorded.threshold,
        recorded.later_threshold,
        recorded.tried,
        policy.windows[-1],
        policy.budget,
        bool(recorded.calibration.get("first_look")),
        over_weeks=recorded.dependence is not None,
        of_middle=bool(recorded.calibration.get("of_middle")),
        low_end=bool(recorded.calibration.get("low_end")),
    )
    return choose_first(ledger, candidates=candidates, policy=policy, accept_unskilled=unskilled, thresholds=thresholds)


def _candidate(row: NightlyRow) -> Candidate:
    stream = row.fingerprint if row.former else recipe_stream(row.fingerprint)
    guards = tuple(guard for guard in row.guards if guard.name not in COMPUTED_GUARDS)
    return Candidate(row.name, row.fingerprint, stream, row.version, guards, row.former)
