"""The cost setting: read as typed, every quarter of the day once, in New York's hours whatever the season."""

from __future__ import annotations

import pandas as pd
import pytest

from flows.errors import RequestRefused
from flows.instruments.spreads import Spreads
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.settings import Settings


def pips(spreads: Spreads, *moments: str) -> list[float]:
    return spreads.pips(pd.DatetimeIndex(pd.to_datetime(list(moments), utc=True))).tolist()


def test_by_default_no_hour_is_free() -> None:
    sessions = Spreads.default().sessions
    assert sorted(quarter for each in sessions for quarter in each.quarters) == list(range(96))
    assert all(each.pips > 0 for each in sessions)


def test_a_bar_pays_the_spread_of_new_yorks_hour() -> None:
    spreads = Spreads.parse("night 17:00-08:00 3; day 08:00-17:00 1.5")
    summer = pips(spreads, "2024-07-01 11:45", "2024-07-01 12:00", "2024-07-01 20:45", "2024-07-01 21:00")
    winter = pips(spreads, "2024-01-02 12:45", "2024-01-02 13:00", "2024-01-02 21:45", "2024-01-02 22:00")
    assert summer == winter == [3.0, 1.5, 1.5, 3.0]


def test_the_rollover_hour_is_the_one_that_is_no_evidence() -> None:
    assert pips(Spreads.default(), "2024-07-01 20:30", "2024-07-01 20:45", "2024-07-01 21:45", "2024-07-01 22:00") == [
        1.0,
        4.0,
        4.0,
        1.2,
    ]


def test_what_is_told_can_be_typed_again() -> None:
    usual = Spreads.default()
    assert Spreads.parse(str(usual)) == usual


def test_the_setting_reaches_the_job() -> None:
    settings = Settings(data="bars", spreads="all 00:00-24:00 2.5")
    job = plan(RetrainRequest(), settings)
    assert [each.pips for each in job.spreads.sessions] == [2.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no session covers 00:00"),
        ("all 00:00-23:00 1", "no session covers 23:00"),
        ("a 00:00-12:00 1; b 11:45-24:00 1", "a and b both cover 11:45"),
        ("all 00:00-24:00", "is no session"),
        ("all 00:00-24:00 -1", "is no session"),
        ("all 00:00-24:00 nan", "is no session"),
        ("all 00:10-24:00 1", "no quarter of an hour"),
        ("all 00:00-25:00 1", "no quarter of an hour"),
        ("00:00-24:00 1", "is no session"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(RequestRefused, match=said):
        Spreads.parse(text)
