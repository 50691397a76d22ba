"""``--as-of``: a date is the close of that trading day, so its night can be decided again; a moment is that moment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.errors import RequestRefused
from flows.instruments import GBPUSD_M15, find_instrument
from flows.job.request import moment
from tests.flows.nights import Nights

HOURS = GBPUSD_M15.hours


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("2024-12-27", datetime(2024, 12, 27, 22, tzinfo=UTC)),  # 17:00 New York
        ("2024-06-05", datetime(2024, 6, 5, 21, tzinfo=UTC)),
        ("20240605", datetime(2024, 6, 5, 21, tzinfo=UTC)),
        ("2024-06-05T00:00", datetime(2024, 6, 5, tzinfo=UTC)),  # a part of the day, by name
        ("2024-06-05 12:00", datetime(2024, 6, 5, 12, tzinfo=UTC)),
        ("2024-06-05T12:00+02:00", datetime(2024, 6, 5, 10, tzinfo=UTC)),
    ],
)
def test_a_date_is_the_close_of_its_trading_day_and_a_moment_is_itself(text: str, is_: datetime) -> None:
    assert moment(text, HOURS) == is_


def test_a_date_is_the_close_by_the_hours_of_the_instrument() -> None:
    assert moment("2024-06-05", find_instrument("BTCUSD").hours) == datetime(2024, 6, 6, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2024-13-01", "", "27.12.2024"])
def test_what_is_neither_is_refused_with_both_forms(text: str) -> None:
    with pytest.raises(RequestRefused, match=r"2024-12-31 \(its close\), or 2024-12-31T22:00Z"):
        moment(text, HOURS)


def test_a_night_by_its_date_is_the_night_of_the_whole_day_and_midnight_is_a_part_of_it(
    june: Path, tmp_path: Path
) -> None:
    decided = {}
    for place, as_of in (("date", "2024-06-05"), ("close", "2024-06-05T21:00Z"), ("part", "2024-06-05T00:00Z")):
        nights = Nights(tmp_path / place, june)
        outcome = nights(moment(as_of, HOURS), backfill=False)
        versions = [version.record for version in nights.model.history()]
        decided[place] = (
            outcome.night,
            outcome.as_of,
            outcome.sentence,
            nights.decision(),
            [(record.sha256, record.dataset_fingerprint, record.rows) for record in versions],
        )
    assert decided["date"] == decided["close"]
    assert decided["part"][0] == "2024-06-05" and decided["part"][4] != decided["close"][4]
