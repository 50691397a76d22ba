"""The headline of a holdout decision: what was decided, of whom, and why, in at most 200 characters.

promoted: logistic (v3) replaces v1: 28.12 points more accurate (z 117.69 of 2.09) on 960 bars of 20 days
"""

from __future__ import annotations

from flows.gate.holdout.decision import CandidateRow, Decision
from flows.gate.wording import failed, fitting, labelled

__all__ = ["holdout_headline"]


def holdout_headline(decision: Decision) -> str:
    """The decision in one sentence; the whole account is the decision's own."""
    best = next((row for row in decision.rows if row.name == decision.winner), None)
    if best is None:
        best = max(decision.rows, key=lambda row: row.difference_points)
    bars = f"on {decision.data.bars:,} bars of {decision.data.days:,} days"
    who, short = labelled(best.name, best.version), failed(best.guards)
    if decision.champion is None:
        figure = f"right on {best.accuracy:.2%}, no skill on {decision.references['no_skill']:.2%}, {bars}"
        if decision.winner is None:
            return fitting(f"held: production stays empty: {who} {short} ({figure})")
        accepted = f", accepted by a person although it {short}" if short else ""
        return fitting(f"promoted: {who} is the first champion{accepted}: {figure}")
    asked = float(decision.thresholds["critical_z"])
    lead = f"{_points(best)} (z {best.z:.2f} of {asked:.2f}) {bars}"
    if decision.winner is not None:
        return fitting(f"promoted: {who} replaces {decision.champion}: {lead}")
    why = f" but {short}" if short and best.z >= asked else ""
    return fitting(f"held: {decision.champion} stays: {who} is {lead}{why}")


def _points(row: CandidateRow) -> str:
    if abs(row.difference_points) < 0.005:
        return "as accurate"
    return f"{abs(row.difference_points):.2f} points {'more' if row.difference_points > 0 else 'less'} accurate"
