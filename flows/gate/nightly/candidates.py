"""Candidates are judged against the champion; a decision records one row of figures for each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flows.gate.guards import Guard
from flows.gate.nightly.decision import NightlyRow, WindowFigures
from flows.gate.nightly.leads import AccuracyFigures
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.sequential import WindowEvidence
from flows.gate.scoring.stream_scorer import baseline_name


@dataclass(frozen=True)
class Candidate:
    """A version that may be promoted tonight (tonight's of a recipe, or a former champion), judged by ``stream``.

    ``guards``: what was found about the version itself, continuity with its stream's last version for one.
    """

    name: str
    fingerprint: str
    stream: str
    version: str | None
    guards: tuple[Guard, ...] = ()
    former: bool = False


@dataclass(frozen=True)
class Champion:
    """The version that candidates are judged against: its own ``stream``, its recipe's (from which its ranks start),
    and the last night that does not count: the night it was promoted, or of a person's override if that is later.
    ``since``: the night it was promoted. ``refreshed``: by a refresh, after which the evidence goes on (see
    :mod:`flows.gate.nightly.refresh`)."""

    version: str
    name: str
    stream: str
    recipe_stream: str
    after: str | None
    since: str | None = None
    refreshed: bool = False


def row_of(
    candidate: Candidate, evidence: WindowEvidence, at: int, figures: AccuracyFigures, policy: GatePolicy
) -> NightlyRow:
    """The decision's row of the candidate in column ``at`` of the evidence. ``figures``: over its evidence."""
    columns = (each[at].tolist() for each in (evidence.n, evidence.mean, evidence.standard_error, evidence.z))
    windows = tuple(
        WindowFigures(n, mean, error, z) for n, mean, error, z in zip(*columns, strict=True) if not math.isnan(z)
    )
    best = evidence.best_of(at)
    return NightlyRow(
        name=candidate.name,
        fingerprint=candidate.fingerprint,
        version=candidate.version,
        former=candidate.former,
        days=int(evidence.days[at]),
        bars=figures.bars,
        accuracy=figures.right,
        champion_accuracy=figures.champion,
        majority_accuracy=figures.majority,
        windows=windows,
        best_window=None if best is None else best.days,
        largest_z=None if best is None else best.z,
        guards=(*candidate.guards, *_guards(figures.right, figures.majority, figures.champion, policy)),
    )


def _guards(right: float | None, majority: float | None, champion: float | None, policy: GatePolicy) -> list[Guard]:
    """What its accuracy at its cut must satisfy, whatever the evidence."""
    guards = []
    if right is not None and majority is not None:
        name = baseline_name(policy.baseline)
        words = f"{100 * right:.2f} % right at its cut, {name} {100 * majority:.2f} %"
        guards.append(Guard("no_skill", right >= majority, words))
    if right is not None and champion is not None:
        words = f"{100 * right:.2f} % right at its cut, the champion {100 * champion:.2f} %"
        guards.append(Guard("accuracy", right >= champion - policy.accuracy_margin_points / 100.0, words))
    return guards
