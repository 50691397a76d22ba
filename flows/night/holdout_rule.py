"""The holdout rule: champion and candidates once on the same bars, which none of them was trained on.

For one-off comparisons over named years. It is one look: repeated every night it would promote for nothing several
times a year, which is why nights are judged by :mod:`flows.night.nightly_rule`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.errors import BarsMissing
from flows.gate import HoldoutBars, Predictions, judge_holdout
from flows.gate.holdout.headline import holdout_headline
from flows.job.plan import Job
from flows.night.state import NightBars, NightContext, OutcomeRow, TrainedCandidate, Verdict
from flows.recipes import BASELINES, Scores, archived_scores, baseline, score
from registry import ChampionRecord, Model, Version
from registry.archive.input_schema import RowsOf
from registry.clock import read_moment, write_time


def holdout(data: Dataset, years: Sequence[int]) -> Mask:
    """The bars to judge on: those of the years that count as evidence."""
    chosen: Mask = data.years(*years) & data.counted
    if not chosen.any():
        raise BarsMissing(
            f"{data.bars.source} has no bars with a known label to judge on{data.spacing}: add newer bars"
        )
    return chosen


def measured(night: NightContext, candidate: TrainedCandidate) -> tuple[Scores | None, float, dict[str, Any] | None]:
    """How a candidate scored on the holdout, the decision threshold it is served with, and which bars those were."""
    bars, threshold = night.bars, candidate.fit.cut
    scores = score(bars.data.label[bars.evaluation], candidate.p, threshold)
    first, last = bars.opens[bars.evaluation][[0, -1]]
    measured_on = {
        "rule": "holdout",
        "labels": _labels(night),
        "first": write_time(first.to_pydatetime()),
        "last": write_time(last.to_pydatetime()),
        "bars": scores.bars,
        "fingerprint": bars.data.fingerprint(bars.evaluation),
    }
    return scores, threshold, measured_on


def _labels(night: NightContext) -> str:
    asked = night.job.request.advanced.labels
    return str(night.bars.data.question) if asked == "next_bar" else asked


def judge(night: NightContext, candidates: Sequence[TrainedCandidate], versions: Sequence[Version | None]) -> Verdict:
    """The decision of one look."""
    job, model, bars = night.job, night.model, night.bars
    expected = model.champion()
    judged = bars.evaluation if expected is None else bars.evaluation & ~_seen_by(model, expected, bars)
    label, day = bars.data.label[judged], bars.data.trading_day[judged]
    rows = _rows(night, candidates, versions)
    days = len(np.unique(day))
    champion = None
    if expected is not None:
        if days < job.policy.minimum_days:
            return Verdict("held", _too_few(job, expected, days), "too few days", expected, rows)
        archive = model.archive(expected)
        judged = judged & archive.signature.known(bars.data.bars.frame)
        label, day = bars.data.label[judged], bars.data.trading_day[judged]
        p = archived_scores(archive, RowsOf(bars.data.bars.frame, judged))
        name = expected.recipe or "unnamed"
        champion = Predictions(name, expected.recipe_fingerprint or "", p, expected.cut, expected.version)
        rows = (OutcomeRow.of(name, "champion", score(label, p, expected.cut), expected.version), *rows)
    among = judged[bars.evaluation]
    rules_of_thumb = {name: Predictions(name, name, p[judged], 0.5) for name, p in _baselines(night).items()}
    no_skill = rules_of_thumb.pop("no_skill")
    decision = judge_holdout(
        HoldoutBars(label, day, no_skill, list(rules_of_thumb.values())),
        champion=champion,
        candidates=[
            _predictions(candidate, version, among) for candidate, version in zip(candidates, versions, strict=True)
        ],
        policy=job.policy,
        accept_unskilled=job.request.advanced.accept_unskilled,
    )
    return Verdict(
        decision.action,
        holdout_headline(decision),
        decision.reason,
        expected,
        rows,
        decision.winner,
        decision,
        detail=decision.sentence,
    )


def _predictions(candidate: TrainedCandidate, version: Version | None, among: Mask) -> Predictions:
    recipe = candidate.fit.recipe
    return Predictions(recipe.name, recipe.fingerprint, candidate.p[among], candidate.fit.cut, _name(version))


def _baselines(night: NightContext) -> dict[str, Floats]:
    """The score of every bar by each baseline."""
    bars = night.bars
    return night.once("baselines", lambda: {name: baseline(name, bars.data, bars.train) for name in BASELINES})


def references(night: NightContext) -> tuple[OutcomeRow, ...]:
    """The baselines on the holdout."""
    at = night.bars.evaluation
    label = night.bars.data.label[at]
    return night.once(
        "references",
        lambda: tuple(
            OutcomeRow.of(name, "reference", score(label, p[at], 0.5)) for name, p in _baselines(night).items()
        ),
    )


def _rows(
    night: NightContext, candidates: Sequence[TrainedCandidate], versions: Sequence[Version | None]
) -> tuple[OutcomeRow, ...]:
    label = night.bars.data.label[night.bars.evaluation]
    tonight = [
        OutcomeRow.of(candidate.fit.recipe.name, "held", score(label, candidate.p, candidate.fit.cut), _name(version))
        for candidate, version in zip(candidates, versions, strict=True)
    ]
    return (*tonight, *references(night))


def _seen_by(model: Model, champion: ChampionRecord, bars: NightBars) -> Mask:
    """Where the champion was trained on the bar, or on a move of its label."""
    record = model.registered_at(champion.entry).record
    if record.trained_from is None or record.known_at is None:
        return np.zeros(len(bars.opens), dtype=np.bool_)
    begun, known = pd.Timestamp(read_moment(record.trained_from)), pd.Timestamp(read_moment(record.known_at))
    reaches = bars.data.question.bars * bars.data.instrument.step
    return np.asarray((bars.opens + reaches > begun) & (bars.opens < known), np.bool_)


def _too_few(job: Job, champion: ChampionRecord, days: int) -> str:
    return (
        f"held: of the days to judge on, {champion.version} was trained on all but {days}, and the gate asks for "
        f"{job.policy.minimum_days}; judge on other years, or wait for newer bars"
    )


def _name(version: Version | None) -> str | None:
    return None if version is None else version.record.version
