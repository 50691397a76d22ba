"""Processes write over a bad line, collect and fold at once and are killed at any moment.

A reader that imports nothing of the product judges (:mod:`tests.registry.races.independent`), and ``registry verify``:
what was acknowledged is there, once.
With ``TEST_RGW=1`` it is run on a Ceph RADOS Gateway too. ``RACE_SEED`` (environment) gives other choices of what is
done and who is killed; what came of a race is told with ``pytest -s``.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from registry import Registry
from registry.log import segments
from registry.maintenance.verify import verify
from tests.registry.actors import NAME
from tests.registry.races.independent import read, read_journal, wrongs
from tests.registry.races.workers import CALLS, TURNS, Flag, work
from tests.servers.fixtures import RACED

SEED = os.environ.get("RACE_SEED", "1")
ACKNOWLEDGED, KILLS, COLLECTED = 500, 40, 5
GRACE = {"folder": timedelta(seconds=4), "rgw": timedelta(seconds=12)}
# forked: nothing is imported anew; each process connects for itself
FORK = multiprocessing.get_context("fork")


class Told:
    """What the journals say, in numbers."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.lines = lines
        self.events = Counter(line["event"] for line in lines)
        self.done = Counter(line["kind"] for line in lines if line["event"] == "acknowledged")
        self.refused = Counter(line["why"] for line in lines if line["event"] == "refused")
        self.removed = Counter(why for line in lines for why in line.get("removed", ()))
        settled = {line["key"] for line in lines if line["event"] in ("acknowledged", "refused")}
        self.unsettled = {line["key"] for line in lines if line["event"] == "begun"} - settled
        self.folded = sum(line.get("runs", 0) for line in lines)
        self.asked, self.failed = (sum(line.get(name, 0) for line in lines) for name in ("asked", "failed"))

    @property
    def is_too_little(self) -> bool:
        enough = self.events["acknowledged"] >= ACKNOWLEDGED and self.removed["retired"] >= COLLECTED
        return not enough or not self.folded or not self.events["unknown"] or self.done.keys() != CALLS.keys()

    def __str__(self) -> str:
        answers = sum(self.events[name] for name in ("acknowledged", "refused", "unknown"))
        return (
            f"{self.events['acknowledged']} acknowledged {dict(self.done)}, {self.events['refused']} refused "
            f"{dict(self.refused)}, {self.events['unknown']} unknown, {self.events['begun'] - answers} cut off and "
            f"called again, {len(self.unsettled)} never settled, "
            f"{self.failed / max(1, self.asked):.0%} of {self.asked} requests failed, "
            f"{self.events['collected']} collections {dict(self.removed)}, {self.folded} runs folded"
        )


@dataclass
class Race:
    """The processes of one race, by name, and how often one was killed."""

    url: str
    grace: timedelta
    journals: Path
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    over: Flag = field(default_factory=lambda: FORK.RawValue("b", 0))
    running: dict[str, BaseProcess] = field(default_factory=dict)
    kills: int = 0

    def start(self, name: str) -> None:
        seed, journal = f"{SEED} {name} {self.kills}", self.journals / name
        arguments = (name, seed, self.url, self.grace, journal, self.over)
        self.running[name] = process = FORK.Process(target=work, args=arguments, name=name, daemon=True)
        process.start()

    def kill(self, name: str) -> None:
        """End the process without a word, and start another in its place."""
        process = self.running[name]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"{name} had ended by itself"
        self.kills += 1
        self.start(name)

    def told(self) -> Told:
        """What stands in the journals so far; the last line of each may be half written."""
        whole = (path.read_text(encoding="utf-8").rpartition("\n")[0] for path in self.journals.iterdir())
        return Told([json.loads(line) for lines in whole for line in lines.splitlines()])

    def run(self) -> None:
        """Kill some process now and then until there is enough of everything; then let all of them end."""
        while (told := self.told()).is_too_little or self.kills < KILLS:
            self.none_ends_within(self.chance.random() * 0.1)
            if told.events["acknowledged"] >= self.kills * ACKNOWLEDGED / KILLS:
                self.kill(self.chance.choice([*self.running]))
        self.over.value = 1
        for process in self.running.values():
            process.join()
        ends = {name: process.exitcode for name, process in self.running.items()}
        assert set(ends.values()) == {0}, ends

    def none_ends_within(self, seconds: float) -> None:
        ended = connection.wait([process.sentinel for process in self.running.values()], timeout=seconds)
        assert not ended, "a process ended by itself: its traceback is above"


@contextmanager
def race(url: str, grace: timedelta, journals: Path) -> Iterator[Race]:
    """A race with all its processes started; none is left when the block ends."""
    journals.mkdir()
    Registry(url).begin()
    begun = Race(url, grace, journals)
    try:
        for name in TURNS:
            begun.start(name)
        yield begun
    finally:
        for process in begun.running.values():
            process.kill()
            process.join()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", RACED)
def test_whoever_is_killed_what_was_acknowledged_is_there_once(place, raced_url, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "SIZES", (20, 100))  # so that much is folded
    began = time.monotonic()
    with race(raced_url, GRACE[place], tmp_path / "journals") as begun:
        begun.run()
    seconds = time.monotonic() - began
    lines = [line for path in sorted((tmp_path / "journals").iterdir()) for line in read_journal(path)]
    sys.stdout.write(f"\nseed {SEED}: {seconds:.0f} s, {begun.kills} kills, {Told(lines)}\n")
    assert wrongs(read(raced_url), lines) == []
    report = verify(Registry(raced_url).model(NAME))
    assert report.clean, report.findings
    sys.stdout.write(f"judged in {time.monotonic() - began - seconds:.0f} s\n")
