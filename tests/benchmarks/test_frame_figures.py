"""The frame of the benchmarks: what a figure claims, and what the page says of one that is missed."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from benchmarks import ALONE, PARTS, TURNS, report
from benchmarks.__main__ import main
from benchmarks.figure import Figure
from benchmarks.registry.limits import ask, recorded
from benchmarks.registry.ours import NAME, Trained, long_folder
from benchmarks.registry.servers import BUCKET, bucket, client
from benchmarks.timing import TIMES, ProcessFailed, in_turns, run_process
from registry import Registry, VersionRecord
from registry.log import segments
from registry.maintenance.verify import verify
from registry.store import connect
from tests.registry.archives import SIGNATURE, fitted

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
    found = replace(report.measured("job", "The job", [SLOW, fine], real=True, today=date(2025, 1, 2)), seconds=80)
    report.save(found, tmp_path)
    assert report.load(["job", "never measured"], tmp_path) == [found]
    page = report.page([found], {"one": "Because of the weather."})
    missed = page.split("## Not reached")[1]
    assert "**one**: 2" in missed and "Because of the weather." in missed
    assert missed == snapshot
    assert "small" not in missed and "; 80 s in all" in page
    assert report.UNEXPLAINED in report.page([found], {})
    assert "Not reached" not in report.page([replace(found, figures=(fine,))], {})


def test_every_part_can_be_measured() -> None:
    import importlib

    for name, module in PARTS.items():
        part = importlib.import_module(module)
        assert part.TITLE, name
        assert callable(part.measure), name
    assert {*ALONE, *TURNS} <= PARTS.keys()


def test_without_a_name_all_but_the_longest_parts_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, int] = {}

    def measure(part: str, data: Path, times: int, console: object) -> tuple[str, list[Figure], bool]:
        asked[part] = times
        return part, [], True

    monkeypatch.setattr(sys, "argv", ["benchmarks", "--dry-run"])
    monkeypatch.setattr("benchmarks.__main__.measure", measure)
    main()
    assert [*asked] == [part for part in PARTS if part not in ALONE]
    assert (asked["job"], asked["imports"]) == (TURNS["job"], TIMES)


def test_the_requests_that_are_repeated_are_those_that_were_made() -> None:
    with bucket():
        store = connect(f"s3://{BUCKET}/r")
        store.create("a/b", b"bytes")
        with recorded() as requests:
            store.create("a/c", b"more")
            store.get("a/b")
            store.list("a/", limit=1)
        assert [(each.kind, each.key, each.body) for each in requests] == [
            ("PUT", "r/a/c", b"more"),
            ("GET", "r/a/b", b""),
            ("LIST", "", b""),
        ]
        assert (requests[2].query["prefix"], requests[2].query["max-keys"]) == ("r/a/", "1")
        with recorded() as again:
            ask(client(), requests, iter(["x"]))
        assert [each.kind for each in again] == ["PUT", "GET", "LIST"] and again[2].query == requests[2].query


@pytest.mark.parametrize("count", [2, 101, 102, 2_702])
def test_a_long_registry_is_what_the_protocol_would_have_written(count: int, tmp_path: Path) -> None:
    record = VersionRecord(recipe="tree", recipe_fingerprint="f" * 64)
    found = Trained(fitted("one tree"), SIGNATURE, record, tmp_path)
    model = Registry(long_folder(tmp_path / "r", count, found)).model(NAME)
    assert verify(model).findings == () and len(model.history()) == count
    assert [segment.size for segment in segments.stored(model.versions)] == ([2500] * (count > 2_500)) + [100] * (
        (count - 1) % 2_500 // 100
    )
