"""Stores for tests: one in memory with the semantics of the real ones, and one that counts what is asked of another."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from registry.clock import Clock, SystemClock
from registry.errors import Exists, NotFound, StoreUnavailable
from registry.store import Store, Stored
from registry.store.contract import check_key, check_limit, check_prefix, is_listed

PAGE = 1000


Keys = list[str]  # inside a store the name `list` is its method


class MemoryStore:
    """Objects in a dictionary; ``clock`` is the store's own. ``objects`` may be looked at and damaged by a test."""

    def __init__(self, url: str = "memory", *, clock: Clock | None = None) -> None:
        self.url = url
        self.objects: dict[str, bytes] = {}
        self._made: dict[str, datetime] = {}
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()

    def create(self, key: str, data: bytes) -> None:
        check_key(key)
        with self._lock:
            if key in self.objects:
                raise Exists(f"{key} exists already in {self.url}")
            self.objects[key] = bytes(data)
            self._made[key] = self._clock.now()

    def get(self, key: str) -> bytes:
        check_key(key)
        with self._lock:
            if key not in self.objects:
                raise NotFound(f"nothing is stored under {key} in {self.url}")
            return self.objects[key]

    def folders(self, prefix: str) -> Keys:
        check_prefix(prefix, whole=True)
        rests = [key[len(prefix) :] for key in self._keys(prefix)]
        return sorted({rest.split("/")[0] for rest in rests if "/" in rest})

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> Keys:
        check_prefix(after or "")
        keys = [key for key in self._keys(check_prefix(prefix)) if key > (after or "")]
        return keys[: check_limit(limit)]

    def delete(self, key: str) -> None:
        check_key(key)
        with self._lock:
            self.objects.pop(key, None)
            self._made.pop(key, None)

    def stat(self, prefix: str) -> Iterator[Stored]:
        for key in self._keys(check_prefix(prefix)):
            made = self._made.get(key, datetime.min.replace(tzinfo=UTC))  # a test may plant objects without a time
            now = self._clock.now()
            yield Stored(key, len(self.objects[key]), max(timedelta(0), now - made), now)

    def _keys(self, prefix: str) -> Keys:
        with self._lock:
            return sorted(key for key in self.objects if key.startswith(prefix) and is_listed(key))


class CountingStore:
    """Passes everything on to ``store`` and counts requests by verb in ``requests``; a listing counts its pages."""

    def __init__(self, store: Store) -> None:
        self.url = store.url
        self.store = store
        self.requests: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def total(self) -> int:
        """All requests since the last :meth:`reset`."""
        return self.requests.total()

    def reset(self) -> None:
        self.requests.clear()

    def create(self, key: str, data: bytes) -> None:
        self._count("create")
        self.store.create(key, data)

    def get(self, key: str) -> bytes:
        self._count("get")
        return self.store.get(key)

    def folders(self, prefix: str) -> Keys:
        found = self.store.folders(prefix)
        self._count("folders", len(found))
        return found

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> Keys:
        found = self.store.list(prefix, limit=limit, after=after)
        self._count("list", len(found))
        return found

    def delete(self, key: str) -> None:
        self._count("delete")
        self.store.delete(key)

    def stat(self, prefix: str) -> Iterator[Stored]:
        found = [*self.store.stat(prefix)]
        self._count("stat", len(found))
        return iter(found)

    def _count(self, verb: str, listed: int = 1) -> None:
        with self._lock:
            self.requests[verb] += max(1, -(-listed // PAGE))


class CutStore(CountingStore):
    """One that creates ``left`` objects more, and then none."""

    left = 0

    def create(self, key: str, data: bytes) -> None:
        if self.left == 0:
            raise StoreUnavailable("the line is cut")
        self.left -= 1
        super().create(key, data)
