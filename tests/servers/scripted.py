"""A small S3 server inside the test that fails on command, one fault a request, and can ignore ``If-None-Match``.

Where moto and Ceph answer as a healthy server does, this one answers 503, loses its answer after it has stored the
object, or keeps silent. It knows PUT, GET and a first page of LIST, of one bucket, and checks no signature.
"""

from __future__ import annotations

import hashlib
import threading
import urllib.parse
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.servers.handlers import serving


@dataclass(frozen=True)
class Answer:
    """A status in place of the real answer, with S3's ``code`` in its body; the request is not looked at.

    ``announced`` is a length other than the body's: the connection then closes too early. ``etag`` goes with it.
    """

    status: int
    code: str = ""
    body: bytes | None = None
    announced: int | None = None
    etag: str | None = None


@dataclass(frozen=True)
class Covered:
    """Something before the server answers in its place by ``status`` and a page, after the object was stored."""

    status: int


@dataclass(frozen=True)
class Lost:
    """The connection closes without an answer, after the object was ``stored`` or before."""

    stored: bool


@dataclass(frozen=True)
class Silent:
    """No answer until the test is over; the object was ``stored`` or not."""

    stored: bool


Fault = Answer | Covered | Lost | Silent


@dataclass
class Scripted:
    """What the server holds and what it will do: ``faults`` are used up one a request, then it behaves."""

    honours_condition: bool = True
    faults: deque[Fault | None] = field(default_factory=deque)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""


def etag_of(data: bytes) -> str:
    """As S3 gives it for what was sent in one piece."""
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@contextmanager
def scripted_server(script: Scripted) -> Iterator[Scripted]:
    """Serve ``script`` at ``script.url``; nothing of it is left afterwards."""

    class Handler(_Handler):
        pass

    Handler.script = script
    with serving(Handler) as address:
        script.url = f"http://{address}"
        try:
            yield script
        finally:
            script.over.set()


class _Handler(BaseHTTPRequestHandler):
    script: Scripted
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two packets: the second would wait 40 ms for an answer

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self._next()
        if isinstance(fault, Answer):
            return self._answer(fault)
        if isinstance(fault, Lost | Silent) and not fault.stored:
            return self._keep(fault)
        exists = self.path in self.script.objects
        refused = exists and self.script.honours_condition and "If-None-Match" in self.headers
        if not refused:
            self.script.objects[self.path] = data
        if isinstance(fault, Covered):
            return self._answer(Answer(fault.status, body=b"<html>the way is blocked</html>"))
        if fault:
            return self._keep(fault)
        return self._answer(Answer(412, "PreconditionFailed") if refused else Answer(200, body=b"", etag=etag_of(data)))

    def do_GET(self) -> None:
        fault = self._next()
        if isinstance(fault, Answer):
            return self._answer(fault)
        if isinstance(fault, Lost | Silent):
            return self._keep(fault)
        if "?" in self.path:
            return self._answer(Answer(200, body=self._listing()))
        if self.path not in self.script.objects:
            return self._answer(Answer(404, "NoSuchKey"))
        data = self.script.objects[self.path]
        return self._answer(Answer(200, body=data, etag=etag_of(data)))

    def _listing(self) -> bytes:
        """One page of ``ListObjectsV2``; the test's keys need no escaping."""
        bucket, _, query = self.path.partition("?")
        asked = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
        keys = sorted(path.removeprefix(f"{bucket}/") for path in self.script.objects)
        found = [key for key in keys if key.startswith(asked["prefix"]) and key > asked.get("start-after", "")]
        shown = found[: int(asked["max-keys"])]
        rows = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in shown)
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()

    def _next(self) -> Fault | None:
        self.script.requests.append((self.command, self.path))
        return self.script.faults.popleft() if self.script.faults else None

    def _answer(self, answer: Answer) -> None:
        body = answer.body
        if body is None:
            body = f"<Error><Code>{answer.code}</Code><Message>as scripted</Message></Error>".encode()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(body) if answer.announced is None else answer.announced))
        if answer.etag is not None:
            self.send_header("ETag", answer.etag)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = answer.announced is not None

    def _keep(self, fault: Lost | Silent) -> None:
        if isinstance(fault, Silent):
            self.script.over.wait()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        pass
