"""All interleavings: two clients with any faults, three with at most one, over the operations that write.

In every end: no gap, no fork, at most one champion, everything acknowledged is there once, what was refused is not
there, nothing stale was applied, no named artifact is gone; and whoever does not know, repeats and it is there once.

What was covered is told with ``pytest -s``. ``INTERLEAVINGS=long`` (environment) tries an unanswered write three times
and an unanswered upload twice before giving up: some fifty times as many states.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from registry import Model, VersionRecord
from registry.errors import HistoryCut, OutcomeUnknown, RegistryError
from registry.format.entries import idempotency_key
from registry.log.access import Access
from registry.log.identity import RegistryRoot
from registry.model.evidence import ScoredNight
from registry.store import Store
from tests.registry.actors import NAME, counted_ids, night
from tests.registry.auditing import audit, done_by
from tests.registry.operations import WHY, before, judged_against
from tests.servers.exhaustive import UNLIMITED, Client, Moment, Report, World, explore
from tests.servers.stores import MemoryStore

Operation = Callable[[Model, str], Any]


def promote(model: Model, key: str) -> Any:
    """Tonight's decision, judged against the champion of the beginning."""
    version = known_version()
    return model.promote(
        version, expected=judged_against(), author="gate", body={"sentence": "told"}, night=night(9), key=key
    )


def score(model: Model, key: str) -> Any:
    """Tonight's evidence, by who reads both logs: what each saw of the other is compared."""
    model.versions.head()
    scored = ScoredNight(b"scores", "2024-05-09", "2024-05-09", 9)
    return model.score(scored, fold=b"".join, author="night", key=key)


def known_version() -> Any:
    store = MemoryStore()
    store.objects |= before()
    return client_model(store, Moment(), 99).version(3)


OPERATIONS: dict[str, Operation] = {
    "register": lambda model, key: model.register(b"new", VersionRecord(recipe="rf"), author="trainer", key=key),
    "promote": promote,
    "rollback": lambda model, key: model.rollback(key=key, **WHY),
    "retire": lambda model, key: model.retire([3], key=key, **WHY),
}


class KnownRoot(RegistryRoot):
    """A registry whose id every client has looked up before."""

    def id(self) -> str:
        return "1d" * 16


def operation(name: str) -> Operation:
    """What a client does; scoring asks so much that it is explored by itself, with few faults."""
    return score if name == "score" else OPERATIONS[name]


def client_model(store: Store, clock: Moment, who: int) -> Model:
    new_id = counted_ids(who)
    return Model(Access(store, KnownRoot(store, clock, new_id), clock=clock, new_id=new_id), NAME)


def client(name: str, who: int, key: str) -> Client:
    return lambda store, clock: operation(name)(client_model(store, clock, who), key)


class Judge:
    """Looks at the ends; ends that hold the same bytes and outcomes are judged once."""

    def __init__(self, names: tuple[str, ...], keys: tuple[str, ...]) -> None:
        self.names, self.keys = names, keys
        self.judged: set[Any] = set()

    def __call__(self, world: World, outcomes: list[Any]) -> None:
        seen = (world.objects, tuple(type(outcome).__name__ for outcome in outcomes))
        if seen in self.judged:
            return
        self.judged.add(seen)
        logs = audit(world.contents())
        assert not any(isinstance(outcome, HistoryCut) for outcome in outcomes), "nothing was removed"
        for key in set(self.keys):
            there = len(done_by(logs, idempotency_key(key)))
            mine = [outcome for outcome, each in zip(outcomes, self.keys, strict=True) if each == key]
            if any(not isinstance(outcome, RegistryError) for outcome in mine):
                assert there == 1, f"acknowledged and there {there} times"
            elif not any(isinstance(outcome, OutcomeUnknown) for outcome in mine):
                assert there == 0, f"refused by {mine} and there"
        self._continue(world, outcomes)

    def _continue(self, world: World, outcomes: list[Any]) -> None:
        """Who does not know repeats, and knows."""
        store = MemoryStore()
        store.objects |= world.contents()
        for who, (name, key, outcome) in enumerate(zip(self.names, self.keys, outcomes, strict=True), 10):
            if isinstance(outcome, OutcomeUnknown):
                done = True
                try:
                    operation(name)(client_model(store, Moment(), who), outcome.idempotency_key or key)
                except RegistryError:
                    done = False  # refused: another decision came first
                assert len(done_by(audit(store.objects), idempotency_key(key))) == done


def explored(names: tuple[str, ...], faults: int, keys: tuple[str, ...] | None = None) -> Report:
    keys = keys or tuple(f"work {who}" for who in range(len(names)))
    clients = [client(name, who, key) for who, (name, key) in enumerate(zip(names, keys, strict=True), 2)]
    return explore(clients, before(), faults=faults, at_end=Judge(names, keys))


LONG = os.environ.get("INTERLEAVINGS") == "long"
PAIRS = [*itertools.combinations_with_replacement(OPERATIONS, 2)]
TRIPLES = [*itertools.combinations_with_replacement(OPERATIONS, 3)]

pytestmark = pytest.mark.timeout(3600 if LONG else 120)


@pytest.fixture(autouse=True)
def few_tries(monkeypatch):
    """Two tries instead of five where no answer comes: the same paths, fewer repetitions of them."""
    monkeypatch.setattr("registry.log.log._UNKNOWN_TRIES", 3 if LONG else 2)
    monkeypatch.setattr("registry.model.preparation._UPLOAD_TRIES", 2 if LONG else 1)


def tell(names: tuple[str, ...], report: Report) -> None:
    sys.stdout.write(f"\n{' + '.join(names)}: {report}\n")


@pytest.mark.parametrize("names", PAIRS, ids="+".join)
def test_two_clients_with_any_faults(names):
    report = explored(names, UNLIMITED)
    tell(names, report)
    assert report.ends > 500


@pytest.mark.parametrize("name", OPERATIONS)
def test_two_clients_doing_the_same_work_with_any_faults_do_it_once(name):
    report = explored((name, name), UNLIMITED, ("tonight", "tonight"))
    tell((name, name), report)
    assert report.ends > 500


@pytest.mark.parametrize("names", TRIPLES, ids="+".join)
def test_three_clients_with_at_most_one_fault(names):
    report = explored(names, 1)
    tell(names, report)
    assert report.schedules > 1_000_000


@pytest.mark.parametrize("name", [*OPERATIONS, "score"])
def test_who_reads_both_logs_misses_nothing_with_at_most_one_fault(name):
    report = explored((name, "score"), 1)
    tell((name, "score"), report)
    assert report.ends > 50
