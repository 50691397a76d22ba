"""A store in an S3 bucket, on any server that honours ``If-None-Match: *``.

A create is one ``PutObject`` with that condition and the bytes' MD5; 412 means ``Exists``. An answer that got lost is
asked for again with the same bytes (:mod:`~.bucket`), which can overwrite nothing, and if no good answer comes at all
the outcome is unknown. A repetition that meets its own first attempt is told ``Exists`` like any other: the caller
compares what is there with what it wrote.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from registry.clock import Clock
from registry.errors import InvalidRequest, StoreError, StoreRefused
from registry.store.bucket import PAGE, BucketClient
from registry.store.contract import Stored, check_key, check_limit, check_prefix, is_listed
from registry.store.settings import S3Settings

_DIRECTORY = "--x-s3"  # how the name of every directory bucket ends
_URL = re.compile(r"s3://([A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9])(?:/(.*?))?/?")


class S3Store:
    """The store at ``url`` (``s3://bucket/prefix``); ``clock`` waits between attempts, ``jitter`` spreads them."""

    def __init__(self, url: str, *, settings: S3Settings, clock: Clock, jitter: Callable[[], float]) -> None:
        parts = _URL.fullmatch(url)
        if parts is None:
            raise InvalidRequest(f"{url!r} is not a bucket: write s3://bucket or s3://bucket/prefix")
        if parts[1].endswith(_DIRECTORY):
            raise StoreRefused(
                f"{url} is a directory bucket, which lists its keys in no order: the newest entry of a log would "
                "not be found. Use a general purpose bucket"
            )
        self.url = url
        self._root = check_key(parts[2]) + "/" if parts[2] else ""
        self._bucket = BucketClient(parts[1], url, settings=settings, clock=clock, jitter=jitter)

    def create(self, key: str, data: bytes) -> None:
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii")
        self._bucket.put_new(self._root + check_key(key), data, md5=md5, about=key)

    def get(self, key: str) -> bytes:
        return self._bucket.get(self._root + check_key(key), about=key)

    def folders(self, prefix: str) -> list[str]:
        check_prefix(prefix, whole=True)
        pages = self._pages(prefix, Delimiter="/")
        names = [found["Prefix"][:-1].rsplit("/", 1)[-1] for page in pages for found in page.get("CommonPrefixes", ())]
        return sorted(name for name in names if is_listed(name))

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        check_prefix(after or "")
        start = {"StartAfter": self._root + after} if after else {}
        keys: list[str] = []
        for page in self._pages(check_prefix(prefix), MaxKeys=min(check_limit(limit) or PAGE, PAGE), **start):
            keys += [key for key, _ in self._objects(page)]
            if limit is not None and len(keys) >= limit:
                break
        return keys[:limit]

    def delete(self, key: str) -> None:
        self._bucket.delete(self._root + check_key(key), about=key)

    def stat(self, prefix: str) -> Iterator[Stored]:
        for page in self._pages(check_prefix(prefix)):
            answered = page["ResponseMetadata"]["HTTPHeaders"].get("date")
            if answered is None:
                raise StoreError(f"{self.url} answers without a Date header, so the age of its objects is not known")
            now = parsedate_to_datetime(answered)
            for key, found in self._objects(page):
                # Date counts whole seconds, so an object just made can seem to be of the future.
                yield Stored(key, found["Size"], max(timedelta(0), now - found["LastModified"]), now)

    def _objects(self, page: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for found in page.get("Contents", ()):
            key = found["Key"][len(self._root) :]
            if is_listed(key):
                yield key, found

    def _pages(self, prefix: str, **request: Any) -> Iterator[dict[str, Any]]:
        return self._bucket.pages(self._root + prefix, about=prefix, **request)
