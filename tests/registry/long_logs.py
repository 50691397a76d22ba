"""Logs written directly: of many entries, which through the protocol would take a minute, and rewritten ones."""

from __future__ import annotations

import dataclasses
import functools
from datetime import timedelta
from typing import Any

from registry import VersionRecord
from registry.clock import write_time
from registry.errors import Corrupt
from registry.format import keys
from registry.format.entries import Entry, canonical, digest, parse, remember
from tests.registry.actors import NAME, NOON
from tests.servers.stores import MemoryStore

_KEYS = 4  # idempotency keys in a state: of the usual 256 an entry would be five times as long


def long_store(count: int, *, log: str = "versions") -> MemoryStore:
    """A store whose log holds ``count`` entries, each registering a version without artifact."""
    store = begun()
    extend(store, count, log=log)
    return store


def extend(store: MemoryStore, count: int, *, after: Entry | None = None, log: str = "versions") -> Entry:
    """``count`` more entries; the newest of them."""
    assert count > 0
    newest = after
    for _ in range(count):
        newest = _next(newest, log)
        store.create(keys.entry_key(NAME, log, newest.n), newest.to_bytes())
    assert newest is not None
    return newest


def rewritten(store: MemoryStore, n: int, /, *, log: str = "versions", resight: bool = True, **changes: Any) -> None:
    """Entry ``n`` changed, every later one chained to it anew and, with ``resight``, what the other log saw of it: what
    a forger with all rights would do."""
    before: str | None = None
    number = n
    while (key := keys.entry_key(NAME, log, number)) in store.objects:
        entry = _parsed(store.objects[key], key)
        changed = dataclasses.replace(entry, **changes) if number == n else dataclasses.replace(entry, previous=before)
        store.objects[key] = changed.to_bytes()
        before, number = changed.digest, number + 1
    if resight:
        _resight(store)


@functools.lru_cache(4096)
def _parsed(data: bytes, where: str) -> Entry:
    """Most entries of the many histories that are rewritten from one are the same. Nobody may change what is in it."""
    return parse(data, where=where)


def _resight(store: MemoryStore) -> None:
    """What the entries of each log saw of the other made to fit what is there; no entry sees a later one."""
    changed = True
    while changed:
        changed = False
        before: dict[str, str] = {}
        for key in sorted(store.objects, reverse=True):  # a log's first entry first
            log = next((log for log in keys.LOGS if keys.entry_number(NAME, log, key) is not None), None)
            if log is None:
                continue
            try:
                entry = _parsed(store.objects[key], key)
            except Corrupt:  # as the test wants it
                before[log] = digest(store.objects[key])
                continue
            other = next(name for name in keys.LOGS if name != log)
            seen = None if entry.seen is None else store.objects.get(keys.entry_key(NAME, other, entry.seen["n"]))
            fitting = dataclasses.replace(
                entry,
                previous=before.get(log) if entry.n > 1 else None,
                seen=entry.seen if seen is None or entry.seen is None else {**entry.seen, "sha256": digest(seen)},
            )
            if fitting != entry:
                store.objects[key], changed = fitting.to_bytes(), True
            before[log] = digest(store.objects[key])


def entry_of(store: MemoryStore, n: int, *, log: str = "versions") -> Entry:
    """Entry ``n`` of a log, as it is stored."""
    key = keys.entry_key(NAME, log, n)
    return parse(store.objects[key], where=key)


REGISTRY = "1d" * 16


def begun(name: str = "memory") -> MemoryStore:
    """The store of a registry in which nothing is written yet."""
    store = MemoryStore(name)
    store.objects[keys.format_key(2)] = canonical(
        {"format": 2, "oldest_reader": 2, "created": write_time(NOON), "registry": REGISTRY}
    )
    return store


def _next(before: Entry | None, log: str) -> Entry:
    n = 1 if before is None else before.n + 1
    state: dict[str, Any] = {} if before is None else dict(before.state)
    key = digest(f"{log} {n}".encode())[:32]
    record = VersionRecord(version=f"v{n}", recipe="rf", metrics={"accuracy": 0.51}, parameters={"depth": 3})
    return Entry(
        model=NAME,
        log=log,
        n=n,
        kind="registered",
        time=NOON + timedelta(minutes=n),
        author="trainer",
        operation=key,
        body={"version": record.to_dict()},
        state={**state, "latest": {"version": f"v{n}", "entry": n}, "keys": remember(state, key, n)[-_KEYS:]},
        previous=None if before is None else before.digest,
        key=key,
        registry=REGISTRY,
    )
