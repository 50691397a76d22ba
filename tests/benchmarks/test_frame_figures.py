"""The frame of the benchmarks: what a figure claims, and what the page says of one that is missed."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from benchmarks import PARTS, report
from benchmarks.figure import Figure
from benchmarks.timing import ProcessFailed, in_turns, run_process

SLOW = Figure.ratio_of("one", "other", np.array([4.0, 2.0, 6.0]), np.array([2.0, 4.0, 2.0]), bound=1.0)


def test_a_ratio_is_the_median_of_ratios_turn_by_turn() -> None:
    assert SLOW.ratio == pytest.approx(2.0)  # of 2, 0.5 and 3; that of the medians would be 2 by chance
    assert Figure.ratio_of("a", "b", np.array([1.0, 9.0]), np.array([1.0, 1.0]), bound=None).ratio == pytest.approx(5.0)


def test_a_bound_holds_from_its_own_side() -> None:
    assert SLOW.reached is False
    assert replace(SLOW, bound=2.0).reached is True
    assert replace(SLOW, bound=None).reached is None
    faster = Figure.ratio_of("two", "one", np.array([1.0]), np.array([1.8]), bound=1.7, at_least=True)
    assert faster.ratio == pytest.approx(1.8)
    assert faster.reached is True
    assert replace(faster, bound=1.9).reached is False


def test_a_figure_without_a_peer_is_bound_itself() -> None:
    found = Figure.value_of("history", np.array([100.0, 140.0, 180.0]), unit="ms", bound=150.0)
    assert (found.ours, found.ratio, found.reached, found.n) == (140.0, None, True, 3)
    assert replace(found, bound=139.0).reached is False


def test_works_are_taken_in_turns() -> None:
    order: list[str] = []

    def first() -> float:
        order.append("a")
        return 2.0

    def second() -> None:
        order.append("b")

    found = in_turns(first, second, times=3, warm=1)
    assert "".join(order) == "ab" + "ab" + "ba" + "ab"
    assert found[:, 0].tolist() == [2.0, 2.0, 2.0]
    assert (found[:, 1] < 1.0).all()


def test_a_process_tells_its_time_its_memory_and_its_failure() -> None:
    ran = run_process(
        [sys.executable, "-c", "import time; held = b'x' * (200 * 2**20); time.sleep(0.1); print('said')"]
    )
    assert ran.output == "said\n"
    assert 200 < ran.peak_mib < 250
    with pytest.raises(ProcessFailed, match=r"ended with 3:\s+gone wrong"):
        run_process([sys.executable, "-c", "print('gone wrong'); raise SystemExit(3)"])


def test_what_is_kept_comes_back_and_the_page_says_what_is_missed_and_why(
    tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    fine = Figure.value_of("small", 3.0, unit="MiB", bound=4.0)
    found = report.measured("job", "The job", [SLOW, fine], real=True, today=date(2025, 1, 2))
    report.keep(found, tmp_path)
    assert report.kept(["job", "never measured"], tmp_path) == [found]
    page = report.page([found], {"one": "Because of the weather."})
    missed = page.split("## Not reached")[1]
    assert "**one**: 2" in missed and "Because of the weather." in missed
    assert missed == snapshot
    assert "small" not in missed
    assert report.UNEXPLAINED in report.page([found], {})
    assert "Not reached" not in report.page([replace(found, figures=(fine,))], {})


def test_every_part_can_be_measured() -> None:
    import importlib

    for name, module in PARTS.items():
        part = importlib.import_module(module)
        assert part.TITLE, name
        assert callable(part.measure), name
