"""A store as seen over a bad line: requests that do not arrive, answers that are lost, writes that land late."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

from registry.clock import SystemClock
from registry.errors import Exists, OutcomeUnknown, StoreUnavailable
from registry.store import Store, Stored

UNREACHED, LOST, OUTAGE = 0.04, 0.12, 0.03
"""How many requests do not arrive; creates whose answer is lost, and after which the next ten answers are lost too."""

_OUTAGE_CREATES = 10
_LATEST_SECONDS = 1.0


class UnreliableStore:
    """Passes on to ``store`` what arrives there. ``asked`` and ``failed`` count the requests.

    A create whose answer is lost was stored, or never arrives, or lands up to a second later, whatever its writer does
    then; of a writer that was killed nothing lands any more.
    """

    def __init__(self, store: Store, chance: random.Random) -> None:
        self.url = store.url
        self._store = store
        self._chance = chance
        self._outage = 0
        self.asked = 0
        self.failed = 0

    def create(self, key: str, data: bytes) -> None:
        self._arrives(key)
        if self._outage == 0 and self._chance.random() < OUTAGE:
            self._outage = _OUTAGE_CREATES
        if self._outage == 0 and self._chance.random() >= LOST:
            return self._store.create(key, data)
        self._outage = max(0, self._outage - 1)
        self.failed += 1
        fate = self._chance.choice(["stored", "late", "never"])
        if fate == "stored":
            self._land(key, data)
        elif fate == "late":
            late = threading.Timer(self._chance.random() * _LATEST_SECONDS, self._land, (key, data))
            late.daemon = True
            late.start()
        raise OutcomeUnknown(f"no answer to {key}", key=key)

    def get(self, key: str) -> bytes:
        self._arrives(key)
        return self._store.get(key)

    def folders(self, prefix: str) -> list[str]:
        self._arrives(prefix)
        return self._store.folders(prefix)

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        self._arrives(prefix)
        return self._store.list(prefix, limit=limit, after=after)

    def delete(self, key: str) -> None:
        self._arrives(key)
        self._store.delete(key)

    def stat(self, prefix: str) -> Iterator[Stored]:
        self._arrives(prefix)
        return self._store.stat(prefix)

    def _arrives(self, key: str) -> None:
        self.asked += 1
        if self._chance.random() < UNREACHED:
            self.failed += 1
            raise StoreUnavailable(f"not reached: {key}")

    def _land(self, key: str, data: bytes) -> None:
        with contextlib.suppress(Exists):
            self._store.create(key, data)


class HastyClock(SystemClock):
    """This machine's clock; a wait for a store that does not answer is a twentieth as long."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 20)
