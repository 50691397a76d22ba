"""Every request of every operation fails in every way: the operation is wholly there or wholly absent, never double.

After an error that says "nothing happened" nothing did, however late a request lands; after ``OutcomeUnknown`` the
operation is there once or not at all; and the same call repeated with the same key, by this process or another, always
ends with it there once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from registry.errors import OutcomeUnknown, RegistryError
from registry.format.entries import idempotency_key
from tests.registry.actors import a_model
from tests.registry.auditing import audit, done_by
from tests.registry.operations import OPERATIONS, before
from tests.servers.faulty import FAULTS, FaultyStore


@cache
def requests_of(name: str) -> tuple[str, ...]:
    store = FaultyStore(before())
    OPERATIONS[name](a_model(store, who=2), "once")
    return tuple(store.asked)


def each_fault(name: str) -> Iterator[dict[int, str]]:
    for number, verb in enumerate(requests_of(name)):
        for fault in FAULTS[verb]:
            yield {number: fault}


def each_pair(name: str) -> Iterator[dict[int, str]]:
    """Two faults: the second also at the requests that the first one causes."""
    for first in each_fault(name):
        store = FaultyStore(before(), first)
        try:
            OPERATIONS[name](a_model(store, who=2), "once")
        except RegistryError:
            pass
        (number,) = first
        for second, verb in enumerate(store.asked[number + 1 :], number + 1):
            yield from ({**first, second: fault} for fault in FAULTS[verb])


def check(name: str, faults: dict[int, str]) -> str:
    """Run the operation under ``faults``, look at what is stored, repeat it; how it ended."""
    store, operation = FaultyStore(before(), faults), OPERATIONS[name]
    ended, error = "done", None
    try:
        operation(a_model(store, who=2), "once")
    except RegistryError as raised:
        ended, error = type(raised).__name__, raised
    key = idempotency_key("once")
    there = len(done_by(audit(store.objects), key))
    if ended == "done":
        assert there == 1, "acknowledged, and not there"
    elif ended != "OutcomeUnknown":
        assert there == 0, "refused, and yet there"
    else:
        assert isinstance(error, OutcomeUnknown) and error.key is not None and error.idempotency_key == key
    store.land()
    landed = len(done_by(audit(store.objects), key))
    assert landed == there or (ended == "OutcomeUnknown" and (there, landed) == (0, 1))
    store.faults = {}
    for who in (3, 4):
        operation(a_model(store, who=who), key)
        assert len(done_by(audit(store.objects), key)) == 1
    return ended


@pytest.mark.parametrize("name", OPERATIONS)
def test_one_fault_leaves_the_operation_whole_or_absent(name):
    ended = [check(name, faults) for faults in each_fault(name)]
    assert {"done", "StoreUnavailable", "StoreDenied"} <= set(ended)
    assert "OutcomeUnknown" not in ended, "one lost answer is always found out about"


@pytest.mark.parametrize("name", OPERATIONS)
def test_two_faults_leave_the_operation_whole_or_absent(name):
    ended = [check(name, faults) for faults in each_pair(name)]
    assert "OutcomeUnknown" in ended


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("fault", ["answer lost", "never lands", "lands at the end"])
def test_an_outage_from_any_request_on_leaves_the_operation_whole_or_absent(name, fault):
    """From then on nothing is answered: reads fail, and of what is written it is not known."""
    for start in range(len(requests_of(name))):
        ended = check(name, Outage(start, fault))
        assert ended in ("OutcomeUnknown", "StoreUnavailable")


class Outage(dict[int, str]):
    def __init__(self, start: int, fault: str) -> None:
        super().__init__({start: fault})
        self.start, self.fault = start, fault

    def get(self, number: int, default: Any = None) -> Any:
        return self.fault if number >= self.start else default


def test_the_faults_are_counted():
    singles = sum(1 for name in OPERATIONS for _ in each_fault(name))
    assert singles >= 250
