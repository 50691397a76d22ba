"""A store in an S3 bucket, on any server that honours ``If-None-Match: *``.

A create is one ``PutObject`` with that condition and the bytes' MD5; 412 means ``Exists``. Repetitions are this
module's own, so that it is known after each whether the object may have been stored: an answer that got lost is asked
for again with the same bytes, which can overwrite nothing, and if no good answer comes at all the outcome is unknown.
A repetition that meets its own first attempt is told ``Exists`` like any other: the caller compares what is there with
what it wrote.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from registry.clock import Clock
from registry.errors import Exists, InvalidRequest, OutcomeUnknown, StoreDenied, StoreError, StoreRefused
from registry.store.contract import Stored, check_key, check_limit, check_prefix, is_listed
from registry.store.faults import CLIENT_ERRORS, StoreFault, understand
from registry.store.forking import begin_anew_in_forks
from registry.store.s3_client import shared_client
from registry.store.settings import DEFAULT_ATTEMPTS, S3Settings

PAGE = 1000  # the most keys that S3 lists in one answer

T = TypeVar("T")

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
        self._bucket = parts[1]
        self._root = check_key(parts[2]) + "/" if parts[2] else ""
        self._settings = settings
        self._clock = clock
        self._jitter = jitter
        self._connected, configured = shared_client(url, settings)
        begin_anew_in_forks(self)
        wanted = configured if settings.attempts is None else settings.attempts
        self._attempts = DEFAULT_ATTEMPTS if wanted is None else max(1, wanted)

    def begin_anew(self) -> None:
        """In a forked process: a client of its own, since the connections of this one are its parent's."""
        self._connected = None

    @property
    def _client(self) -> Any:
        if self._connected is None:
            self._connected, _ = shared_client(self.url, self._settings)
        return self._connected

    def create(self, key: str, data: bytes) -> None:
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii")
        request = {"Key": self._root + check_key(key), "Body": data, "ContentMD5": md5, "IfNoneMatch": "*"}
        self._ask(key, lambda: self._client.put_object(Bucket=self._bucket, **request), creates=True)

    def get(self, key: str) -> bytes:
        name = self._root + check_key(key)

        def read() -> bytes:
            data: bytes = self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
            return data

        return self._ask(key, read)

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
        name = self._root + check_key(key)
        self._ask(key, lambda: self._client.delete_object(Bucket=self._bucket, Key=name))

    def stat(self, prefix: str) -> Iterator[Stored]:
        for page in self._pages(check_prefix(prefix)):
            answered = page["ResponseMetadata"]["HTTPHeaders"].get("date")
            if answered is None:
                raise StoreError(f"{self.url} answers without a Date header, so the age of its objects is not known")
            now = parsedate_to_datetime(answered)
            for key, found in self._objects(page):
                # Date counts whole seconds, so an object just made can seem to be of the future.
                yield Stored(key, found["Size"], max(timedelta(0), now - found["LastModified"]))

    def _objects(self, page: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for found in page.get("Contents", ()):
            key = found["Key"][len(self._root) :]
            if is_listed(key):
                yield key, found

    def _pages(self, prefix: str, **request: Any) -> Iterator[dict[str, Any]]:
        request = {"MaxKeys": PAGE, **request, "Bucket": self._bucket, "Prefix": self._root + prefix}
        while True:
            page = self._ask(prefix, lambda: self._client.list_objects_v2(**request))
            if "IsTruncated" not in page:  # any web page answers 200, and would pass for an empty bucket
                raise StoreDenied(f"{self.url} does not list like S3: check AWS_ENDPOINT_URL and the bucket's name")
            yield page
            if not page["IsTruncated"]:
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def _ask(self, key: str, request: Callable[[], T], *, creates: bool = False) -> T:
        """The answer to ``request``, asked for as often as that can help."""
        unsure: StoreFault | None = None
        for attempt in range(self._attempts):
            if attempt:
                self._clock.sleep(self._settings.wait(attempt, self._jitter()))
            try:
                return request()
            except CLIENT_ERRORS as error:
                fault, cause = understand(error), error
            if creates and fault.may_be_stored:
                unsure = fault
            if not fault.again:
                break
        if unsure and fault.error is not Exists:
            raise self._outcome_unknown(key, unsure) from cause
        raise fault.error(f"{key or 'the keys'} in {self.url}: {fault.fix} ({fault.said})") from cause

    def _outcome_unknown(self, key: str, unsure: StoreFault) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{key} in {self.url} may or may not be stored: {unsure.said}. {unsure.fix[0].upper()}{unsure.fix[1:]}; "
            "repeating the same operation stores nothing twice",
            key=key,
        )
