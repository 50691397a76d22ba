"""Many processes register at once while others promote and collect: nothing lost, nothing double, every version loads.

``RACES=16x250`` (environment) is the full race; with ``TEST_RGW=1`` it is run on a Ceph RADOS Gateway too. How long it
took, and what the collector did, is told with ``pytest -s``.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from registry import Model, Registry, VersionRecord
from registry.errors import StaleDecision, UploadTooOld
from registry.format import keys
from registry.format.entries import digest
from registry.maintenance import gc
from registry.store import connect
from tests.registry.auditing import audit
from tests.servers.fixtures import RACED

WRITERS, EACH = (int(number) for number in os.environ.get("RACES", "8x30").split("x"))
NAME = "gbpusd"
# forked: nothing is imported anew; each process connects for itself
FORK = multiprocessing.get_context("fork")
GRACE = timedelta(seconds=20)


def the_model(url: str) -> Model:
    return Registry(url).with_grace(GRACE).model(NAME)


def archive_of(writer: int, number: int) -> bytes:
    return f"archive {writer} {number}".encode() * 50


def write(url: str, writer: int) -> None:
    model = the_model(url)
    for number in range(EACH):
        record = VersionRecord(recipe="rf", parameters={"writer": writer, "number": number})
        archive, author, key = archive_of(writer, number), f"writer {writer}", f"{writer}/{number}"
        while True:
            try:
                model.register(archive, record, author=author, key=key)
                break
            except UploadTooOld:  # half the grace waited for its turn, on a busy machine
                continue


def promote(url: str, over: multiprocessing.synchronize.Event) -> None:
    """The newest version is promoted as often as there is a newer one, by two of these against each other."""
    model = the_model(url)
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


def upkeep(url: str, over: multiprocessing.synchronize.Event) -> None:
    """Folds and collects, and leaves one orphan a round as a killed writer would; those that are due must go."""
    model, planted = the_model(url), dict[str, float]()
    for number in itertools.count():
        last = over.is_set()
        due = {key for key, since in planted.items() if time.monotonic() - since > GRACE.total_seconds() + 2}
        model.fold()
        gc.collect(model, dry_run=False)
        left = due.intersection(model.store.list(f"{keys.model_prefix(NAME)}artifacts/"))
        assert not left, f"orphans that are due were left: {left}"
        if last:
            sys.stdout.write(f"\n{number} collections beside, {len(due)} of {len(planted)} orphans were due and gone\n")
            return
        orphan = keys.artifact_key(NAME, f"{number:064d}", "orphan")
        model.store.create(orphan, b"nobody names it")
        planted[orphan] = time.monotonic() - age(url, orphan)


def age(url: str, key: str) -> float:
    """Seconds since an object was stored; in a folder it is made an hour old."""
    if url.startswith("s3://"):
        return 0.0
    made = time.time() - 3600
    os.utime(Path(url) / key, (made, made))
    return 3600.0


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("place", RACED)
def test_no_registration_is_lost_or_double_while_others_promote_and_collect(raced_url):
    begun, over = time.monotonic(), FORK.Event()
    beside = [FORK.Process(target=target, args=(raced_url, over)) for target in (promote, promote, upkeep)]
    writers = [FORK.Process(target=write, args=(raced_url, writer)) for writer in range(WRITERS)]
    for process in (*writers, *beside):
        process.start()
    for process in writers:
        process.join()
    sys.stdout.write(f"\n{WRITERS} x {EACH} registrations in {time.monotonic() - begun:.0f} s\n")
    over.set()
    for process in beside:
        process.join()
    assert [process.exitcode for process in (*writers, *beside)] == [0] * (WRITERS + 3)

    model = the_model(raced_url)
    versions = model.history()
    assert [str(version) for version in versions] == [f"v{n}" for n in range(1, WRITERS * EACH + 1)]
    told = Counter((v.record.parameters["writer"], v.record.parameters["number"]) for v in versions)
    assert told == Counter((writer, number) for writer in range(WRITERS) for number in range(EACH))
    for version in versions:
        data = model.store.get(version.record.artifact)
        assert digest(data) == version.record.sha256
        assert data == archive_of(version.record.parameters["writer"], version.record.parameters["number"])
    store = connect(raced_url)
    logs = audit({key: store.get(key) for key in store.list("")})
    assert logs["decisions"], "somebody promoted"
    sys.stdout.write(f"{len(logs['decisions'])} promotions\n")


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
