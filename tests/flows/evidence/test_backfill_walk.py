"""The walk-forward over the past: out of sample, blind to what came later, and told as it goes."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from flows.bars import Dataset, prepare
from flows.evidence.backfill import (
    FIRST_TRAINING_DAYS,
    REFIT_DAYS,
    cost_sentence,
    day_fingerprints,
    decision_threshold,
    left_sentence,
    walk_forward,
)
from flows.fitting import tasks as fitting_tasks
from flows.fitting.queue import OnQueueProgress, QueueProgress
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import NightScores, minutes, to_bytes
from flows.night.state import NightContext
from flows.operations.orchestrator import artifacts, tasks
from tests.flows.nights import Nights, at, short_bars


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    place = tmp_path_factory.mktemp("walk")
    return Nights(place, short_bars(place / "bars"))


@pytest.fixture(scope="module")
def data(nights: Nights) -> Dataset:
    return nights.dataset(at(3))


def walk(nights: Nights, data: Dataset, days: int = 50, **values: Any) -> list[NightScores]:
    return walk_forward(nights.job(at(3), backfill_days=days), data, night="2024-06-03", **values)


def opens_of(data: Dataset) -> np.ndarray:
    return minutes(pd.DatetimeIndex(data.bars.frame.index))


def with_frame(data: Dataset, frame: pd.DataFrame) -> Dataset:
    return prepare(replace(data.bars, frame=frame, file_time=data.bars.file_time[: len(frame)]))


def test_each_of_the_last_days_is_scored_once_and_marked_as_not_live(nights: Nights, data: Dataset) -> None:
    sheets = walk(nights, data)
    opens = np.concatenate([sheet.opens for sheet in sheets])
    days = np.unique(data.trading_day[data.counted])[-50:]
    expected = np.isin(data.trading_day, days) & ~np.isnan(data.label)
    assert opens.tolist() == opens_of(data)[expected].tolist()
    assert not any(sheet.live for sheet in sheets)
    assert all(each.version is None and not np.isnan(each.p).any() for sheet in sheets for each in sheet.streams)
    assert [[each.name for each in sheet.streams] for sheet in sheets] == [["line", "bayes"]] * 3


def test_nothing_is_scored_on_bars_it_was_trained_on(
    nights: Nights, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: list[pd.Timestamp] = []
    train = fitting_tasks.train

    def watched(recipe: Any, seen: Dataset, mask: np.ndarray, **values: Any) -> Any:
        taught.append(seen.known_at[mask].max())
        return train(recipe, seen, mask, **values)

    monkeypatch.setattr(fitting_tasks, "train", watched)
    sheets = walk(nights, data)
    assert len(taught) == 2 * len(sheets) == 6
    for known_at, sheet in zip(sorted(taught)[::2], sheets, strict=True):
        first = pd.Timestamp(int(sheet.opens[0]), unit="m", tz="UTC")
        assert first - pd.Timedelta(hours=1) < known_at <= first


def test_a_planted_future_bar_changes_nothing_before_it(nights: Nights, data: Dataset) -> None:
    plain = walk(nights, data)
    first = pd.Timestamp(int(plain[-1].opens[0]), unit="m", tz="UTC")
    frame = data.bars.frame.copy()
    planted = frame.index >= first
    frame.loc[planted, ["rsi_14", "adx_14"]] = 99.0
    frame.loc[planted, "close_15m"] = np.linspace(1.0, 2.0, planted.sum())
    changed = walk(nights, with_frame(data, frame))
    assert to_bytes(changed[:-1]) == to_bytes(plain[:-1])
    assert to_bytes(changed[-1:]) != to_bytes(plain[-1:])


def test_the_same_bars_give_the_same_bytes(nights: Nights, data: Dataset) -> None:
    assert to_bytes(walk(nights, data, 20)) == to_bytes(walk(nights, data, 20))


def test_every_twenty_days_are_refitted_and_progress_is_told(nights: Nights, data: Dataset) -> None:
    told: list[QueueProgress] = []
    sheets = walk(nights, data, 50, progress=told.append)
    assert [(now.done, now.total) for now in told] == [(done, 6) for done in range(7)]  # told before it begins too
    assert [len(sheet.days) for sheet in sheets] == [REFIT_DAYS, REFIT_DAYS, 10]


def test_progress_ends_where_it_said_also_when_there_was_nothing_to_train_on(nights: Nights, data: Dataset) -> None:
    """Two months without bars: the first days after them follow on nothing."""
    frame = data.bars.frame
    hole = (frame.index > pd.Timestamp("2024-02-01", tz="UTC")) & (frame.index < pd.Timestamp("2024-05-06", tz="UTC"))
    told: list[QueueProgress] = []
    sheets = walk(nights, with_frame(data, frame[~hole]), progress=told.append)
    assert [(now.done, now.total) for now in told] == [(done, 4) for done in range(5)]
    assert told[-1].share == 1.0
    assert len(sheets) == 1 and "2024-05-06" not in sheets[0].days


def test_the_cut_follows_what_the_stream_said_before(nights: Nights, data: Dataset) -> None:
    first, second, third = walk(nights, data)
    assert [each.cut for each in first.streams] == [0.5, 0.5]
    for at_series in (0, 1):
        said = [sheet.streams[at_series].p for sheet in (first, second)]
        assert second.streams[at_series].cut == np.median(said[0][-2000:])
        assert third.streams[at_series].cut == np.median(np.concatenate(said)[-2000:])


def test_a_policy_of_one_half_cuts_there(nights: Nights, data: Dataset) -> None:
    job = replace(nights.job(at(3), backfill_days=50), gate=GatePolicy(cut="half"))
    assert {each.cut for sheet in walk_forward(job, data, night="2024-06-03") for each in sheet.streams} == {0.5}


@pytest.mark.parametrize(("bars", "cut"), [(0, 0.5), (499, 0.5), (500, 0.25), (5_000, 0.25)])
def test_a_cut_asks_for_five_hundred_predictions(bars: int, cut: float) -> None:
    assert decision_threshold(GatePolicy(), np.full(bars, 0.25)) == cut


def test_the_first_sixty_days_are_learnt_and_not_scored(nights: Nights, data: Dataset) -> None:
    sheets = walk(nights, data, 5_000)
    first = pd.Timestamp(int(sheets[0].opens[0]), unit="m", tz="UTC")
    begun = data.bars.frame.index[0] + pd.Timedelta(days=FIRST_TRAINING_DAYS)
    assert abs(first - begun) < pd.Timedelta(days=3)


@pytest.mark.parametrize("days", [0, 50])
def test_without_days_or_without_a_past_there_is_nothing(nights: Nights, data: Dataset, days: int) -> None:
    told: list[QueueProgress] = []
    short = data if days == 0 else with_frame(data, data.bars.frame.iloc[:4_000])
    assert walk(nights, short, days, progress=told.append) == []
    assert told == []


def test_a_mark_is_the_fingerprint_of_a_days_scored_bars(data: Dataset) -> None:
    scored = np.zeros(data.label.size, np.bool_)
    scored[-150:] = True
    found = day_fingerprints(data, scored)
    assert [*found] == [str(day) for day in np.unique(data.trading_day[-150:])]
    assert found["2024-06-03"] == data.fingerprint(scored & (data.trading_day == np.datetime64("2024-06-03")))
    assert day_fingerprints(data, ~scored & scored) == {}
    scored[-1] = False
    assert day_fingerprints(data, scored)["2024-06-03"] != found["2024-06-03"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 second "), (71.3, "71 seconds "), (100, "2 minutes "), (3_000, "50 minutes ")]
)
def test_seconds_that_are_left_are_said_in_words(seconds: float, said: str) -> None:
    assert f"about {said}more" in left_sentence(seconds)


def test_under_prefect_it_is_told_on_the_page_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[float, str]] = []
    for name in ("create_progress_artifact", "update_progress_artifact"):
        monkeypatch.setattr(artifacts, name, lambda *given, description: said.append((given[-1], description)))

    def gather(night: NightContext, progress: OnQueueProgress) -> None:
        progress(QueueProgress(0, 150))
        progress(QueueProgress(5, 150, 3.0))
        progress(QueueProgress(6, 150, 3.0, 72.0))
        progress(QueueProgress(7, 150, 3.1, 71.9))  # no percent more: the server is not asked
        progress(QueueProgress(150, 150, 75.0, 0.0))

    monkeypatch.setattr(tasks.steps, "gather", gather)
    monkeypatch.setattr(tasks, "get_run_logger", lambda: logging.getLogger("test"))
    tasks.gather.fn(cast(Any, None))  # the walk-forward alone is looked at
    known = f"{cost_sentence(150)} {left_sentence(72.0)}"
    assert said == [(0.0, cost_sentence(150)), (4.0, known), (100.0, known)]


def test_a_night_tells_the_progress_of_its_backfill(nights: Nights, tmp_path: Path) -> None:
    told: list[QueueProgress] = []
    fresh = Nights(tmp_path, nights.data)
    fresh(at(3), dry_run=True, on_backfill=told.append)
    assert (told[0].done, told[0].total) == (0, 6) and told[-1].done == 6
