"""Finding out, without harm, whether a store keeps the promise of :meth:`Store.create`."""

from __future__ import annotations

from registry.errors import Exists, OutcomeUnknown, StoreRefused, StoreUnavailable
from registry.store.contract import Store


def probe(store: Store, key: str, data: bytes) -> None:
    """Create the existing object ``key`` once more, with the ``data`` that it holds, and insist on being refused.

    Some S3 servers do not know ``If-None-Match``, answer 200 and overwrite: two writers would then lose each other's
    entries. They would overwrite ``key`` with what it holds already, so nothing is lost by asking. A store that checks
    first and acts later passes: no single request can tell it from an honest one.

    Raises ``StoreRefused`` if the create succeeds.
    """
    try:
        store.create(key, data)
    except Exists:
        return
    except OutcomeUnknown as unknown:
        raise StoreUnavailable(
            f"{store.url} did not answer whether it refuses to overwrite {key}; nothing was changed, try again"
        ) from unknown
    raise StoreRefused(
        f"{store.url} overwrites existing objects: it ignores 'If-None-Match: *' on PUT (tried on {key}, with the "
        "bytes it had). Two writers would lose each other's entries, so the registry does not use it. Use a store that "
        "honours conditional writes, or a local folder"
    )
