"""The nightly gate promotes a stream whose evidence against the champion exceeds a threshold.

The threshold is set so that, in one year of nights in which no recipe is better, anything is promoted with the
probability of the yearly budget.

:func:`judge_nightly` looks at every recipe's stream since the champion was promoted, on the same bars, by trading days,
in every window (:mod:`flows.gate.nightly.sequential`), against a threshold calibrated for this many recipes
(:mod:`flows.gate.nightly.calibration`); and at the mean of all recipes, which sees a champion that falls. Guards can
only hold back. A champion that is old may be refreshed (:mod:`flows.gate.nightly.refresh`). The first one:
:mod:`flows.gate.nightly.first`.

Everything is computed from the ledger and recorded, so that the same decision can be made again from the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import GateRefused
from flows.gate.nightly.calibration import Calibration, YearOfNights, calibrate
from flows.gate.nightly.candidates import Candidate, Champion, row_of
from flows.gate.nightly.decision import NightlyDecision, NightlyRow, PooledLead, Refresh
from flows.gate.nightly.dependence import OverWeeks
from flows.gate.nightly.leads import Leads, recipes_of, with_its_past
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.refresh import not_worse
from flows.gate.nightly.sentence import SentenceFacts, nightly_sentence
from flows.gate.nightly.sequential import (
    RECENT_WINDOWS,
    Lead,
    WindowEvidence,
    fewest_days,
    judge,
    more_nights,
    together,
    visible_difference,
)
from flows.gate.nightly.shares import shares
from flows.gate.scoring.ledger import Ledger
from flows.gate.scoring.stream_scorer import StreamScorer


def judge_nightly(
    ledger: Ledger,
    *,
    champion: Champion,
    candidates: Sequence[Candidate],
    tried: int,
    policy: GatePolicy,
    calibration: Calibration | None = None,
) -> NightlyDecision:
    """The decision of one night against a champion.

    ``tried``: how many distinct recipes (and former champions) were tried in the last 250 nights; the threshold is
    calibrated for it. Only live days after ``champion.after`` count, on bars that both were scored on. With a cadence
    of more than one night, nothing is promoted but on every so-manyth night after ``champion.after``.

    Raises :class:`GateRefused` for no candidates.
    """
    leads = leads_over(champion, ledger, policy)
    return judge_leads(
        leads, champion=champion, candidates=candidates, tried=tried, policy=policy, calibration=calibration
    )


def leads_over(champion: Champion, ledger: Ledger, policy: GatePolicy) -> Leads:
    """What a champion is judged by: every stream's lead over it, in all of the ledger."""
    if champion.refreshed:
        ledger = with_its_past(ledger, champion.stream, champion.recipe_stream)
    return Leads(ledger, StreamScorer(ledger, policy.score, policy.baseline), champion)


def judge_leads(
    leads: Leads,
    *,
    champion: Champion,
    candidates: Sequence[Candidate],
    tried: int,
    policy: GatePolicy,
    calibration: Calibration | None = None,
) -> NightlyDecision:
    """As :func:`judge_nightly`, from leads that are computed already (of many nights at once, for a replay)."""
    if not candidates:
        raise GateRefused("there are no candidates to judge: train at least one recipe")
    days, d, w = leads.of([candidate.stream for candidate in candidates])
    evidence = judge(d, w, windows=policy.windows)
    year = YearOfNights(
        windows=policy.windows,
        cadence=policy.cadence,
        budget=policy.budget,
        young=int(evidence.days.max()) < policy.windows[-1],
        young_together=leads.champion_days() < RECENT_WINDOWS[-1],
    )
    calibration = calibration or calibrate(max(tried, len(candidates)), year)
    weeks = OverWeeks(*leads.side_by_side()) if calibration.over_weeks else None
    if weeks is not None:
        evidence = weeks.widened(evidence, [candidate.stream for candidate in candidates])
    rows = []
    for at, candidate in enumerate(candidates):
        judged_days = days[~np.isnan(d[:, at])][-policy.windows[-1] :]
        rows.append(row_of(candidate, evidence, at, leads.figures(candidate.stream, judged_days), policy))
    pooled = _pooled_lead(leads, evidence.r, calibration, weeks)
    wait = -nights_since(leads.nights, champion.after) % policy.cadence  # looking oftener would void its error rate
    winner = None if wait else _winner(rows, calibration, pooled)
    age = nights_since(leads.nights, champion.since or champion.after)
    refresh = None
    if winner is None and policy.refresh_margin is not None and age > policy.maximum_age_nights:
        r = evidence.r if weeks is None else weeks.equivalent(evidence.r, champion.recipe_stream)
        refresh = _refresh(leads, candidates, champion, policy, calibration.threshold, r)
    refreshed = refresh is not None and refresh.passed and not wait and rows[refresh.row].passed
    if refresh is not None and refreshed:
        winner = refresh.row
    subject = winner if winner is not None else _leader(rows)
    lead = None if subject is None else evidence.best_of(subject)
    more = None if lead is None else more_nights(lead, calibration.threshold)
    visible = _visible(evidence, lead, calibration)
    return NightlyDecision(
        action="held" if winner is None else "promoted",
        winner=None if winner is None else candidates[winner].name,
        winner_version=None if winner is None else candidates[winner].version,
        returned=winner is not None and candidates[winner].former,
        reason="refreshed" if refreshed else _reason(rows, winner, calibration, pooled, refresh, wait),
        sentence=nightly_sentence(
            SentenceFacts(
                champion=champion.version,
                rows=rows,
                subject=subject,
                promoted=winner is not None,
                threshold=calibration.threshold,
                budget=policy.budget,
                score=policy.score,
                more=more,
                visible=visible,
                days=int(evidence.days.max()),
                shortest=fewest_days(policy.windows),
                wait=wait,
                together=pooled,
                refresh=refresh,
                refreshed=refreshed,
                age=age,
                dependence=None if weeks is None else weeks.record,
            )
        ),
        champion=champion.version,
        rows=tuple(rows),
        threshold=calibration.threshold,
        calibration=_recorded(calibration),
        autocorrelation=evidence.r,
        first_day=None if not days.size else str(days[0]),
        last_day=None if not days.size else str(days[-1]),
        days=int(days.size),
        smallest_visible=visible,
        more_nights=more,
        tried=max(tried, len(candidates)),
        after=champion.after,
        policy=policy.to_dict(),
        together=pooled,
        refresh=refresh,
        refreshed=refreshed,
        champion_since=champion.since,
        champion_refreshed=champion.refreshed,
        dependence=None if weeks is None else weeks.record,
    )


def _visible(evidence: WindowEvidence, lead: Lead | None, calibration: Calibration) -> float | None:
    """The difference that can be seen in a year of a recipe whose days vary as the middle recipe's do: it says what the
    gate can see, and must not jump with who leads tonight. In decisions made before, the leader's."""
    if lead is None or not calibration.over_weeks:
        return None if lead is None else visible_difference(lead, calibration.threshold)
    each = [evidence.longest_of(recipe) for recipe in range(evidence.days.size)]
    return median(visible_difference(one, calibration.threshold) for one in each if one is not None)


def _recorded(calibration: Calibration) -> dict[str, int]:
    """What thresholds can be computed again from; the mean's age only where it is not the recipes'."""
    names = ("recipes", "paths", "seed", "nights", "young")
    values = {name: int(getattr(calibration, name)) for name in names}
    return (
        values
        if calibration.young_together == calibration.young
        else {**values, "young_together": int(calibration.young_together)}
    )


def _pooled_lead(leads: Leads, r: float, calibration: Calibration, weeks: OverWeeks | None) -> PooledLead | None:
    """All recipes with live days as one; None with fewer than two of them, or before there is a window."""
    streams = leads.recipes()
    if calibration.together is None or len(streams) < 2:
        return None
    _, d, w = leads.of(streams)
    share = shares(d) if calibration.by_shares else None
    mean, bars = together(d, w, share)
    evidence = judge(mean, bars, windows=RECENT_WINDOWS, r=r)
    if weeks is not None:
        evidence = weeks.all_together(evidence, judge(d, w, r=r) if calibration.by_shares else None)
    best = evidence.best
    if best is None:
        return None
    window = d[~np.isnan(mean[:, 0])][-best.days :]
    recipes = int((~np.isnan(window)).any(axis=0).sum())  # one that was left out long ago has no part in it
    largest = None if share is None else float(share[~np.isnan(mean[:, 0])][-1].max())
    return PooledLead(recipes, best.days, best.mean, best.standard_error, best.z, calibration.together, largest)


def _refresh(
    leads: Leads,
    candidates: Sequence[Candidate],
    champion: Champion,
    policy: GatePolicy,
    threshold: float,
    r: float,
) -> Refresh | None:
    """Whether the champion's recipe, retrained, is not worse, on the days that this champion served."""
    own = [
        at
        for at, candidate in enumerate(candidates)
        if candidate.stream == champion.recipe_stream and not candidate.former
    ]
    if not own or policy.refresh_margin is None:
        return None
    days, d, w = leads.of([champion.recipe_stream])
    served = np.ones(days.size, np.bool_) if champion.since is None else days > np.datetime64(champion.since, "D")
    return not_worse(d[served], w[served], row=own[0], margin=policy.refresh_margin, threshold=threshold, r=r)


def _winner(rows: Sequence[NightlyRow], calibration: Calibration, pooled: PooledLead | None) -> int | None:
    """The candidate of the largest z that passes: by its own lead, or, where the champion fell behind all recipes,
    the recipe that leads most."""
    fell = pooled is not None and pooled.fell
    eligible = [
        at
        for at, row in enumerate(rows)
        if row.passed
        and row.largest_z is not None
        and (row.largest_z > calibration.threshold or (fell and row.largest_z > 0.0 and not row.former))
    ]
    return max(eligible, key=lambda at: rows[at].largest_z or 0.0) if eligible else None


def _leader(rows: Sequence[NightlyRow]) -> int | None:
    judged = [at for at, row in enumerate(rows) if row.largest_z is not None]
    return max(judged, key=lambda at: rows[at].largest_z or 0.0) if judged else None


def _reason(
    rows: Sequence[NightlyRow],
    winner: int | None,
    calibration: Calibration,
    pooled: PooledLead | None,
    refresh: Refresh | None,
    wait: int,
) -> str:
    fell = pooled is not None and pooled.fell
    if winner is not None:
        alone = (rows[winner].largest_z or 0.0) > calibration.threshold
        return "better" if alone or (pooled is not None and pooled.mostly_one) else "champion fell"
    strong = [
        row for row in rows if row.largest_z is not None and row.largest_z > (0.0 if fell else calibration.threshold)
    ]
    if refresh is not None and refresh.passed:
        strong.append(rows[refresh.row])
    if strong and wait:
        return "between looks"
    if any(row.failed for row in strong):
        return next(row for row in strong if row.failed).failed[0].name
    return "not better" if any(row.largest_z is not None for row in rows) else "too few days"


def nights_since(nights: Sequence[str], after: str | None) -> int:
    """How many of some nights are later than ``after``; all of them where it is None."""
    return sum(after is None or night > after for night in nights)


def tried_lately(ledger: Ledger, candidates: Sequence[Candidate], *, nights: int = NIGHTS_A_YEAR) -> int:
    """Distinct recipes with a live score in the last ``nights`` nights, tonight's among them, and former champions."""
    recent = ledger.live_nights[-nights:]
    keys = {candidate.stream for candidate in candidates}
    if recent:
        first = np.datetime64(recent[0], "D")
        keys |= {key for key, stream in recipes_of(ledger) if (stream.live & (ledger.day >= first)).any()}
    return len(keys)
