"""A store that must show, before its first write, that it refuses to overwrite."""

from __future__ import annotations

from collections.abc import Iterator

from registry.log.identity import RegistryRoot
from registry.store import Store, Stored, probe


class ProbedStore:
    """A store whose first create is preceded by the probe of its one promise and by a look at which registry it is.

    Its first delete is preceded by that look.
    """

    def __init__(self, store: Store, root: RegistryRoot) -> None:
        self._store = store
        self._root = root
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
            self._root.look()  # what a newer package names here, this one may take for garbage
            self._allowed = True
        self._store.delete(key)

    def stat(self, prefix: str) -> Iterator[Stored]:
        return self._store.stat(prefix)

    def _probe(self) -> None:
        identity = self._root.begin()
        probe(self._store, identity.key, identity.data)
