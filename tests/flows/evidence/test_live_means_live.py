"""Live means live: what a night scores long after the fact, or from restated values, is said and counts as backfill."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars.loading import MARKER
from flows.evidence.hindsight import nights_late
from flows.gate.scoring.ledger import minutes
from flows.night.rejudge import judge_again
from tests.flows.evidence.test_corrections_rescored import corrected
from tests.flows.nights import Nights, at, quick_calibration


@pytest.fixture
def market(june: Path, tmp_path: Path, quickly_calibrated: None) -> Nights:
    """Bars that count as a market's: nothing says that they are simulated, so the clock on the wall is asked."""
    shutil.copytree(june, tmp_path / "bars")
    (tmp_path / "bars" / MARKER).unlink()
    return Nights(tmp_path / "place", tmp_path / "bars")


def on(nights: Nights, day: int, hour: int = 21, minute: int = 20) -> Nights:
    """The clock on the wall shows this moment of June 2024."""
    nights.clock.moment = datetime(2024, 6, day, hour, minute, tzinfo=UTC)
    return nights


def told(nights: Nights) -> dict[str, object]:
    """What the newest decision records of hindsight."""
    entry = nights.model.decisions.head()
    assert entry is not None
    found: dict[str, object] = entry.body.get("hindsight", {})
    return found


def live_days(nights: Nights) -> list[str]:
    ledger = nights.ledger
    live = np.any([stream.live for stream in ledger.streams.values()], axis=0)
    return sorted(set(ledger.day[live & ledger.counted].astype(str).tolist()))


def test_a_run_of_a_past_night_has_its_first_champion_and_says_retrospective(
    market: Nights, snapshot: SnapshotAssertion
) -> None:
    market.clock.moment = datetime(2026, 1, 5, 22, 20, tzinfo=UTC)
    outcome = market(at(3))
    assert outcome.action == "promoted" and outcome.detail.split("; ")[-1] == snapshot
    assert told(market) == {"nights_late": 415}


def test_nights_played_through_the_past_are_no_evidence_against_a_champion(market: Nights) -> None:
    market.clock.moment = datetime(2026, 1, 5, 22, 20, tzinfo=UTC)
    market(at(3))
    for day in (4, 5, 6):
        outcome = market(at(day))
    assert "retrospective: decided 412 trading days after its night and 96 bars of 2 trading days" in outcome.detail
    decision = market.decision()
    assert (decision.days, decision.reason) == (0, "too few days") and live_days(market) == []
    assert market.ledger.live_nights == (
        "2024-06-03",
        "2024-06-04",
        "2024-06-05",
        "2024-06-06",
    )  # each was one more look
    assert judge_again(market.model, market.model.decisions.head().n).same  # type: ignore[union-attr]  # None would fail as well


def test_nights_on_time_are_live(market: Nights) -> None:
    for day in (3, 4, 5):
        on(market, day)(at(day))
        assert told(market) == {}
    assert live_days(market) == ["2024-06-04", "2024-06-05"]
    sheet = market.sheets[-1]
    assert sheet.seen is not None and sheet.seen.at.startswith("2024-06-05T21:20")
    lag = sheet.seen.lag(sheet.opens)
    assert (lag.min(), lag.max()) == (35, 24 * 60 + 20)  # the newest labelled bar closed at 20:45


def test_a_night_that_is_one_night_late_is_live_over_a_weekend_too(market: Nights) -> None:
    on(market, 3)(at(3))
    on(market, 5)(at(5))  # the run of the 4th failed
    assert told(market) == {} and live_days(market) == ["2024-06-04", "2024-06-05"]
    on(market, 10)(at(10))  # that of Thursday the 6th and of Friday failed
    assert (told(market)["first"], told(market)["last"]) == ("2024-06-05", "2024-06-06")  # of the 5th its last bar
    assert live_days(market) == ["2024-06-04", "2024-06-05", "2024-06-07", "2024-06-10"]


def test_a_gap_is_scored_by_one_stale_version_and_only_its_end_is_live(
    second: Nights, snapshot: SnapshotAssertion
) -> None:
    """The sample is of no time: the as-of is its clock."""
    outcome = second(at(12))
    assert outcome.detail.split("; ")[-1] == snapshot
    assert told(second) == {
        "bars": 470,
        "first": "2024-06-03",
        "last": "2024-06-10",
        "lag_minutes": 9 * 24 * 60,  # of the bar that closed at the first night's close
    }
    assert live_days(second) == ["2024-06-11", "2024-06-12"]
    second(at(13))
    assert told(second) == {} and second.decision().days == 3
    assert judge_again(second.model, second.model.decisions.head().n).same  # type: ignore[union-attr]  # None would fail as well


@pytest.mark.parametrize(
    ("now", "late"),
    [
        ("2024-06-14T21:20", 0),
        ("2024-06-16T12:00", 0),  # a weekend
        ("2024-06-17T20:59", 0),
        ("2024-06-17T21:20", 1),
        ("2024-06-18T21:20", 2),
        ("2024-06-24T21:20", 6),
        ("2024-05-01T12:00", -33),
    ],
)
def test_a_night_is_late_by_the_trading_days_after_its_own(june: Path, now: str, late: int) -> None:
    data = Nights(june.parent / "late", june).dataset(at(14))
    found = nights_late(data, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found[-2] == late
    assert found[0] - found[-2] == np.unique(data.trading_day).size - 1
    assert found[-1] == late - 1  # the label of a day's last bar comes on the next day


def test_a_holiday_is_no_trading_day(tmp_path: Path) -> None:
    """Of 25 December and 1 January there are no bars."""
    from datetime import date

    from flows.bars import load_bars, prepare, write_sample

    place = write_sample(tmp_path, first=date(2024, 12, 2), last=date(2025, 1, 3))
    data = prepare(load_bars(place))
    found = nights_late(data, datetime(2025, 1, 2, 22, 20, tzinfo=UTC))
    day = data.trading_day.astype(str)
    assert {each: int(found[day == each][0]) for each in ("2024-12-31", "2025-01-02")} == {
        "2024-12-31": 1,
        "2025-01-02": 0,
    }


@pytest.fixture(scope="module")
def three_decided(june: Path, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Three decided nights. Tests continue from a copy."""
    nights = Nights(tmp_path_factory.mktemp("three"), june)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
        for day in (3, 4, 5):
            nights(at(day))
    return nights


@pytest.fixture
def three(three_decided: Nights, tmp_path: Path, quickly_calibrated: None) -> Nights:
    """The same with bars of their own, which may be changed."""
    nights = three_decided.copy(tmp_path / "own")
    nights.data = shutil.copytree(three_decided.data, tmp_path / "bars")
    return nights


def test_restated_features_do_not_pass_as_known_at_the_time(three: Nights, snapshot: SnapshotAssertion) -> None:
    three.rewrite(corrected("2024-06-05 09:00", "rsi_14", "91.5"))  # within the night that may be late
    three.rewrite(corrected("2024-06-05 09:15", "adx_14", "11.5"))
    outcome = three(at(6))
    assert [part for part in outcome.detail.split("; ") if part.startswith("restated")] == [snapshot]
    question = outcome.questions[-1]  # the bars' own checks ask as well
    assert question.startswith("restated: 2 bars of 2024-06-05") and "adx_14, rsi_14" in question
    assert three(at(6)).questions == outcome.questions  # read back from the decision
    assert told(three)["restated"] == {
        "bars": 2,
        "first": "2024-06-05",
        "last": "2024-06-05",
        "columns": ["adx_14", "rsi_14"],
        "question": question,
    }
    bars = minutes(pd.DatetimeIndex(["2024-06-05T13:00", "2024-06-05T13:15"], tz="UTC"))
    ledger = three.ledger
    at_bars, of_day = np.isin(minutes(ledger.opens), bars), ledger.day == np.datetime64("2024-06-05")
    for stream in ledger.streams.values():
        assert stream.scored[at_bars].all() and not stream.live[at_bars].any()
        assert stream.live[of_day & ~at_bars & stream.scored].all()  # the others are as they were
    three(at(7))
    assert told(three) == {}  # it is said once


def test_a_bar_whose_label_alone_was_corrected_stays_live(three: Nights) -> None:
    """The close of the bar after it."""
    three.rewrite(corrected("2024-06-05 09:15", "close_15m", "1.99"))
    three.rewrite(corrected("2024-06-05 09:15", "high_15m", "1.99"))
    three(at(6))
    ledger = three.ledger
    at_bars = np.isin(
        minutes(ledger.opens), minutes(pd.DatetimeIndex(["2024-06-05T13:00", "2024-06-05T13:15"], tz="UTC"))
    )
    assert ledger.streams["version:v1"].live[at_bars].tolist() == [True, False]
    assert told(three)["restated"]["columns"] == ["close_15m", "high_15m"]  # type: ignore[index]  # None would fail as well


def test_a_hole_that_is_filled_late_is_retrospective(three: Nights) -> None:
    path = three.data / "GBPUSD_M15_2024_features.csv"
    whole = path.read_text()
    three.rewrite(lambda row, place: None if row[0].startswith("2024-06-05 22:00") else row)
    three(at(6))
    path.write_text(whole)
    three(at(10))
    ledger = three.ledger
    filled = np.isin(minutes(ledger.opens), minutes(pd.DatetimeIndex(["2024-06-06T02:00"], tz="UTC")))
    assert filled.sum() == 1 and not ledger.streams["version:v1"].live[filled].any()


def test_a_past_night_on_an_empty_production_is_one_more_look(market: Nights) -> None:
    """Nights played through the past do not each get the threshold of a first one."""
    market.clock.moment = datetime(2026, 1, 5, 22, 20, tzinfo=UTC)
    market(at(3), backfill=False)
    market(at(4))
    market(at(5))
    assert [market.decision(n).calibration["first_look"] for n in (2, 4, 6)] == [1, 0, 0]
