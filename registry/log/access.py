"""How a registry is reached and written: its store, time and ids, keys, and the local cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from registry.clock import Clock, NewId, SystemClock, random_id
from registry.log.cache import Cache
from registry.log.identity import RegistryRoot
from registry.store import Store
from registry.trust.signing import Signer, Trusted

GRACE = timedelta(hours=24)
"""How old, by the store's clock, an object that no entry names must be before ``gc`` removes it."""


@dataclass(frozen=True)
class Access:
    """What every log and every model of one registry shares.

    ``root``: which registry it is. ``clock`` and ``new_id`` are the only sources of time and chance. ``grace``: how old
    garbage must be before it is removed; an entry is committed within half of it. ``signer`` signs what is written,
    ``trusted`` refuses a champion that no promoter's key signed. ``cache``: copies of what never changes, or None.
    """

    store: Store
    root: RegistryRoot
    clock: Clock = field(default_factory=SystemClock)
    new_id: NewId = random_id
    grace: timedelta = GRACE
    signer: Signer | None = None
    trusted: Trusted | None = None
    cache: Cache | None = None
