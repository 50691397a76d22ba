"""The Prefect server with pages that ask nobody but the server: what ``retrain up`` serves.

``PREFECT_SERVER_ANALYTICS_ENABLED=false`` stops the server's own telemetry, but the pages of its interface (3.8, "v2")
ask an analytics host as soon as they load, whatever that setting says, and fetch the logos of blocks from GitHub. A
content security policy makes the browser refuse every request that does not go to this server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def create_app() -> App:
    """The server's application, for ``uvicorn --factory flows.operations.orchestrator.server:create_app``."""
    from prefect.server.api.server import create_app as prefect_app
    from prefect.settings import PREFECT_UI_API_URL

    return keeping_private(prefect_app(final=True), str(PREFECT_UI_API_URL.value() or ""))


def policy(api_url: str) -> str:
    """The content security policy of pages that talk to themselves and to ``api_url`` alone."""
    parts = urlsplit(api_url)
    api = ""
    if parts.netloc:
        socket = "wss" if parts.scheme == "https" else "ws"
        api = f" {parts.scheme}://{parts.netloc} {socket}://{parts.netloc}"
    return (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
        f"connect-src 'self' data: blob:{api}; form-action 'self'; base-uri 'self'; frame-ancestors 'self'"
    )


def keeping_private(app: App, api_url: str) -> App:
    """``app``, every answer of which carries the policy."""
    headers = [
        (b"content-security-policy", policy(api_url).encode("ascii")),
        (b"referrer-policy", b"same-origin"),
    ]

    async def private(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        await app(scope, receive, with_policy if scope["type"] == "http" else send)

    return private
