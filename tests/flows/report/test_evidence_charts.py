"""The lines of the evidence chart break where evidence begins afresh, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.report.charts.evidence import evidence_lines, evidence_over_nights, evidence_tonight, threshold_line
from flows.report.charts.score_history import running_mean
from flows.report.data import DailyLine
from flows.report.decisions import ChallengerStanding, DecisionSummary

HELD = DecisionSummary(
    1, "held", "2024-06-03T21:00:00.000000Z", "2024-06-03", "retrain", "held: …", None, "v1", None, 3.4
)


def night(day: int, kind: str = "held", **standings: float) -> DecisionSummary:
    rows = tuple(ChallengerStanding(name, z, 0.001, 40, ()) for name, z in standings.items())
    return replace(HELD, number=day, kind=kind, night=f"2024-06-{day:02}", standings=rows)


def test_a_line_breaks_at_a_promotion() -> None:
    told = [night(3, line=1.0), night(4, kind="promoted", line=3.6), night(5, line=0.2)]
    assert evidence_lines(told) == {
        "line": (["2024-06-03", "2024-06-04", "2024-06-04", "2024-06-05"], [1.0, 3.6, None, 0.2])
    }


@pytest.mark.parametrize(("kind", "broken"), [("frozen", False), ("suspended", False), ("rolled_back", True)])
def test_a_persons_act_breaks_it_where_evidence_begins_afresh(kind: str, broken: bool) -> None:
    act = replace(HELD, number=4, kind=kind, night=None, threshold=None)
    _, values = evidence_lines([night(3, line=1.0), act, night(5, line=0.2)])["line"]
    assert (None in values) is broken


def test_a_refresh_lets_the_evidence_go_on() -> None:
    told = [night(3, line=1.0), replace(night(4, kind="promoted", line=1.1), refreshed=True), night(5, line=1.2)]
    assert evidence_lines(told)["line"][1] == [1.0, 1.1, 1.2]


def test_nights_without_a_full_window_draw_nothing() -> None:
    young = replace(night(3), standings=(ChallengerStanding("line", None, None, 3, ()),))
    assert evidence_lines([young]) == {}
    assert evidence_tonight(young) is None
    assert evidence_over_nights([young, night(4, line=1.0)]) is None
    assert threshold_line([young, replace(young, threshold=None)]) == (["2024-06-03"], [3.4])


def test_a_running_mean_begins_with_five_days() -> None:
    line = DailyLine("x", tuple(f"2024-06-{day:02}" for day in range(1, 8)), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0))
    assert running_mean(line, days=6) == DailyLine("x", line.days[4:], (3.0, 3.5, 4.5))
    assert running_mean(DailyLine("x", line.days[:4], line.values[:4])).days == ()
