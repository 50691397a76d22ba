"""A registry: the models below one root of one store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from registry.clock import Clock, NewId, SystemClock, random_id
from registry.format import keys
from registry.log.cache import Cache
from registry.model.operator import Model
from registry.model.reader import GRACE
from registry.probed_store import ProbedStore
from registry.store import Store, connect
from registry.trust.signing import Signer, Trusted


class Registry:
    """The models under ``url``: the path of a folder, or ``s3://bucket/prefix``.

    ``clock`` and ``new_id`` are the only sources of time and chance; pass fixed ones and the same calls write the same
    bytes. ``signer`` signs what is written, ``trusted`` refuses a champion that no promoter's key signed (see
    :mod:`registry.trust.signing`). ``cache``: a folder for copies of what never changes (see
    :mod:`registry.log.cache`), none by default. Nothing is asked of the store until something is read or written.
    Before this object's first write the store must show that it refuses to overwrite, else
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
