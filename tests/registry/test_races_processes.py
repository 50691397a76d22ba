"""Many processes register at once while another promotes: nothing is lost, nothing is double, every version loads.

``RACES=16x250`` (environment) is the full race, ``RACES_URL=s3://bucket/prefix`` (with the ``AWS_*`` variables) runs it
against a bucket.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from auditing import audit

from registry import Registry, VersionRecord
from registry.entries import digest
from registry.errors import StaleDecision
from registry.store import connect

WRITERS, EACH = (int(number) for number in os.environ.get("RACES", "8x30").split("x"))
NAME = "gbpusd"
# forked: nothing is imported anew; each process connects for itself
FORK = multiprocessing.get_context("fork")


def archive_of(writer: int, number: int) -> bytes:
    return f"archive {writer} {number}".encode() * 50


def write(url: str, writer: int) -> None:
    model = Registry(url).model(NAME)
    for number in range(EACH):
        record = VersionRecord(recipe="rf", parameters={"writer": writer, "number": number})
        model.register(archive_of(writer, number), record, author=f"writer {writer}", key=f"{writer}/{number}")


def promote(url: str, over: multiprocessing.synchronize.Event) -> None:
    """The newest version is promoted as often as there is a newer one, by two of these against each other."""
    model = Registry(url).model(NAME)
    while not over.is_set():
        champion = model.champion()
        head = model.versions.head()
        if head is None or (champion and champion.version == head.state["latest"]["version"]):
            time.sleep(0.01)  # the writers have not added one
            continue
        version = model.version("latest")
        try:
            model.promote(version, expected=champion, author="gate", body={"sentence": f"promoted: {version}"})
        except StaleDecision:
            continue


@pytest.fixture
def url(tmp_path) -> Iterator[str]:
    yield os.environ.get("RACES_URL") or str(tmp_path / "registry")


@pytest.mark.timeout(3600)
def test_no_registration_is_lost_or_double_while_others_promote(url):
    over = FORK.Event()
    promoters = [FORK.Process(target=promote, args=(url, over)) for _ in range(2)]
    writers = [FORK.Process(target=write, args=(url, writer)) for writer in range(WRITERS)]
    for process in (*writers, *promoters):
        process.start()
    for process in writers:
        process.join()
    over.set()
    for process in promoters:
        process.join()
    assert [process.exitcode for process in (*writers, *promoters)] == [0] * (WRITERS + 2)

    model = Registry(url).model(NAME)
    versions = model.history()
    assert [str(version) for version in versions] == [f"v{n}" for n in range(1, WRITERS * EACH + 1)]
    told = Counter((v.record.parameters["writer"], v.record.parameters["number"]) for v in versions)
    assert told == Counter((writer, number) for writer in range(WRITERS) for number in range(EACH))
    for version in versions:
        data = model.store.get(version.record.artifact)
        assert digest(data) == version.record.sha256
        assert data == archive_of(version.record.parameters["writer"], version.record.parameters["number"])
    store = connect(url)
    logs = audit({key: store.get(key) for key in store.list("")})
    assert logs["decisions"], "somebody promoted"


def test_of_many_processes_doing_the_same_work_one_does_it(tmp_path):
    url = str(tmp_path / "registry")

    def work() -> None:
        model = Registry(url).model(NAME)
        version = model.register(b"the same", VersionRecord(), author="trainer", key="tonight")
        model.promote(version, expected=None, author="gate", body={"sentence": "first"}, key="decision")

    workers = [FORK.Process(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 8
    model = Registry(url).model(NAME)
    assert (model.versions.head().n, model.decisions.head().n) == (1, 1)
