"""``python -m benchmarks.registry.other_client``: what a store on ``obstore`` would know, told by a server that answers
as S3 does and loses answers where a key says so. Printed one line each; the decision is docs/decisions/0021-obstore.md.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

REQUIREMENTS = ("obstore==0.12.1",)
ENTRIES = 1_500
REFUSALS = {
    "full": (507, "XMinioStorageFull"),
    "denied": (403, "AccessDenied"),
    "conflict": (409, "ConditionalRequestConflict"),  # nothing is stored: another write was under way
}


class _Answers(BaseHTTPRequestHandler):
    """An S3 server in memory; what a PUT is answered with stands in its key."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[str, bytes]] = {}
    answered: ClassVar[list[int]] = []
    """The bytes of each answer."""

    def log_message(self, *_: object) -> None:
        pass

    def do_PUT(self) -> None:
        key, data = self._key(), self.rfile.read(int(self.headers["Content-Length"]))
        refused = next((answer for word, answer in REFUSALS.items() if word in key), None)
        if refused is not None:
            return self._answer(refused[0], f"<Error><Code>{refused[1]}</Code></Error>".encode())
        if self.headers["If-None-Match"] == "*" and key in self.objects:
            return self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        self.objects[key] = data
        if "lost" in key:
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        return self._answer(200)

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if "list-type" not in query:
            return self._answer(200, self.objects[self._key()])
        found = [key for key in sorted(self.objects) if key.startswith(query.get("prefix", ""))]
        rows = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>"
            for key in found[: int(query.get("max-keys", 1000))]
        )
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        return self._answer(200, body.encode())

    def _key(self) -> str:
        return urllib.parse.urlsplit(self.path).path.split("/", 2)[2]

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.answered.append(len(body))
        self.send_response(status)
        headers = {"Content-Length": str(len(body)), "ETag": '"x"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def _tell(name: str, work: Callable[[], object]) -> None:
    try:
        said = repr(work())
    except Exception as error:  # noqa: BLE001  # whatever it says is what is asked for
        said = f"{type(error).__name__}: {str(error).splitlines()[0][-90:]}"
    print(f"{name:45s} {said[:140]}")


def _trial() -> None:
    """In the environment that has ``obstore``."""
    begun = time.process_time()
    import obstore
    from obstore.store import S3Store

    imported = time.process_time()

    def store(url: str, retries: int = 0) -> Any:
        named = {"access_key_id": "a", "secret_access_key": "s", "region": "us-east-1"}
        again = {"max_retries": retries, "retry_timeout": timedelta(seconds=5)}
        options = {"allow_http": True, "timeout": "1s"}
        return S3Store("b", endpoint=url, client_options=options, retry_config=again, **named)  # type: ignore[arg-type]  # settings of several types

    def create(made: Any, key: str) -> Callable[[], object]:
        return lambda: obstore.put(made, key, b"d", mode="create")

    with _serving() as url:
        plain = store(url)
        print(f"{'import, and a client':45s} {1e3 * (imported - begun):.0f} and", end=" ")
        print(f"{1e3 * (time.process_time() - imported):.0f} ms of CPU")
        for name in ("new", "new", *REFUSALS, "lost"):
            _tell(f"create {name}", create(plain, f"m/{name}"))
        _tell("create lost, asked again by the client", create(store(url, retries=3), "m/lost-2"))
        _tell("create where nobody listens", create(store("http://127.0.0.1:9"), "m/a"))
        _Answers.objects |= {f"m/log/{9_999_999_999 - n:010d}": b"x" for n in range(ENTRIES)}
        _tell("the first key of a log", lambda: next(iter(obstore.list(plain, "m/log", chunk_size=1)))[0]["path"])
        print(f"{'bytes of that answer':45s} {_Answers.answered[-1]:,}")
        _tell("keys that begin inside a segment", lambda: list(obstore.list(plain, "m/log/999999999")))
        given = [name for name in dir(obstore.get(plain, "m/new")) if not name.startswith("_")]
        print(f"{'what an answer gives':45s} {', '.join(given)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", help="obstore is installed in this environment")
    if parser.parse_args().here:
        _trial()
        return
    from benchmarks.bench import Bench

    bench = Bench(Path(), False, Path(), 1, lambda text: print(text, file=sys.stderr))
    subprocess.run([str(bench.peers("obstore", *REQUIREMENTS)), __file__, "--here"], check=True)


if __name__ == "__main__":
    main()
