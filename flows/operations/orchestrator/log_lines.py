"""The lines that a run logs of its steps, one or a few each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from flows.evidence.collect import Evidence
from flows.gate.wording import would_be
from flows.night.outcome import Outcome
from flows.night.state import NightBars, TrainedCandidate, Verdict
from registry import Version


def loaded(bars: NightBars) -> Iterable[str]:
    loaded_bars = bars.data.bars
    simulated = "simulated " if loaded_bars.simulated else ""
    yield (
        f"night of {bars.night.day}: {len(bars.opens):,} {simulated}bars to as-of "
        f"{bars.night.as_of:%Y-%m-%d %H:%M} UTC, {int(bars.train.sum()):,} of them to train on"
    )
    for repair in loaded_bars.repairs:
        yield f"repaired: {repair}"
    for question in bars.findings.questions:
        yield f"questioned: {question}"
    for note in bars.findings.notes:
        yield f"noted: {note}"


def looked_up(outcome: Outcome | None) -> Iterable[str]:
    if outcome is not None and outcome.already_decided:
        yield f"the night of {outcome.night} is decided: {outcome.sentence}"
    elif outcome is not None:
        yield outcome.sentence


def gathered(evidence: Evidence | None) -> Iterable[str]:
    if evidence is None:
        return
    days = len(np.unique(evidence.ledger.day[evidence.ledger.counted]))
    first = not evidence.new_bars and len(evidence.ledger.live_nights) <= 1
    new = "the past scored by walk-forward" if first else f"{evidence.new_bars:,} bars scored for the first time"
    yield f"evidence: {new}; {days:,} trading days in all"
    if evidence.rescored:
        yield f"evidence: scored anew after a correction of the bars: {evidence.corrections}"
    if evidence.hindsight.words:
        yield f"evidence: {evidence.hindsight.words.removeprefix('; ')}"


def trained(candidate: TrainedCandidate) -> Iterable[str]:
    fit = candidate.fit
    yield f"{fit.recipe.name}: trained on {fit.rows:,} bars in {fit.seconds:.1f} s"


def registered(versions: Sequence[Version | None]) -> Iterable[str]:
    for version in versions:
        if version is not None:
            yield f"{version} ({version.record.recipe}) registered"


def judged(verdict: Verdict, *, dry_run: bool) -> Iterable[str]:
    yield f"gate: {would_be(verdict.sentence) if dry_run else verdict.sentence}"


def promoted_or_held(outcome: Outcome | None) -> Iterable[str]:
    if outcome is None:
        yield "the champion changed meanwhile: judging again"
    elif outcome.champion is None:
        yield "held; production stays empty"
    else:
        yield f"{outcome.action}; production loads {outcome.champion.version} ({outcome.champion.recipe})"


def reported(outcome: Outcome) -> Iterable[str]:
    if outcome.report is not None:
        yield f"report: {outcome.report}"
