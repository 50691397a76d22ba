"""What lies at the root of a registry beside its models: the objects that say which registry it is, and strays."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from registry.errors import Corrupt
from registry.format import keys
from registry.log.identity import read_identity
from registry.maintenance.findings import Damage
from registry.store import Store

_MANY = 1000
_LAST = "z" * 255  # after every key that can be asked for


def root_findings(store: Store) -> Iterator[Damage]:
    """What keeps writers from writing, or should not lie at the root; nothing where there is no registry yet.

    Raises :class:`FormatTooNew`.
    """
    listed = store.list(keys.FORMAT_PREFIX)
    about = sorted(number for key in listed if (number := keys.format_number(key)) is not None)
    newest = keys.format_key(about[-1] if about else 2)
    try:
        found = read_identity(store)
    except Corrupt as error:
        yield Damage("damaged format", newest, f"cannot be read ({error})")
    else:
        if found is None and store.list(keys.MODELS, limit=1):
            yield Damage("missing format", newest, "is not there, and models are")
    for key in _beside_models(store):
        if keys.format_number(key) is None:
            yield Damage("stray key", printable(key), "lies in no model's folder")


def printable(key: str) -> str:
    """A key as it can be printed, whatever was put into it."""
    return key if key.isprintable() else ascii(key)[1:-1]


def _beside_models(store: Store) -> Iterator[str]:
    """Keys that lie in no model's folder: of each place between two models the first, of the root a thousand."""
    yield from itertools.takewhile(lambda key: not key.startswith(keys.MODELS), store.list("", limit=_MANY))
    folders = [f"{keys.MODELS}{name}/" for name in store.folders(keys.MODELS) if keys.is_name(name)]
    for after in [keys.MODELS, *(folder + _LAST for folder in folders)]:
        for key in store.list(keys.MODELS, limit=1, after=after):
            if "/" not in key.removeprefix(keys.MODELS):
                yield key
    for key in store.list("", limit=_MANY, after=keys.MODELS + _LAST):
        if not key.startswith(keys.MODELS) or "/" not in key.removeprefix(keys.MODELS):
            yield key
