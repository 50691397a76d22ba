"""The nightly rule: streams against the champion, by the evidence ledger, with one error rate for the whole year.

Nothing is held back from training: a version is judged by what its recipe's earlier versions predicted for bars that
came after them. See :mod:`flows.gate.nightly.judge`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import BarsMissing
from flows.evidence.backfill import decision_threshold
from flows.evidence.collect import Evidence
from flows.gate.guards import Guard
from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.continuity import DAYS, continuity
from flows.gate.nightly.costs import NetLeads
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.first import FIRST_DAYS, choose_first
from flows.gate.nightly.headline import headline
from flows.gate.nightly.judge import judge_nightly, nights_since, tried_lately
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger, Stream, minutes, recipe_stream, version_stream
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.instruments.spreads import spread_by_hour
from flows.job.plan import policy_of as policy_of
from flows.night.state import NightBars, NightContext, OutcomeRow, TrainedCandidate, Verdict
from flows.night.trader import earned, with_money
from flows.pnl.account import TradedBars
from flows.recipes import BASELINES, Recipe, Scores, baseline, score, score_sides
from registry import ChampionRecord, Model, Version, key_digest
from registry.archive.input_schema import RowsOf
from registry.clock import write_time
from registry.errors import ArtifactMissing
from registry.format.entries import Entry
from registry.model.transitions import champion_of, former_champions, night_in_force


def last_days(data: Dataset) -> Mask:
    """The bars that each new version predicts: those of the last 20 trading days with a known label."""
    days = np.unique(data.trading_day[data.counted])[-data.instrument.counts.four_weeks :]
    chosen: Mask = data.counted & np.isin(data.trading_day, days)
    if not chosen.any():
        raise BarsMissing(
            f"{data.bars.source} has no trading day with {data.instrument.counts.half_day} bars{data.spacing}: "
            "add newer bars"
        )
    return chosen


def measured(
    night: NightContext, evidence: Evidence, candidate: TrainedCandidate
) -> tuple[Scores | None, float, dict[str, Any] | None]:
    """How a recipe's stream scored out of sample over its last 250 days (None: it has no scored bars yet), the decision
    threshold that tonight's version is served with, and which bars those were."""
    ledger = evidence.ledger
    key = recipe_stream(candidate.fit.recipe.fingerprint)
    stream, scores = ledger.streams.get(key), figures(night, evidence, key)
    if stream is None or scores is None:
        return None, 0.5, None
    at = _last_year(ledger, stream)
    measured_on = {
        "rule": "stream",  # each bar by the recipe's newest version trained before it
        "first": write_time(ledger.opens[at][0].to_pydatetime()),
        "last": write_time(ledger.opens[at][-1].to_pydatetime()),
        "bars": scores.bars,
        "fingerprint": key_digest([minutes(ledger.opens[at]).tolist(), ledger.label[at].tolist()]),
        "no_skill": StreamScorer(ledger, "edge").figures(stream, at)[2],
    }
    return scores, decision_threshold(evidence.policy, stream.p[stream.scored], ledger.instrument.counts), measured_on


def judge(
    night: NightContext,
    evidence: Evidence,
    candidates: Sequence[TrainedCandidate],
    versions: Sequence[Version | None],
) -> Verdict:
    """The decision of a night, from the ledger."""
    job, model, bars = night.job, night.model, night.bars
    head = model.decisions.head()
    expected = champion_of(head)
    policy = policy_of(job, head)
    ledger = evidence.ledger
    tonight = [
        _candidate(policy, night, evidence, trained, version)
        for trained, version in zip(candidates, versions, strict=True)
    ]
    decision: NightlyDecision
    ahead, champion = "", None if expected is None else champion_of_night(model, head, expected)
    traded = traded_bars(ledger, bars.data, policy)
    everyone = tonight
    if champion is None:
        unskilled = job.request.advanced.accept_unskilled
        decision = choose_first(ledger, candidates=tonight, policy=policy, accept_unskilled=unskilled)
        ahead = baselines_ahead(decision, tonight, ledger, _baseline_predictions(bars)[1], bars)
    else:
        everyone = [*tonight, *_former(evidence, head, champion)]
        costs = NetLeads(ledger, champion, traded, policy)
        everyone = [with_costs(candidate, costs) for candidate in everyone]
        decision = judge_nightly(
            ledger,
            champion=champion,
            candidates=everyone,
            tried=tried_lately(ledger, everyone),
            policy=policy,
        )
    money = earned(decision, everyone, champion, ledger, traded, policy.trading_rule)
    detail = with_money(decision.sentence, money) + ahead + evidence.hindsight.words
    if evidence.rescored:
        detail += f"; rescored after a correction of the bars: {evidence.corrections}"
    return Verdict(
        decision.action,
        headline(decision, money, caveat="a rule of thumb scored more" if ahead else ""),
        decision.reason,
        expected,
        _rows(night, evidence, expected, candidates, versions),
        decision.winner,
        decision,
        evidence,
        detail=detail,
    )


def champion_of_night(model: Model, head: Entry | None, expected: ChampionRecord) -> Champion:
    """The champion that the log names at ``head``, as the gate sees it."""
    record: Any = model.decision_record(model.decisions.read(expected.decision))
    refreshed = record is not None and bool(record.get("refreshed"))
    act = None if head is None else head.state.get("evidence_after")
    chosen = night_in_force(head, expected.night)
    begun = record["after"] if refreshed else chosen  # after a refresh the evidence goes on
    nights = [night for night in (begun, act) if night is not None]
    return as_champion(
        expected.version,
        expected.recipe,
        expected.recipe_fingerprint,
        after=max(nights) if nights else None,
        since=chosen,
        refreshed=refreshed,
    )


def as_champion(
    version: str, recipe: str | None, fingerprint: str | None, *, after: str | None, since: str | None, refreshed: bool
) -> Champion:
    """A version in production as the gate sees it. ``after``: the last night that is no evidence; ``since``: the night
    that promoted it; ``refreshed``: it took the place of an older version of its recipe."""
    return Champion(
        version,
        recipe or "unnamed",
        version_stream(version),
        recipe_stream(fingerprint or ""),
        after,
        since,
        refreshed,
    )


def _former(evidence: Evidence, head: Entry | None, champion: Champion) -> list[Candidate]:
    """The former champion, for 250 nights one more challenger; not one that a person rolled back from."""
    others = [former for former in former_champions(head) if former.version != champion.version]
    if head is None or not others or others[-1].version in head.state.get("rolled_back", ()):
        return []
    if not former_takes_part(champion, evidence.ledger.live_nights):
        return []
    last = evidence.scorers.registered_at(others[-1].entry)
    return [former_candidate(last.version, last.recipe)]


def former_takes_part(champion: Champion, nights: Sequence[str]) -> bool:
    """Whether the former champion is still a challenger after these nights: for 250 nights from the promotion on."""
    begun = champion.since or champion.after
    return begun is None or nights_since(nights, begun) <= NIGHTS_A_YEAR


def former_candidate(version: str, recipe: str | None) -> Candidate:
    """The former champion as a challenger: its stream is that of the frozen version."""
    stream = version_stream(version)
    return Candidate(recipe or "unnamed", stream, stream, version, former=True)


def _candidate(
    policy: GatePolicy, night: NightContext, evidence: Evidence, trained: TrainedCandidate, version: Version | None
) -> Candidate:
    recipe = trained.fit.recipe
    name = None if version is None else version.record.version
    return candidate(policy, recipe, evidence.ledger, trained.p, last_predictions(night, evidence, recipe), name)


def last_predictions(night: NightContext, evidence: Evidence, recipe: Recipe) -> tuple[Floats, float] | None:
    """The scores, on the evaluation bars, of the version that last scored for the recipe, and its decision
    threshold; None where there is none (before the first live night), or its artifact is gone."""
    return night.once(
        ("last predictions", evidence, recipe.fingerprint), lambda: _last_predictions(night.bars, evidence, recipe)
    )


def _last_predictions(bars: NightBars, evidence: Evidence, recipe: Recipe) -> tuple[Floats, float] | None:
    stream = evidence.ledger.streams.get(recipe_stream(recipe.fingerprint))
    if stream is None or stream.last_version is None:
        return None
    try:
        entry = evidence.scorers.entry_of(stream.last_version, stream.last_entry)
        if entry is None:
            return None
        p = evidence.scorers.probabilities(entry, RowsOf(bars.data.bars.frame, bars.evaluation))
    except ArtifactMissing:
        return None
    return p, evidence.scorers.registered_at(entry).cut


def candidate(
    policy: GatePolicy,
    recipe: Recipe,
    ledger: Ledger,
    p: Floats,
    last: tuple[Floats, float] | None,
    version: str | None,
) -> Candidate:
    """A recipe's version of tonight as the gate sees it. ``p``: its scores on the evaluation bars (of the last
    20 days), shape (evaluation bars,); ``last``: those of the stream's last version, and its decision threshold."""
    stream = ledger.streams.get(recipe_stream(recipe.fingerprint))
    cut = None if stream is None else decision_threshold(policy, stream.p[stream.scored], ledger.instrument.counts)
    return continued(recipe, p, last, version, cut=cut, scorer=None if stream is None else stream.last_version)


def continued(
    recipe: Recipe,
    p: Floats,
    last: tuple[Floats, float] | None,
    version: str | None,
    *,
    cut: float | None,
    scorer: str | None,
) -> Candidate:
    """As :func:`candidate`. ``cut``: the decision threshold of tonight's version, None where the recipe has no stream
    yet; ``scorer``: the version that scored the stream's newest bar, None where that was the walk-forward."""
    guards: tuple[Guard, ...] = ()
    if cut is not None and last is not None:
        agreed = continuity(p, last[0], tonight_threshold=cut, last_threshold=last[1])
        words = f"agrees with its stream's last version on {agreed.agreement:.0%} of {agreed.bars:,} bars"
        if not agreed.says_both:
            words = f"says one class on all {agreed.bars:,} bars of the last {DAYS} days"
        guards = (Guard("continuity", agreed.holds, words),)
    elif scorer is not None:
        guards = (Guard("continuity", False, f"{scorer}, its stream's last version, is gone: no comparison"),)
    return Candidate(recipe.name, recipe.fingerprint, recipe_stream(recipe.fingerprint), version, guards)


def with_costs(candidate: Candidate, costs: NetLeads) -> Candidate:
    """The candidate with the guard on its net result, where the policy asks for one."""
    guard = costs.guard(candidate.stream)
    return candidate if guard is None else replace(candidate, guards=(*candidate.guards, guard))


def traded_bars(ledger: Ledger, data: Dataset, policy: GatePolicy) -> TradedBars:
    """The ledger's bars with the moves that followed, NaN where the data has none, and the policy's spreads."""
    opens = pd.DatetimeIndex(data.bars.frame.index)
    moves = np.asarray(pd.Series(data.move_pips, opens).reindex(ledger.opens), np.float64)
    return TradedBars(
        ledger.opens, moves, spread_by_hour(ledger.opens, policy.spread_pips), instrument=ledger.instrument
    )


def _rows(
    night: NightContext,
    evidence: Evidence,
    expected: ChampionRecord | None,
    candidates: Sequence[TrainedCandidate],
    versions: Sequence[Version | None],
) -> tuple[OutcomeRow, ...]:
    ledger = evidence.ledger
    rows, since = [], np.zeros(ledger.label.size, np.bool_)
    if expected is not None:
        key = version_stream(expected.version)
        stream = ledger.streams.get(key)
        since = since if stream is None else _last_year(ledger, stream)
        row = OutcomeRow.of(expected.recipe or "unnamed", "champion", figures(night, evidence, key), expected.version)
        rows.append(_with_since(replace(row, served=True), ledger, stream, since))
    for candidate, version in zip(candidates, versions, strict=True):
        recipe = candidate.fit.recipe
        key = recipe_stream(recipe.fingerprint)
        name = None if version is None else version.record.version
        row = OutcomeRow.of(recipe.name, "held", figures(night, evidence, key), name)
        row = replace(row, walk_forward=row.bars is not None)
        rows.append(_with_since(row, ledger, ledger.streams.get(key), since))
    references = [
        _with_since(OutcomeRow.of(stream.name, "reference", scores), ledger, stream, since)
        for stream, scores in baselines(night, evidence)
    ]
    return (*rows, *references)


def _with_since(row: OutcomeRow, ledger: Ledger, stream: Stream | None, since: Mask) -> OutcomeRow:
    """The row with its accuracy on the bars ``since`` the champion's promotion, shape (n_bars,) of the ledger."""
    if stream is None or not since.any() or not stream.scored[since].all():
        return row
    right = (stream.p > stream.cut)[since] == (ledger.label[since] == 1.0)
    return replace(row, since_accuracy=float(right.mean()), since_bars=int(since.sum()))


def baselines_ahead(
    decision: NightlyDecision,
    candidates: Sequence[Candidate],
    ledger: Ledger,
    predictions: Mapping[str, Floats],
    bars: NightBars,
) -> str:
    """Which baselines scored more than a first champion on the bars that chose it, in words; empty where none did, or
    none was chosen. ``predictions``: the score of every bar of the night by each baseline, shape (n_bars,)."""
    won = next((candidate for candidate in candidates if candidate.name == decision.winner), None)
    stream = None if won is None else ledger.streams.get(won.stream)
    if won is None or stream is None:
        return ""
    p = {
        name: np.where(stream.scored, _on_ledger(values, bars, ledger), np.nan)
        for name, values in predictions.items()
        if name != "no_skill"
    }
    half, never = np.full(ledger.label.size, 0.5), np.zeros(ledger.label.size, np.bool_)
    rules = {f"baseline:{name}": Stream(name, values, half, never, None) for name, values in p.items()}
    score = str(decision.policy["score"])
    scores = StreamScorer(replace(ledger, streams={**ledger.streams, **rules}), score)
    daily = scores.daily(scores.of(won.stream, won.stream), np.ones(ledger.label.size, np.bool_))
    among = np.isin(ledger.day, daily.day[-FIRST_DAYS:])
    mean = {key: _mean_of(scores, key, among) for key in (won.stream, *rules)}
    ahead = sorted((key for key in rules if mean[key] > mean[won.stream]), key=lambda key: mean[key], reverse=True)
    words = [f"{rules[key].name} {mean[key]:+.4f}" for key in ahead]
    own = f"{mean[won.stream]:+.4f}"
    return f"; behind baselines on the same bars: {', '.join(words)} {score} a bar, it {own}" if words else ""


def _mean_of(scores: StreamScorer, key: str, among: Mask) -> float:
    """The mean score a bar over these bars; minus infinity where there is none."""
    daily = scores.daily(scores.of(key, key), among)
    return float(np.average(daily.mean[:, 0], weights=daily.bars[:, 0])) if daily.day.size else -np.inf


def baselines(night: NightContext, evidence: Evidence) -> list[tuple[Stream, Scores]]:
    """The baselines as streams of the ledger, with their figures on the bars that tonight's recipes were scored on, at
    most those of 250 trading days; on the last 250 of the night's own bars where there are none. Those that are fitted
    are fitted on a year before; ``no_skill`` is that of the gate."""
    return night.once(("baselines", evidence), lambda: _baselines(night.bars, evidence.ledger, night.job.recipes))


def _baselines(bars: NightBars, ledger: Ledger, recipes: Sequence[Recipe]) -> list[tuple[Stream, Scores]]:
    streams = [ledger.streams.get(recipe_stream(recipe.fingerprint)) for recipe in recipes]
    recent = [_last_year(ledger, stream) for stream in streams if stream is not None]
    at = max(recent, key=lambda at: int(at.sum()), default=np.zeros(ledger.label.size, np.bool_))
    judged, predictions = _baseline_predictions(bars)
    half, never = np.full(ledger.label.size, 0.5), np.zeros(ledger.label.size, np.bool_)
    found = []
    for name, p in predictions.items():
        stream = Stream(name, _on_ledger(p, bars, ledger), half, never, None)
        if name == "no_skill":
            stream = replace(stream, p=StreamScorer(ledger, "edge").baseline_up.astype(np.float64))
        known = at & stream.scored
        if known.any():
            scores = score(ledger.label[known], stream.p[known], 0.5)
        else:
            scores = score(bars.data.label[judged], p[judged], 0.5)
        found.append((stream, scores))
    return found


def _on_ledger(p: Floats, bars: NightBars, ledger: Ledger) -> Floats:
    """What is of the night's bars, shape (n_bars,), as of the ledger's; NaN where a bar is gone."""
    return np.asarray(pd.Series(p, bars.opens).reindex(ledger.opens), np.float64)


def _baseline_predictions(bars: NightBars) -> tuple[Mask, dict[str, Floats]]:
    """The counted bars of the last 250 trading days, and the score of every bar by each baseline, fitted on the year
    before them."""
    data = bars.data
    judged = data.counted & np.isin(data.trading_day, np.unique(data.trading_day[data.counted])[-NIGHTS_A_YEAR:])
    try:
        train = data.window(days=365, end=bars.opens[judged][0])
    except BarsMissing:
        train = bars.train
    return judged, {name: baseline(name, data, train) for name in BASELINES}


def _last_year(ledger: Ledger, stream: Stream) -> Mask:
    """The counted bars of the stream's last 250 trading days."""
    counted = stream.scored & ledger.counted
    last: Mask = counted & np.isin(ledger.day, np.unique(ledger.day[counted])[-NIGHTS_A_YEAR:])
    return last


def figures(night: NightContext, evidence: Evidence, key: str) -> Scores | None:
    """Figures of a stream over its last 250 trading days, each version at its own decision threshold; None where
    nothing was scored."""
    stream = evidence.ledger.streams.get(key)
    return None if stream is None else night.once(("figures", stream), lambda: _figures(evidence.ledger, stream))


def _figures(ledger: Ledger, stream: Stream) -> Scores | None:
    at = _last_year(ledger, stream)
    if not at.any():
        return None
    return score_sides(ledger.label[at], stream.p[at], stream.p[at] > stream.cut[at])
