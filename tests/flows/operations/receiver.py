"""A webhook receiver: what a person's chat or pager would be sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """``url`` to post to; ``messages``: every JSON body since :meth:`forget`, with the moment it arrived under
    ``arrived``; ``everything``: since the beginning; ``pings``: the paths asked for with GET."""

    def __init__(self, status: int) -> None:
        self.messages: list[dict[str, Any]] = []
        self.everything: list[dict[str, Any]] = []
        self.pings: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                message["arrived"] = datetime.now(UTC)
                receiver.messages.append(message)
                receiver.everything.append(message)
                self._answer()

            def do_GET(self) -> None:
                receiver.pings.append(self.path)
                self._answer()

            def _answer(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *values: Any) -> None:  # noqa: A002  # the name that the library calls it by
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def subjects(self) -> list[str]:
        return [message["subject"] for message in self.messages]

    def forget(self) -> None:
        self.messages.clear()

    def wait_for(self, subject: str, *, seconds: float) -> dict[str, Any]:
        """The first message whose subject begins so, or an assertion that says what came instead."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in list(self.messages):
                if message["subject"].startswith(subject):
                    return message
            time.sleep(0.05)
        raise AssertionError(f"no message {subject!r} within {seconds:g} s; there came {self.subjects}")


@contextmanager
def receiving(status: int = 204) -> Iterator[Receiver]:
    """A receiver that answers ``status`` and ends with the block."""
    receiver = Receiver(status)
    thread = threading.Thread(target=receiver._server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver._server.shutdown()
        thread.join()
        receiver._server.server_close()
