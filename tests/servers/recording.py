"""A small HTTP server inside the test that keeps what it was sent, headers and all, and answers as the test says."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.servers.handlers import EveryVerb, serving

_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/s3/aws4_request")


@dataclass(frozen=True)
class Seen:
    """One request: ``target`` as it was sent (a proxy is sent a whole url), ``port`` of the connection's other end."""

    verb: str
    target: str
    headers: dict[str, str]
    port: int

    @property
    def signed(self) -> tuple[str, str]:
        """The access key and the region that it was signed with."""
        found = _SIGNED.match(self.headers.get("authorization", ""))
        assert found is not None, f"not signed: {self}"
        return found[1], found[2]


Answers = Callable[[Seen], tuple[int, bytes]]


@dataclass
class Recording:
    """Where the server is, and the requests so far."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def recording_server(
    answers: Answers = lambda _: (200, b"data"), *, tls: ssl.SSLContext | None = None
) -> Iterator[Recording]:
    """A server whose every answer is a status and a body that ``answers`` gives."""
    recording = Recording()

    class Handler(EveryVerb):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two packets: the second would wait 40 ms for an answer

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, self.path, headers, self.client_address[1])
            recording.seen.append(seen)
            status, body = answers(seen)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if self.command == "PUT":
                self.send_header("ETag", '"of it"')
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler, tls=tls) as address:
        recording.url = f"{'https' if tls else 'http'}://{address}"
        yield recording
