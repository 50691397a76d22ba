"""A registry: the models below one root of one store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from . import keys
from .cache import Cache
from .clock import Clock, NewId, SystemClock, random_id, write_time
from .entries import canonical
from .errors import Corrupt, Exists, FormatTooNew, NotFound, OutcomeUnknown
from .model import Model
from .reader import GRACE
from .signing import Signer, Trusted
from .store import Store, Stored, connect, probe

FORMAT = 1


class Registry:
    """The models under ``url``: the path of a folder, or ``s3://bucket/prefix``.

    ``clock`` and ``new_id`` are the only sources of time and chance; pass fixed ones and the same calls write the same
    bytes. ``signer`` signs what is written, ``trusted`` refuses a champion that no promoter's key signed (see
    :mod:`registry.signing`). ``cache``: a folder for copies of what never changes (see
    :mod:`registry.cache`), none by default. Nothing is asked of the store until something is read or written. Before
    this object's first write the store must show that it refuses to overwrite, else
    :class:`~registry.errors.StoreRefused`.
    """

    def __init__(
        self,
        url: str | Path | Store,
        *,
        clock: Clock | None = None,
        new_id: NewId = random_id,
        grace: timedelta = GRACE,
        signer: Signer | None = None,
        trusted: Trusted | None = None,
        cache: Cache | str | Path | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._new_id = new_id
        self._grace = grace
        self._signer = signer
        self._trusted = trusted
        self._cache = Cache(cache) if isinstance(cache, str | Path) else cache
        store = connect(url) if isinstance(url, str | Path) else url
        self.store: Store = ProbedStore(store, self._clock)
        self.url = store.url

    def model(self, name: str) -> Model:
        """The model ``name``, whether it has versions yet or not; :class:`~registry.errors.InvalidName`."""
        return Model(
            self.store,
            name,
            clock=self._clock,
            new_id=self._new_id,
            grace=self._grace,
            signer=self._signer,
            trusted=self._trusted,
            cache=self._cache,
        )

    def models(self) -> list[str]:
        """Names of the models, ascending; what lies there under no name of a model is named by ``registry verify``."""
        return [name for name in self.store.folders("models/") if keys.is_name(name)]


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
