"""Bars that the vendor corrects after they were scored: scored anew by who scored them, and said on which days."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.evidence.collect import DAYS_NAMED, Evidence
from flows.evidence.versions import VersionCache
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger, NightScores, assemble, minutes
from flows.recipes import archived_scores
from registry import Registry
from tests.flows.nights import YEAR_FILE, Nights, at, killed_at, quick_calibration, short_bars

Change = Callable[[list[str], dict[str, int]], list[str] | None]


@pytest.fixture(scope="module")
def judged_nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Bars of their own and three decided nights: 3, 4 and 5 June."""
    place = tmp_path_factory.mktemp("judged")
    nights = Nights(place, short_bars(place / "bars"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
        for day in (3, 4, 5):
            nights(at(day))
    return nights


@pytest.fixture
def nights(judged_nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    monkeypatch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
    shutil.copytree(judged_nights.data, tmp_path / "bars")
    shutil.copytree(judged_nights.registry, tmp_path / "registry")
    copy = Nights(tmp_path, tmp_path / "bars")
    copy.numbers = iter(range(1000, 10_000))  # type: ignore[assignment]  # ids that the nights before did not use
    return copy


def corrected(stamp: str, column: str, value: str) -> Change:
    """A new value in the row that begins so."""

    def change(row: list[str], place: dict[str, int]) -> list[str]:
        if row[0].startswith(stamp):
            row[place[column]] = value
        return row

    return change


def without(*stamps: str) -> Change:
    return lambda row, place: None if row[0].startswith(stamps) else row


def told(nights: Nights) -> list[str]:
    """The days that the newest decision says were scored anew."""
    entry = nights.model.decisions.head()
    assert entry is not None
    days: list[str] = entry.body["evidence"]["rescored"]
    assert ("rescored" in entry.body["detail"]) == bool(days)
    return days


def before_tonight(nights: Nights) -> Ledger:
    return assemble([sheet for sheet in nights.sheets if sheet.night < "2024-06-06"])


def test_a_corrected_bar_is_scored_anew_and_the_decision_says_which_day(
    nights: Nights, snapshot: SnapshotAssertion
) -> None:
    nights.rewrite(corrected("2024-06-04 09:00", "rsi_14", "91.5"))
    outcome = nights(at(6))
    assert outcome.detail.endswith(": 2024-06-04") and told(nights) == ["2024-06-04"]
    assert outcome.detail.split("; ")[-1] == snapshot
    sheet = nights.sheets[-1]
    assert sheet.replaced == ("2024-06-04",)
    assert len(sheet.days) == 3  # the corrected one, and those of tonight's bars
    nights(at(7))
    assert told(nights) == []  # it is said once


def test_only_the_corrected_bars_scores_change_whoever_scored_the_rest_of_its_day(nights: Nights) -> None:
    """The day's last bar was scored a night later, by newer versions than the others."""
    nights.rewrite(corrected("2024-06-04 09:00", "rsi_14", "91.5"))
    nights(at(6))
    old, new = before_tonight(nights), nights.ledger
    same = np.isin(minutes(new.opens), minutes(old.opens))
    bar = minutes(pd.DatetimeIndex(["2024-06-04T13:00"], tz="UTC"))[0]
    for key, stream in old.streams.items():
        again = new.streams[key].p[same]
        # one row or many at once: a product of matrices may differ in its last bit
        differs = ~np.isclose(again, stream.p, rtol=0, atol=1e-12, equal_nan=True)
        assert minutes(old.opens)[differs].tolist() == [bar], key
        stood = stream.live & (minutes(old.opens) != bar)  # what was known at the time is known of all others alone
        assert np.array_equal(new.streams[key].live[same], stood), key
    data, record = nights.dataset(at(6)), nights.model.version("v1").record
    archive = nights.model.archive(record)
    row = data.bars.frame.loc[["2024-06-04T13:00Z"]]
    expected = archived_scores(archive, row)[0]
    [place] = np.flatnonzero(minutes(new.opens) == bar)
    assert new.streams[nights.stream("line")].p[place] == expected


def test_a_corrected_close_changes_the_labels_of_both_bars_beside_it(nights: Nights) -> None:
    nights.rewrite(corrected("2024-06-04 09:00", "close_15m", "1.99"))
    nights.rewrite(corrected("2024-06-04 09:00", "high_15m", "1.99"))
    nights(at(6))
    ledger, data = nights.ledger, nights.dataset(at(6))
    live = ledger.streams["version:v1"].scored
    at_live = np.isin(minutes(pd.DatetimeIndex(data.bars.frame.index)), minutes(ledger.opens)[live])
    assert ledger.label[live].tolist() == data.label[at_live].tolist()
    assert told(nights) == ["2024-06-04"]


def test_a_bar_whose_next_one_was_corrected_is_labelled_anew_though_it_is_of_another_day(nights: Nights) -> None:
    """The first bar of 5 June (17:00 on the 4th) decides the label of the last one of 4 June."""
    judged = nights.ledger
    nights.rewrite(corrected("2024-06-04 17:00", "close_15m", "1.99"))
    nights.rewrite(corrected("2024-06-04 17:00", "high_15m", "1.99"))
    nights(at(6))
    assert told(nights) == ["2024-06-04", "2024-06-05"]
    [place] = np.flatnonzero(nights.ledger.opens == pd.Timestamp("2024-06-04T20:45Z"))
    assert (judged.label[place], nights.ledger.label[place]) == (0.0, 1.0)


def test_a_bar_that_is_gone_has_no_score_any_more(nights: Nights) -> None:
    nights.rewrite(without("2024-06-04 09:00"))
    nights(at(6))
    assert told(nights) == ["2024-06-04"]
    gone = pd.DatetimeIndex(["2024-06-04T12:45", "2024-06-04T13:00"], tz="UTC")  # the one before has no label now
    assert not np.isin(minutes(gone), minutes(nights.ledger.opens)).any()


def test_a_hole_that_is_filled_is_scored_by_who_scored_its_day(nights: Nights) -> None:
    whole = (nights.data / "GBPUSD_M15_2024_features.csv").read_text()
    nights.rewrite(without("2024-06-05 22:00", "2024-06-05 22:15"))  # of the trading day of 6 June
    nights(at(6))
    assert told(nights) == []
    (nights.data / "GBPUSD_M15_2024_features.csv").write_text(whole)
    nights(at(7))
    assert told(nights) == ["2024-06-06"]
    filled = minutes(pd.DatetimeIndex(["2024-06-06T01:45", "2024-06-06T02:00", "2024-06-06T02:15"], tz="UTC"))
    at_filled = np.isin(minutes(nights.ledger.opens), filled)
    assert at_filled.sum() == 3
    assert nights.ledger.streams[nights.stream("bayes")].scored[at_filled].all()


def test_a_corrected_backfilled_day_stays_as_it_is(nights: Nights) -> None:
    """The models that scored it were not kept."""
    before = before_tonight(nights)
    nights.rewrite(corrected("2024-05-20 09:00", "rsi_14", "91.5"))
    nights(at(6))
    assert told(nights) == []
    past = ~before.streams[nights.stream("line")].live
    now = nights.ledger.streams[nights.stream("line")].p[: before.opens.size]
    assert np.array_equal(now[past], before.streams[nights.stream("line")].p[past], equal_nan=True)


@pytest.mark.parametrize(
    ("stamp", "values"),
    [
        ("2024-06-03 16:45", {"rsi_14": "91.5"}),
        ("2024-06-03 17:00", {"close_15m": "1.32765"}),  # the label of the bar before it
    ],
)
def test_the_first_nights_own_day_keeps_its_backfilled_bars(nights: Nights, stamp: str, values: dict[str, str]) -> None:
    """Of the day of the first night the last bar alone was scored live, once the next one had given it a label; with
    other features than at first it is no longer live."""
    last = pd.Timestamp("2024-06-03T20:45Z")
    for column, value in values.items():
        nights.rewrite(corrected(stamp, column, value))
    before = before_tonight(nights)
    nights(at(6))
    assert "2024-06-03" in told(nights)
    ledger = nights.ledger
    of_day = ledger.day == np.datetime64("2024-06-03")
    assert of_day.sum() == (before.day == np.datetime64("2024-06-03")).sum() > 90
    for name in ("line", "bayes"):
        old, new = before.streams[nights.stream(name)], ledger.streams[nights.stream(name)]
        past = ~old.live & old.scored
        assert np.array_equal(new.p[: past.size][past], old.p[past])
        assert new.scored[of_day].all()
        assert ledger.opens[of_day & new.live].tolist() == ([] if "rsi_14" in values else [last])
    sheet = next(each for each in nights.sheets if each.replaced)
    assert np.isin(sheet.opens, minutes(ledger.opens[of_day])).sum() == 1
    nights.rewrite(corrected("2024-06-03 09:00", "rsi_14", "91.5"))  # a bar of the same day that was backfilled
    nights(at(7))
    assert told(nights) == []


def test_rows_in_another_order_and_bars_not_yet_scored_are_no_correction(nights: Nights) -> None:
    nights.rewrite(corrected("2024-06-06 09:00", "rsi_14", "91.5"))
    path = nights.data / "GBPUSD_M15_2024_features.csv"
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *rows[-900:], *rows[:-900]]) + "\n")
    nights(at(6))
    assert told(nights) == []


@pytest.mark.parametrize("change", ["one more", "one less"])
def test_another_column_is_no_correction_and_voids_no_day_whose_versions_are_gone(nights: Nights, change: str) -> None:
    before, gone = nights.ledger, nights.model.version("v3").record
    nights.model.retire(["v3"], author="ann", reason="space")
    (nights.registry / str(gone.artifact)).unlink()
    path = nights.data / YEAR_FILE
    head, *rows = (line.split(",") for line in path.read_text().splitlines())
    at_open = head.index("open_15m")
    changed = {
        "one more": [[*head, "mine"], *([*row, "1.5"] for row in rows)],
        "one less": [row[:at_open] + row[at_open + 1 :] for row in (head, *rows)],
    }
    path.write_text("".join(",".join(row) + "\n" for row in changed[change]))
    nights(at(6))
    assert told(nights) == []
    for key, stream in before.streams.items():
        now = nights.ledger.streams[key].p[: before.opens.size]
        assert np.array_equal(now, stream.p, equal_nan=True)
    nights.rewrite(corrected("2024-06-06 09:00", "rsi_14", "91.5"))
    nights(at(7))
    assert told(nights) == ["2024-06-06"]  # a correction is seen as before


def test_a_night_killed_after_it_scored_the_correction_still_says_so(nights: Nights) -> None:
    nights.rewrite(corrected("2024-06-04 09:00", "rsi_14", "91.5"))
    with killed_at(3) as ended:
        nights(at(6))
    assert ended and nights.model.decisions.head().kind == "scored"  # type: ignore[union-attr]  # None would fail as well
    nights(at(6))
    assert told(nights) == ["2024-06-04"]
    assert [sheet.replaced for sheet in nights.sheets].count(("2024-06-04",)) == 1


def test_a_day_whose_versions_are_gone_has_no_score_and_the_night_goes_on(nights: Nights) -> None:
    model = nights.model
    model.retire(["v2"], author="ann", reason="space")
    (nights.registry / str(model.version("v2").record.artifact)).unlink()
    nights.rewrite(corrected("2024-06-04 09:00", "rsi_14", "91.5"))
    nights(at(6))
    ledger = nights.ledger
    of_day = ledger.day == np.datetime64("2024-06-04")
    bayes = ledger.streams[nights.stream("bayes")]
    assert bayes.scored[of_day].sum() == 1  # the last bar, by the version of the night after
    assert ledger.streams[nights.stream("line")].scored[of_day].all()
    assert (bayes.last_version, ledger.streams[nights.stream("line")].last_version) == ("v6", "v5")


def test_a_dry_run_sees_the_correction_and_writes_nothing(nights: Nights) -> None:
    nights.rewrite(corrected("2024-06-04 09:00", "rsi_14", "91.5"))
    before = nights.keys()
    assert nights(at(6), dry_run=True).detail.endswith("correction of the bars: 2024-06-04")
    assert nights.keys() == before


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, ""),
        (1, "2024-01-01"),
        (2, "2024-01-01, 2024-01-02"),
        (DAYS_NAMED + 1, f"{DAYS_NAMED + 1} days from 2024-01-01 to 2024-01-21"),
    ],
)
def test_many_corrected_days_are_told_in_few_words(tmp_path: Path, number: int, words: str) -> None:
    days = tuple(str(np.datetime64("2024-01-01") + day) for day in range(number))
    scorers = VersionCache(Registry(tmp_path).model("m"))
    assert Evidence(assemble([]), None, GatePolicy(), 0, scorers, days).corrections == words


def test_a_whole_history_that_changed_fits_into_one_decision(nights: Nights, snapshot: SnapshotAssertion) -> None:
    """A vendor who rounds anew changes every day there is."""
    empty = np.empty(0)
    days = tuple(str(np.datetime64("2023-01-02") + day) for day in range(400))
    sheet = NightScores("2024-06-06", True, empty.astype(np.int64), empty, {}, (), days)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.evidence.collect._NightScorer.scores", lambda *given: sheet)
        outcome = nights(at(6))
    assert outcome.detail.endswith("400 days from 2023-01-02 to 2024-02-05")
    assert outcome.detail.split("; ")[-1] == snapshot
    assert told(nights) == list(days[:DAYS_NAMED])
