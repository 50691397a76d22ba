"""A store that must show, before its first write, that it refuses to overwrite."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from registry.clock import Clock, write_time
from registry.errors import Corrupt, Exists, FormatTooNew, NotFound, OutcomeUnknown
from registry.format import keys
from registry.format.entries import canonical
from registry.store import Store, Stored, probe

FORMAT = 1


class ProbedStore:
    """A store whose first create is preceded by the probe of its one promise and by a look at the registry's format.

    Its first delete is preceded by that look.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._probed = False
        self._allowed = False
        self.url = store.url

    def create(self, key: str, data: bytes) -> None:
        if not self._probed:
            self._probe()
            self._probed = True
        self._store.create(key, data)

    def get(self, key: str) -> bytes:
        return self._store.get(key)

    def folders(self, prefix: str) -> list[str]:
        return self._store.folders(prefix)

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        return self._store.list(prefix, limit=limit, after=after)

    def delete(self, key: str) -> None:
        if not self._probed and not self._allowed:
            with contextlib.suppress(NotFound):  # what a newer package names here, this one may take for garbage
                check_format(self._store.get(keys.FORMAT_KEY), self.url)
            self._allowed = True
        self._store.delete(key)

    def stat(self, prefix: str) -> Iterator[Stored]:
        return self._store.stat(prefix)

    def _probe(self) -> None:
        try:
            data = self._store.get(keys.FORMAT_KEY)
        except NotFound:
            data = canonical({"format": FORMAT, "oldest_reader": FORMAT, "created": write_time(self._clock.now())})
            try:
                self._store.create(keys.FORMAT_KEY, data)
            except (Exists, OutcomeUnknown):
                data = self._store.get(keys.FORMAT_KEY)
        check_format(data, self.url)
        probe(self._store, key=keys.FORMAT_KEY)


def check_format(data: bytes, url: str) -> None:
    """Look at the ``format.json`` of the registry at ``url``: :class:`Corrupt`, :class:`FormatTooNew`."""
    where = f"{url}/{keys.FORMAT_KEY}"
    try:
        oldest = json.loads(data)["oldest_reader"]
        newer = oldest > FORMAT
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Corrupt(f"{where} is unreadable ({error}): this is not a registry, or it is damaged") from error
    if newer:
        raise FormatTooNew(f"{where} asks for a reader of format {oldest}, this package has {FORMAT}: upgrade it")
