"""A registry: the models below one root of one store."""

from __future__ import annotations

import copy
import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self, overload

from registry.clock import Clock, NewId, SystemClock, random_id
from registry.errors import InvalidRequest
from registry.format import keys
from registry.log.access import Access
from registry.log.cache import Cache
from registry.log.identity import RegistryRoot, expected_id
from registry.model.operator import ModelOperator
from registry.model.promoter import ModelPromoter
from registry.model.reader import ModelReader
from registry.model.roles import BY_ROLE, Model, ModelKeeper, Role
from registry.model.trainer import ModelTrainer
from registry.probed_store import ProbedStore
from registry.store import Store, connect
from registry.trust.keyring import Keyring
from registry.trust.signing import Signer, Trusted


class Registry:
    """The models under ``url``: the path of a folder, or ``s3://bucket/prefix``.

    ``clock`` and ``new_id`` are the only sources of time and chance; pass fixed ones and the same calls write the same
    bytes. ``signer`` signs what is written, ``trusted`` refuses a champion that no promoter's key signed (see
    :mod:`registry.trust.signing`): by default the keys of ``RETRAIN_TRUSTED_PROMOTERS``, so that no way to load forgets
    them; None trusts anybody. ``cache``: a folder for copies of what never changes (see
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
        signer: Signer | None = None,
        trusted: Trusted | Literal["configured"] | None = "configured",
        cache: Cache | str | Path | None = None,
    ) -> None:
        clock = clock or SystemClock()
        store = connect(url) if isinstance(url, str | Path) else url
        root = RegistryRoot(store, clock, new_id, expected_id())
        self._access = Access(
            ProbedStore(store, root),
            root,
            clock,
            new_id,
            signer=signer,
            trusted=Keyring.configured().trusted if trusted == "configured" else trusted,
            cache=Cache(cache) if isinstance(cache, str | Path) else cache,
        )

    @property
    def store(self) -> Store:
        return self._access.store

    @property
    def url(self) -> str:
        """Where it is, as a person would type it."""
        return self.store.url

    def begin(self, registry_id: str | None = None) -> str:
        """Begin a registry here, under ``registry_id`` or a new one; its id, also where it was begun before.

        Raises :class:`InvalidRequest` where there is another than ``registry_id``.
        """
        return self._access.root.begin_as(registry_id)

    def with_grace(self, grace: timedelta) -> Self:
        """This registry with another grace than a day: how old garbage must be before it is removed.

        Every process that writes needs the same.
        """
        other = copy.copy(self)
        other._access = dataclasses.replace(self._access, grace=grace)
        return other

    @overload
    def model(self, name: str) -> Model: ...

    @overload
    def model(self, name: str, role: Literal["reader"]) -> ModelReader: ...

    @overload
    def model(self, name: str, role: Literal["trainer"]) -> ModelTrainer: ...

    @overload
    def model(self, name: str, role: Literal["promoter"]) -> ModelPromoter: ...

    @overload
    def model(self, name: str, role: Literal["operator"]) -> ModelOperator: ...

    @overload
    def model(self, name: str, role: Literal["keeper"]) -> ModelKeeper: ...

    def model(self, name: str, role: Role | None = None) -> ModelReader:
        """The model ``name``, whether it has versions yet or not; :class:`~registry.errors.InvalidName`.

        With a ``role`` only what that role may do: a trainer's object has no ``promote`` (:mod:`registry.model.roles`).
        """
        if role is None:
            return Model(self._access, name)
        if role not in BY_ROLE:
            raise InvalidRequest(f"there is no role {role!r}: choose {', '.join(BY_ROLE)}, or none for every right")
        return BY_ROLE[role](self._access, name)

    def models(self) -> list[str]:
        """Names of the models, ascending; what lies there under no name of a model is named by ``registry verify``."""
        return [name for name in self.store.folders(keys.MODELS) if keys.is_name(name)]
