"""The object store below the registry: a folder or an S3 bucket, used by six methods.

::

    store = connect("s3://bucket/registry")          # or connect("path/to/folder")
    store.create("a/b.json", b"...")                 # stored if absent, else Exists; never overwritten
    store.get("a/b.json")
    store.list("a/", limit=1)                        # ascending: the first key
    store.folders("")                                # ["a"]
    store.delete("a/b.json"); store.stat("a/")       # for collecting garbage alone

:meth:`Store.create` is the one promise everything above stands on, and some S3 servers do not keep it: :func:`probe`
finds out without harm. What the outcomes of a create mean:

- it returned: stored, durable, by this call;
- ``Exists``: something is there. After a lost answer it may be what this call itself stored, so read and compare;
- ``OutcomeUnknown``: no answer could be had. Repeat the same key with the same bytes, now or tomorrow;
- any other error: nothing was stored.

Credentials, region and endpoint come from the standard ``AWS_*`` variables and files. Importing this package loads no
S3 client; connecting to a bucket does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from registry.clock import Clock, SystemClock, spread
from registry.store.contract import Store, Stored, check_key, check_prefix
from registry.store.folder import FolderStore
from registry.store.place import is_bucket
from registry.store.probe import probe
from registry.store.settings import S3Settings

__all__ = ["S3Settings", "Store", "Stored", "check_key", "check_prefix", "connect", "probe"]


def connect(
    url: str | Path,
    *,
    s3: S3Settings | None = None,
    clock: Clock | None = None,
    jitter: Callable[[], float] = spread,
) -> Store:
    """The store at ``url``: ``s3://bucket``, ``s3://bucket/prefix`` or the path of a folder (made by the first create).

    ``clock`` waits between attempts and ``jitter`` (a number in [0, 1)) spreads them; both matter to S3 alone. Nothing
    is asked of the store yet: a wrong bucket or secret is found by the first request. Raises ``InvalidRequest`` for a
    url of another kind and for settings that make no client, ``StoreDenied`` for credentials that cannot be used,
    ``StoreRefused`` for a directory bucket.
    """
    text = str(url)
    if is_bucket(text):
        from registry.store.s3 import S3Store  # the client costs 0.15 s to import: only who asks for a bucket pays

        return S3Store(text, settings=s3 or S3Settings.configured(), clock=clock or SystemClock(), jitter=jitter)
    return FolderStore(text)
