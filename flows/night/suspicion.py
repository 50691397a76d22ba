"""What is too good to be true holds the night: nothing is promoted, whatever the evidence, until a person looks.

After the gate has judged, the tripwires (:mod:`flows.gate.tripwires`) look at what it judged: every input of tonight's
recipes, every stream of the ledger that could be promoted, or each candidate on the holdout. The gate's own decision
stays in the record and in the sentence. A person goes on in two ways, each by name and with a reason: they release the
wires by their names for a run, and the gate decides; or they force a version.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from flows.arrays import Floats
from flows.evidence.collect import Evidence
from flows.evidence.recomputation import TOLERANCE, Difference, Recomputed, recompute
from flows.gate.scoring.ledger import recipe_stream, version_stream
from flows.gate.tripwires.columns import LabelledBars, tripped_columns
from flows.gate.tripwires.streams import JudgedSides, tripped_controls, tripped_recipes
from flows.gate.tripwires.wire import TrippedWire
from flows.gate.wording import by_person, fitting, short_name
from flows.job.plan import policy_of
from flows.night.state import NightBars, NightContext, TrainedCandidate, Verdict
from flows.recipes import Recipe
from registry.archive.input_schema import RowsOf
from registry.format.phrases import plural
from registry.model.transitions import champion_of, former_champions

NAMED = 3
"""Wires that a sentence says in full; of the others it gives the names."""

KEPT = 10
"""Wires that a decision records: an entry is small."""


def examine(
    night: NightContext, evidence: Evidence | None, candidates: Sequence[TrainedCandidate], verdict: Verdict
) -> Verdict:
    """The gate's verdict, or a held one where a wire tripped that this run does not release."""
    again = None if evidence is None else made_again(night, evidence, every=verdict.action == "promoted")
    verdict = replace(verdict, recomputed=again)
    wires = (*tripped(night, evidence, candidates), *_differing(again))
    if not wires:
        return verdict
    release = night.job.request.release
    held_by = [wire for wire in wires if release is None or wire.name not in release.names]
    if release is not None and not held_by:
        names = ", ".join(wire.name for wire in wires)
        who = f"{plural(len(wires), 'suspicious finding')} released by {release.author}"
        whole = f"suspicious but released by {release.author} ({names}): {release.reason}"
        return replace(
            verdict,
            wires=wires,
            release=release,
            sentence=by_person(verdict.sentence, who, release.reason),
            detail=f"{verdict.detail or verdict.sentence}; {whole}",
        )
    return replace(
        verdict,
        action="empty" if verdict.expected is None else "held",
        winner=None,
        wires=wires,
        reason="suspicious",
        sentence=_headline(held_by),
        detail=_suspicious(verdict, held_by, [wire.name for wire in wires]),
    )


def tripped(
    night: NightContext, evidence: Evidence | None, candidates: Sequence[TrainedCandidate]
) -> tuple[TrippedWire, ...]:
    """Every wire that trips tonight: columns, recipes, then the control."""
    policy = policy_of(night.job, night.model.decisions.head())
    judged = _on_holdout(night.bars, candidates) if evidence is None else _of_ledger(night, evidence)
    return (
        *columns(night),
        *tripped_recipes(judged, percent=policy.suspicious_percent),
        *tripped_controls(judged),
    )


def columns(night: NightContext) -> list[TrippedWire]:
    """The wires that inputs of tonight's recipes trip."""
    return night.once("columns", lambda: tripped_columns(_inputs(night.bars, night.job.recipes), _labelled(night.bars)))


def made_again(night: NightContext, evidence: Evidence, *, every: bool) -> Recomputed | None:
    """Past scores made again: those of every past live day, or of a tenth of them."""
    day = night.bars.night.day
    return night.once(("made again", evidence, every), lambda: recompute(evidence, night.bars.data, day, every=every))


def fields(verdict: Verdict) -> dict[str, Any]:
    """What a decision records of scores that were made again, of tripped wires, and of who released them."""
    recorded: dict[str, Any] = {} if verdict.recomputed is None else {"recomputed": verdict.recomputed.to_dict()}
    if not verdict.wires:
        return recorded
    recorded["suspicious"] = [wire.to_dict() for wire in verdict.wires[:KEPT]]
    if verdict.release is not None:
        release = verdict.release
        recorded["release"] = {"wires": list(release.names), "author": release.author, "reason": release.reason}
    return recorded


def holding(verdict: Verdict) -> tuple[str, ...]:
    """The names of the wires that nobody released."""
    return recorded_holding(fields(verdict))


def recorded_holding(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The same by the body of a decision, with its :func:`fields`."""
    return () if "release" in body else tuple(wire["name"] for wire in body.get("suspicious", ()))


def _differing(again: Recomputed | None) -> tuple[TrippedWire, ...]:
    """A wire for each recipe or frozen version whose kept scores are not what its versions say."""
    differing: dict[str, list[Difference]] = {}
    for difference in () if again is None else again.differences:
        differing.setdefault(difference.of, []).append(difference)
    wires = []
    for of, each in differing.items():
        worst = max(each, key=lambda difference: difference.largest)
        more = "" if len(each) == 1 else f" (and of {len(each) - 1} more versions)"
        scores = sum(difference.scores for difference in each)
        wires.append(TrippedWire("scores", of, worst.largest, TOLERANCE, scores, f"{worst.words}{more}"))
    return tuple(wires)


def _inputs(bars: NightBars, recipes: Sequence[Recipe]) -> dict[str, Floats]:
    """The columns that recipes read, and the features that they make of them, each once."""
    frame = bars.data.bars.frame
    columns = {column: frame[column].to_numpy(np.float64) for recipe in recipes for column in recipe.signature.columns}
    features: dict[str, Floats] = {}
    for recipe in recipes:
        known = recipe.signature.known(frame)
        values = np.full((len(frame), len(recipe.signature.features)), np.nan)
        values[known] = recipe.signature.unchecked(RowsOf(frame, known))
        features |= {name: values[:, at] for at, name in enumerate(recipe.signature.features) if name not in features}
    return columns | {name: each for name, each in features.items() if name not in columns}


def _labelled(bars: NightBars) -> LabelledBars:
    data = bars.data
    label = np.where(data.counted, data.label, np.nan)
    return LabelledBars(label, data.trading_day, data.bars.close, data.question.bars)


def _on_holdout(bars: NightBars, candidates: Sequence[TrainedCandidate]) -> JudgedSides:
    at, of = bars.evaluation, bars.data.instrument
    ups = {each.fit.recipe.name: (each.p > each.fit.cut).astype(np.float64) for each in candidates}
    return JudgedSides(
        bars.data.label[at],
        bars.data.trading_day[at],
        of.slot(bars.opens[at]),
        ups,
        of.slots,
        of.counts,
        bars.data.question.bars,
    )


def _of_ledger(night: NightContext, evidence: Evidence) -> JudgedSides:
    """The counted bars of the ledger; the streams of tonight's recipes, of the champion and of the one before it."""
    ledger, head = evidence.ledger, night.model.decisions.head()
    keys = {recipe.name: recipe_stream(recipe.fingerprint) for recipe in night.job.recipes}
    for former in [*former_champions(head)[-1:], champion_of(head)]:
        if former is not None:
            keys[former.version] = version_stream(former.version)
    at = ledger.counted
    ups = {
        name: np.where(stream.scored, stream.p > stream.cut, np.nan)[at]
        for name, key in keys.items()
        if (stream := ledger.streams.get(key)) is not None
    }
    opens, of = pd.DatetimeIndex(ledger.opens[at]), ledger.instrument
    horizon = ledger.question.bars
    return JudgedSides(ledger.label[at], ledger.day[at], of.slot(opens), ups, of.slots, of.counts, horizon)


def _suspicious(verdict: Verdict, held_by: Sequence[TrippedWire], names: Sequence[str]) -> str:
    words = "; ".join(wire.words for wire in held_by[:NAMED])
    if len(held_by) > NAMED:
        words += f"; and {', '.join(wire.name for wire in held_by[NAMED:])}"
    given = [part for name in names for part in ("--release", name)]
    command = shlex.join(["retrain", "run", *given, "--author", "NAME", "--reason", "WHY"])
    look = "no market is so predictable, so nothing is promoted: look for the future in it"
    if any(wire.kind == "scores" for wire in held_by):
        look = "nothing is promoted by such evidence: look who wrote it (`registry log`, `registry verify`)"
    return (
        f"suspicious: {words}; {look}; if it is right all the same, the next night goes on with {command}; the gate's "
        f"own word: {verdict.detail or verdict.sentence}"
    )


def _headline(held_by: Sequence[TrippedWire]) -> str:
    """The night in one sentence: which wire tripped, and what follows."""
    of, more = short_name(held_by[0].of), len(held_by) - 1
    if held_by[0].kind == "scores":
        found = f"recorded scores of {of} are not what its versions say"
    else:
        found = f"{held_by[0].kind}:{of} is too good to be true"
    others = f" (and {plural(more, 'more finding')})" if more else ""
    return fitting(f"suspicious: {found}{others}; nothing is promoted until a person looks (`retrain explain`)")
