"""One S3 bucket, and requests to it: each is made as often as that can help, and what fails is a typed error.

Repetitions are this module's own, so that it is known after each whether an object may have been stored.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from registry.clock import Clock, SystemClock, spread
from registry.errors import Exists, OutcomeUnknown, StoreDenied, StoreUnavailable
from registry.store.faults import CLIENT_ERRORS, NoETag, StoreFault, understand
from registry.store.forking import begin_anew_in_forks
from registry.store.s3_client import shared_client
from registry.store.secrets import printable
from registry.store.settings import DEFAULT_ATTEMPTS, S3Settings

PAGE = 1000  # the most keys that S3 lists in one answer

T = TypeVar("T")

_MD5 = re.compile(r"[0-9a-f]{32}")
_NOBODYS_ETAG = f'"{"0" * 32}"'


class BucketClient:
    """The bucket ``name``, which a person knows as ``url``; ``clock`` waits between attempts, ``jitter`` spreads them.

    Nothing is asked yet. Raises ``InvalidRequest`` and ``StoreDenied`` for settings and credentials of no use.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        settings: S3Settings | None = None,
        clock: Clock | None = None,
        jitter: Callable[[], float] = spread,
    ) -> None:
        self.name = name
        self.url = url
        self._settings = settings or S3Settings.configured()
        self._clock = clock or SystemClock()
        self._jitter = jitter
        self._connected: tuple[Any, int | None, Any] | None = None
        configured = self._connection[1]
        begin_anew_in_forks(self)
        wanted = configured if self._settings.attempts is None else self._settings.attempts
        self._attempts = DEFAULT_ATTEMPTS if wanted is None else max(1, wanted)

    def begin_anew(self) -> None:
        """In a forked process: a client of its own, since the connections of this one are its parent's."""
        self._connected = None

    @property
    def _connection(self) -> tuple[Any, int | None, Any]:
        if self._connected is None:
            self._connected = shared_client(self.name, self.url, self._settings)
        return self._connected

    @property
    def client(self) -> Any:
        """The client of ``boto3``."""
        return self._connection[0]

    @property
    def asked(self) -> dict[str, Any]:
        """Arguments that every request takes."""
        return self._settings.of_requests

    def put_new(self, key: str, data: bytes, *, md5: str, about: str) -> None:
        """Store ``data`` under ``key`` where nothing is; ``about`` is the key's name in a message."""
        request = {"Body": data, "ContentMD5": md5, "IfNoneMatch": "*", **self._settings.of_puts}

        def put() -> None:
            if not self.client.put_object(Bucket=self.name, Key=key, **request).get("ETag"):
                raise NoETag

        self.ask(about, put, creates=True)

    def get(self, key: str, *, about: str) -> bytes:
        data, sound = self._read(key, about)
        if (
            not sound
        ):  # damaged on the way; or the ETag is none of these bytes, as some stores give, and they come again
            data, _ = self._read(key, about)
        return data

    def _read(self, key: str, about: str) -> tuple[bytes, bool]:
        """The object, and whether its bytes are those that its ETag is the MD5 of, where it may be one."""

        def read() -> tuple[bytes, bool]:
            answer = self.client.get_object(Bucket=self.name, Key=key, **self.asked)
            data: bytes = answer["Body"].read()
            etag = str(answer.get("ETag", "")).strip('"')
            may_be_md5 = _MD5.fullmatch(etag) and "kms" not in str(answer.get("ServerSideEncryption", ""))
            return data, not may_be_md5 or hashlib.md5(data, usedforsecurity=False).hexdigest() == etag

        return self.ask(about, read)

    def can_overwrite(self, key: str, *, about: str) -> bool:
        """Whether these credentials may replace what is under ``key``, which this package itself never does.

        Asked for without ``If-None-Match`` but with an ``If-Match`` that no object meets: who may overwrite is told 412
        and nothing is written, so that no version and no owner of the object is another afterwards. A server that
        ignores ``If-Match`` writes the bytes that are there, so ``key`` must be an object that nobody changes. Bytes
        damaged on the way are not sent: they must be what their ETag says, or come twice the same.
        """
        data, sound = self._read(key, about)
        if not sound and self._read(key, about)[0] != data:
            raise StoreUnavailable(f"{about} in {self.url} came with other bytes each time: look at the network")
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii")
        request = {"Body": data, "ContentMD5": md5, "IfMatch": _NOBODYS_ETAG, **self._settings.of_puts}
        try:
            self.ask(about, lambda: self.client.put_object(Bucket=self.name, Key=key, **request))
        except StoreDenied:
            return False
        except Exists:  # 412: only the condition stood in the way
            pass
        return True

    def delete(self, key: str, *, about: str) -> None:
        self.ask(about, lambda: self.client.delete_object(Bucket=self.name, Key=key, **self.asked))

    def pages(self, prefix: str, *, about: str, **request: Any) -> Iterator[dict[str, Any]]:
        """The answers to a listing of the keys that begin with ``prefix``."""
        request = {"MaxKeys": PAGE, **request, **self.asked, "Bucket": self.name, "Prefix": prefix}
        while True:
            page = self.ask(about, lambda: self.client.list_objects_v2(**request))
            if "IsTruncated" not in page:  # any web page answers 200, and would pass for an empty bucket
                raise StoreDenied(f"{self.url} does not list like S3: check AWS_ENDPOINT_URL and the bucket's name")
            yield page
            if not page["IsTruncated"]:
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def ask(self, about: str, request: Callable[[], T], *, creates: bool = False) -> T:
        """The answer to ``request``, asked for as often as that can help."""
        unsure: StoreFault | None = None
        for attempt in range(self._attempts):
            if attempt:
                self._clock.sleep(self._settings.wait(attempt, self._jitter()))
            try:
                return request()
            except CLIENT_ERRORS as error:
                secrets = self._connection[2].secrets
                fault, cause = understand(error, secrets), printable(error, secrets)
            if creates and fault.may_be_stored:
                unsure = fault
            if not fault.again:
                break
        if unsure and fault.error is not Exists:
            raise self._outcome_unknown(about, unsure) from cause
        raise fault.error(f"{about or 'the keys'} in {self.url}: {fault.fix} ({fault.said})") from cause

    def _outcome_unknown(self, key: str, unsure: StoreFault) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{key} in {self.url} may or may not be stored: {unsure.said}. {unsure.fix[0].upper()}{unsure.fix[1:]}; "
            "repeating the same operation stores nothing twice",
            key=key,
        )
