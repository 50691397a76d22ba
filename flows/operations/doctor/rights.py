"""Checks of what the present credentials may do in a bucket, as the policies of ``docs/security.md`` would have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.operations.doctor.finding import Finding
from registry.errors import NotFound, RegistryError, StoreDenied
from registry.format.keys import FORMAT_KEY

if TYPE_CHECKING:
    from registry.store.bucket import BucketClient


def examine_rights(bucket: BucketClient, root: str, *, kept: bool) -> Iterator[Finding]:
    """The findings on the registry below ``root``, which is empty or ends in ``/``.

    ``kept``: the store refuses to overwrite where a request asks for that, and holds the object to try more with.
    """
    yield from _missing_objects(bucket, root)
    if kept:
        yield _create_only(bucket, root)


def _missing_objects(bucket: BucketClient, root: str) -> Iterator[Finding]:
    """A finding where the server does not say that an object is not there: then no first night can begin."""
    absent = f"{FORMAT_KEY}.absent"
    try:
        bucket.get(root + absent, about=absent)
    except NotFound:
        return
    except StoreDenied as error:
        yield Finding(
            "missing objects",
            "wrong",
            f"what is not there is answered as forbidden: {error}",
            "allow s3:ListBucket to requests without a prefix too (StringLikeIfExists, docs/security.md)",
        )
    except RegistryError as error:
        yield Finding("missing objects", "look", f"not known: {error}", "fix what it says")


def _create_only(bucket: BucketClient, root: str) -> Finding:
    """Whether these credentials can replace what is stored: asked on an object that never changes, with its bytes."""
    try:
        can = bucket.can_overwrite(root + FORMAT_KEY, about=FORMAT_KEY)
    except RegistryError as error:
        return Finding("create only", "look", f"not known: {error}", "fix what it says")
    if not can:
        return Finding("create only", "fine", "a PUT without If-None-Match is forbidden: nothing can be overwritten")
    return Finding(
        "create only",
        "look",
        f"these credentials can overwrite what is stored, archives too: a PUT of {FORMAT_KEY} without If-None-Match "
        "(its own bytes) was not forbidden",
        "on Amazon, demand s3:if-none-match by policy; where the server does not enforce that (Ceph, MinIO), let the "
        "bucket keep versions, and sign (docs/security.md)",
    )
