"""Where a registry or bars are, as a person types it: the address of a bucket, or the path of a folder."""

from __future__ import annotations

import re
from pathlib import Path

from registry.errors import InvalidRequest
from registry.store.secrets import masked

BUCKET = "s3://"

# s3:/bucket, S3:bucket, gs:/bucket: an address whose slashes were lost, as by the `/` of pathlib
_ALMOST = re.compile(r"(?:s3[an]?:|[a-z][a-z0-9+.-]+:/)", re.IGNORECASE)


def is_bucket(place: str, what: str = "a registry") -> bool:
    """Whether ``place`` names a bucket; else it is the path of a folder. ``what`` is kept there, for the message.

    Raises :class:`InvalidRequest` for an address of another kind, one that lost a slash, and one with a user, a
    password or a query.
    """
    if place.startswith(BUCKET):
        authority, _, rest = place.removeprefix(BUCKET).partition("/")
        if "@" in authority or "?" in place or ("@" in rest and ":" in authority):
            raise InvalidRequest(
                f"{masked(place)!r} is not {what}: write s3://bucket/prefix and nothing else; credentials stand in the "
                "AWS_* variables or in a profile"
            )
        return True
    if _ALMOST.match(place.strip()) or "://" in place:
        raise InvalidRequest(
            f"{masked(place)!r} is not {what}: write s3://bucket/prefix, with two slashes, or the path of a folder"
        )
    if not place.strip():
        raise InvalidRequest(f"{place!r} is not {what}: give the path of a folder or s3://bucket/prefix")
    return False


def local_path(path: str | Path, what: str) -> Path:
    """``path`` on this machine; :class:`InvalidRequest` for the address of a bucket, or almost one.

    ``pathlib`` takes a slash from ``s3://bucket``, and would make a folder called ``s3:``.
    """
    text = str(path)
    if _ALMOST.match(text.strip()) or "://" in text:
        raise InvalidRequest(f"{masked(text)!r} is not {what}: that is kept on this machine, so give a path")
    return Path(path).expanduser()
