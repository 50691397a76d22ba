"""Adding day by day gives the bytes of one build over everything, and never changes a bar that is there."""

from __future__ import annotations

import fcntl
import os
import shutil
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from flows.bars import FEATURES, load_bars
from flows.bars.clock import FileClock
from flows.bars.raw import Built, Choices, Export, add, build, folder, read_export
from flows.bars.raw.building import Definitions, Years
from flows.errors import BarsRejected, RequestRefused
from tests.flows.bars.raw import exports

CLOCK = FileClock.parse(exports.HISTDATA_CLOCK)
BARS = exports.minutes("2023-12-20 00:00", "2024-01-05 16:45", missing=0.3)  # over New Year, ends in mid-quarter
DAY = pd.Timedelta(days=1)


def export(bars: pd.DataFrame, name: str = "x.csv") -> Export:
    return read_export(name, exports.histdata(bars), clock=CLOCK)


def content(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(path.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything in one build."""
    path = tmp_path_factory.mktemp("whole")
    build(path, [export(BARS)], Choices())
    return path


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(len(BARS) // 2, len(BARS) - 1), min_size=1, max_size=4, unique=True), st.integers(0, 40))
def test_wherever_it_is_cut_the_files_are_the_same(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, cuts: list[int], overlap: int
) -> None:
    path = tmp_path_factory.mktemp("parts")
    edges = [0, *sorted(cuts), len(BARS)]
    for begin, end in pairwise(edges):
        part = [export(BARS.iloc[max(0, begin - overlap) : end])]
        (add if begin else build)(path, part, Choices())
    assert content(path) == content(whole)
    shutil.rmtree(path)


@pytest.mark.parametrize("definitions", ["notebook", "textbook"])
@pytest.mark.parametrize("years", ["continuous", "apart"])
def test_days_added_one_by_one_are_one_build(tmp_path: Path, definitions: Definitions, years: Years) -> None:
    choices = Choices(definitions=definitions, years=years)
    build(tmp_path / "whole", [export(BARS)], choices)
    first = BARS[BARS.index < "2023-12-28"]
    build(tmp_path / "days", [export(first)], choices)
    for day in pd.date_range("2023-12-28", "2024-01-05"):
        add(tmp_path / "days", [export(BARS[(BARS.index >= day) & (BARS.index < day + DAY)])], choices)
    assert content(tmp_path / "days") == content(tmp_path / "whole")


def test_a_few_minutes_at_full_quarters_are_not_taken_for_longer_bars(tmp_path: Path) -> None:
    build(tmp_path, [export(BARS[BARS.index < "2024-01-03"])], Choices())
    few = BARS[(BARS.index >= "2024-01-03") & (BARS.index.minute % 15 == 0)].iloc[:5]
    assert add(tmp_path, [export(few)], Choices()).added == 4  # the last one is open still


def test_what_is_built_is_what_the_loader_reads(whole: Path) -> None:
    frame = load_bars(whole, require=FEATURES).frame
    quarters = BARS.groupby(BARS.index.floor("15min")).agg(
        {"open": "first", "high": "max", "low": "min", "close": "last"}
    )
    expected = quarters.iloc[500 : 500 + len(frame)]
    assert len(frame) == len(quarters) - 500 - 1  # the last is open still
    assert (frame.iloc[:, :4].to_numpy() == expected.to_numpy()).all()
    assert (load_bars(whole).file_time == expected.index.to_numpy()).all()


def test_the_exports_clock_and_the_files_are_two_things(tmp_path: Path, whole: Path) -> None:
    utc = BARS.set_axis(BARS.index + pd.Timedelta(hours=5))
    build(tmp_path, [read_export("x.csv", exports.histdata(utc), clock=FileClock.parse("UTC"))], Choices())
    assert content(tmp_path) == content(whole)


def test_adding_the_same_again_changes_nothing(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "again"
    shutil.copytree(whole, path)
    built = add(path, [export(BARS)], Choices())
    assert (built.added, built.files) == (0, ())
    assert content(path) == content(whole)


def test_a_quarter_that_is_open_is_held_back_and_goes_on(tmp_path: Path) -> None:
    at = BARS.index.get_indexer([pd.Timestamp("2024-01-03 10:07")], method="nearest")[0]
    built = build(tmp_path, [export(BARS.iloc[:at])], Choices())
    assert built.held_back > 0 and built.last < pd.Timestamp("2024-01-03 15:00", tz="UTC")
    later = add(tmp_path, [export(BARS.iloc[at:])], Choices())
    inside = BARS[BARS.index.floor("15min") == "2024-01-03 10:00"]
    bar = load_bars(tmp_path).frame.loc["2024-01-03 15:00+00:00"]
    assert (bar["open_15m"], bar["close_15m"]) == (inside["open"].iloc[0], inside["close"].iloc[-1])
    assert later.added > 0


def test_keep_writes_the_open_quarter_and_drop_leaves_a_complete_one(tmp_path: Path) -> None:
    auto, keep, drop = (build(tmp_path / each, [export(BARS)], Choices(last=each)) for each in ("auto", "keep", "drop"))
    assert keep.bars == auto.bars + 1 and keep.held_back == 0
    assert (drop.bars, drop.held_back) == (auto.bars, auto.held_back)


def test_minutes_of_a_bar_that_was_written_early_are_not_held_back_again(tmp_path: Path) -> None:
    build(tmp_path, [export(BARS)], Choices(last="keep"))
    before = content(tmp_path)
    assert add(tmp_path, [export(BARS)], Choices()).held_back == 0
    assert content(tmp_path) == before


def first_part(path: Path) -> Built:
    return build(path, [export(BARS[BARS.index < "2024-01-03"])], Choices())


@pytest.mark.parametrize(
    ("rows", "changed", "rule"),
    [
        (slice("2024-01-02", "2024-01-04"), 0.001, "has other prices now"),
        (slice("2023-12-01", "2023-12-02"), 0.0, "bars before the last one there are new"),
        (slice("2024-01-20", "2024-01-21"), 0.0, "missing for longer than a market closes"),
    ],
)
def test_bars_that_do_not_fit_those_there_are_refused(tmp_path: Path, rows: slice, changed: float, rule: str) -> None:
    first_part(tmp_path)
    before = content(tmp_path)
    more = exports.minutes("2023-12-01", "2023-12-03"), BARS, exports.minutes("2024-01-20", "2024-01-22")
    bars = pd.concat(more).loc[rows] + changed
    with pytest.raises(BarsRejected, match=rule):
        add(tmp_path, [export(bars)], Choices())
    assert content(tmp_path) == before


def test_minutes_held_back_that_come_again_with_other_prices_are_refused(tmp_path: Path) -> None:
    at = BARS.index.get_indexer([pd.Timestamp("2024-01-03 10:10")], method="nearest")[0]
    build(tmp_path, [export(BARS.iloc[:at])], Choices())
    with pytest.raises(BarsRejected, match="held back before, differs"):
        add(tmp_path, [export(BARS.iloc[at - 1 :] + 0.001)], Choices())


def test_a_gap_is_named_with_the_line_after_it_and_can_be_allowed(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    later = exports.minutes("2024-01-20", "2024-01-21", missing=0)
    both = [export(BARS, "one.csv"), export(later, "two.csv")]
    with pytest.raises(BarsRejected, match=r"two.csv row 1: .* 2024-01-05 .* 2024-01-20") as refused:
        build(tmp_path, both, Choices())
    assert str(refused.value) == snapshot
    assert build(tmp_path, both, Choices(longest_gap=timedelta(days=20))).bars > 0


@pytest.mark.parametrize(
    "choices", [Choices(clock="UTC"), Choices(definitions="textbook"), Choices(years="apart")], ids=str
)
def test_a_folder_goes_on_as_it_was_begun(tmp_path: Path, whole: Path, choices: Choices) -> None:
    path = tmp_path / "there"
    shutil.copytree(whole, path)
    with pytest.raises(RequestRefused, match="was built with"):
        add(path, [export(BARS)], choices)


def test_adding_where_nothing_was_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestRefused, match="nothing was built"):
        add(tmp_path, [export(BARS)], Choices())


def test_a_file_that_was_edited_is_not_added_to(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    first_part(tmp_path)
    yearly = tmp_path / "GBPUSD_M15_2023_features.csv"
    for spoil in (lambda: yearly.write_bytes(yearly.read_bytes()[:-1]), yearly.unlink):
        spoil()
        with pytest.raises(BarsRejected, match=r"GBPUSD_M15_2023_features.csv") as refused:
            add(tmp_path, [export(BARS)], Choices())
        assert str(refused.value) == snapshot


@pytest.mark.parametrize("state", [b"", b"{}", b'{"format": 2}', b"[]", b'{"format": 1, "clock": 3}', b"\xff"])
def test_a_state_that_cannot_be_read_is_refused(tmp_path: Path, state: bytes) -> None:
    (tmp_path / folder.STATE).write_bytes(state)
    with pytest.raises(BarsRejected, match="cannot be read"):
        add(tmp_path, [export(BARS)], Choices())


def test_two_builds_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(RequestRefused, match="another build is at work"):
            build(tmp_path, [export(BARS)], Choices())
    finally:
        os.close(handle)


class Killed(BaseException):
    """What no handler of errors sees."""


def test_killed_at_any_write_it_is_all_there_or_nothing_and_can_be_repeated(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace
    first_part(tmp_path / "begun")
    before = content(tmp_path / "begun")
    steps = 0
    for killed_at in range(20):
        path = tmp_path / str(killed_at)
        shutil.copytree(tmp_path / "begun", path)
        steps = 0

        def counted(self: Path, target: Path, killed_at: int = killed_at) -> Path:
            nonlocal steps
            steps += 1
            if steps > killed_at:
                raise Killed
            return replace(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", counted)
            try:
                add(path, [export(BARS)], Choices())
            except Killed:
                pass
            else:
                break
        yearly = {name: data for name, data in content(path).items() if name.startswith("GBPUSD")}
        after = content(whole)
        assert all(data in (before.get(name), after[name]) for name, data in yearly.items())
        add(path, [export(BARS)], Choices())
        assert content(path) == after
    assert killed_at == 3  # staged, committed, put in place


def test_real_prices_give_the_real_features_wherever_their_beginning_has_faded(tmp_path: Path, real_bars: Path) -> None:
    frames = {year: load_bars(real_bars, years=(year,)) for year in (2022, 2023, 2024)}
    raw = []
    for year, bars in frames.items():
        prices = bars.frame.iloc[:, :4].set_axis(["open", "high", "low", "close"], axis=1)
        raw.append(export(prices.set_axis(pd.DatetimeIndex(bars.file_time)), f"{year}.csv"))
    for how in ("continuous", "apart"):
        build(tmp_path / how, raw, Choices(years=how))
        for year, bars in frames.items():
            built = load_bars(tmp_path / how, years=(year,)).frame
            real = bars.frame.loc[built.index]
            faded = real.index >= bars.frame.index[500]
            off = np.abs(built[list(FEATURES)] - real[list(FEATURES)]).to_numpy().max(axis=1)
            assert off[faded].max() <= 1.01e-10  # two roundings to ten decimals
            assert (built.iloc[:, :4] == real.iloc[:, :4]).all().all()
            if year > 2022:  # the real files begin anew at New Year; their first 19 bars are not to be had
                assert off[~faded].max() > 1e-3
