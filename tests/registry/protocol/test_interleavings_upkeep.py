"""All interleavings of garbage collection and folding with those who write, while days pass between any two requests.

Time is what garbage collection stands on: an upload waits for its entry, a promotion for its write, and meanwhile what
nobody names grows old. Grace is a day; eleven hours may pass three times, at any moment, but no create is on its way
for more than half a day. In every end the audit holds: no artifact is gone that a version or the champion needs.

What was covered is told with ``pytest -s``. ``INTERLEAVINGS=long`` (environment) takes any number of faults where two
are taken, one where none is, and more triples: some three times the states.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from registry import Model, VersionRecord
from registry.format import keys
from registry.log import segments
from registry.maintenance import gc
from registry.model.decisions import DecisionWriter
from registry.model.preparation import Preparation
from registry.store import Store
from tests.registry.actors import NAME
from tests.registry.auditing import audit
from tests.registry.operations import WHY, before
from tests.registry.protocol.test_interleavings_all import LONG, Judge, client, client_model
from tests.servers.exhaustive import UNLIMITED, Client, Moment, Report, World, explore
from tests.servers.stores import MemoryStore

ORPHAN = f"models/{NAME}/artifacts/{'0' * 64}-orphan"


def collect(store: Store, clock: Moment) -> Any:
    return gc.collect(client_model(store, clock, 50), dry_run=False)


def fold(store: Store, clock: Moment) -> Any:
    return segments.fold(client_model(store, clock, 51).versions)


def register_without_key(store: Store, clock: Moment) -> Any:
    """It looks for the newest entry after its upload, so that days may pass between the two."""
    return client_model(store, clock, 52).register(b"other", VersionRecord(recipe="rf"), author="trainer")


UNNAMED: dict[str, Client] = {"gc": collect, "fold": fold, "register without key": register_without_key}
"""Those whose work no idempotency key names: whether it was done is not asked, only that it harms nobody."""


def explored(names: tuple[str, ...], objects: dict[str, bytes], **limits: Any) -> Report:
    works = tuple(f"work {who}" for who in range(len(names)))
    numbered = enumerate(zip(names, works, strict=True), 2)
    clients = [UNNAMED.get(name) or client(name, who, work) for who, (name, work) in numbered]
    named = [n for n, name in enumerate(names) if name not in UNNAMED]
    judge = Judge(tuple(names[n] for n in named), tuple(works[n] for n in named))
    read: set[Any] = set()

    def at_end(world: World, outcomes: list[Any]) -> None:
        judge(world, [outcomes[n] for n in named])
        if world.objects not in read:
            read.add(world.objects)
            reads_the_same(world)

    report = explore(clients, objects, at_end=at_end, settled=is_entry, **limits)
    sys.stdout.write(f"\n{' + '.join(names)}, {limits}: {report}\n")
    return report


def is_entry(key: str) -> bool:
    """Nobody changes or deletes an entry of a log."""
    return any(keys.entry_number(NAME, log, key) is not None for log in keys.LOGS)


def reads_the_same(world: World) -> None:
    store = MemoryStore()
    store.objects |= world.contents()
    model: Model = client_model(store, Moment(), 60)
    assert [*model.versions.walk()][::-1] == audit(store.objects)["versions"]


pytestmark = pytest.mark.timeout(3600 if LONG else 120)


@pytest.fixture(autouse=True)
def few_tries(monkeypatch):
    monkeypatch.setattr("registry.log.log._UNKNOWN_TRIES", 2)
    monkeypatch.setattr("registry.model.preparation._UPLOAD_TRIES", 1)
    monkeypatch.setattr(segments, "SIZES", (2, 4))


def retired() -> dict[str, bytes]:
    """As at the beginning of the others, and v3 is retired."""
    store = MemoryStore()
    store.objects |= before()
    client_model(store, Moment(), 70).retire([3], **WHY)
    return store.objects


def littered() -> dict[str, bytes]:
    return {**retired(), ORPHAN: b"left by a killed writer"}


OLD = 100.0  # hours: more than two graces after everything that is there
OTHERS = ["register", "promote", "rollback", "retire", "gc", "fold"]


@pytest.mark.parametrize("name", OTHERS)
def test_collection_beside_another_with_faults_takes_nothing_that_is_named(name):
    report = explored((name, "gc"), littered(), faults=UNLIMITED if LONG else 2, begin=OLD)
    assert report.ends > 100


@pytest.mark.parametrize("name", ["register without key", *OTHERS])
def test_collection_beside_another_takes_nothing_that_is_named_however_time_passes(name):
    report = explored((name, "gc"), before(), faults=1 if LONG else 0, passes=3)
    assert report.ends > 20


SHORT_TRIPLES = [("promote", "retire"), ("register", "register without key")]
LONG_TRIPLES = [("promote", "rollback"), ("retire", "rollback"), ("promote", "register"), ("promote", "gc")]


@pytest.mark.parametrize("names", [*SHORT_TRIPLES, *(LONG_TRIPLES if LONG else [])], ids="+".join)
def test_collection_beside_two_takes_nothing_that_is_named_however_time_passes(names):
    report = explored((*names, "gc"), before(), faults=0, passes=3, begin=OLD)
    assert report.ends > 1000


@pytest.mark.parametrize("name", ["fold", "register"])
def test_folding_changes_nothing_that_is_read(name):
    assert explored((name, "fold"), before(), faults=UNLIMITED if LONG else 2).ends > 50


def test_garbage_is_collected_after_a_day_and_not_before():
    gone: dict[bool, set[float]] = {True: set(), False: set()}

    def at_end(world: World, outcomes: list[Any]) -> None:
        gone[ORPHAN not in world.contents()].add(world.hours)

    explore([collect], littered(), faults=0, passes=5, at_end=at_end, settled=is_entry)
    assert min(gone[True]) > 24 and 0.0 in gone[False]


def test_without_the_limit_on_an_uploads_age_a_named_artifact_would_be_lost(monkeypatch):
    monkeypatch.setattr(Preparation, "in_time", lambda self, build: build)
    with pytest.raises(KeyError, match="artifacts"):
        explored(("register without key", "gc"), before(), faults=0, passes=3)


def test_without_the_look_at_what_is_retired_a_champion_would_be_lost(monkeypatch):
    monkeypatch.setattr(DecisionWriter, "check_artifact_stays", lambda self, version: None)
    with pytest.raises(KeyError, match="artifacts"):
        explored(("promote", "gc"), retired(), faults=0, begin=OLD)
