"""Which Prefect API a run goes through."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flows.errors import RequestRefused
from registry.commands.settings_file import settings_folder
from registry.format.phrases import shortened

_SECONDS = 3.0
_EXAMPLE = "http://127.0.0.1:4200/api"
_OTHERWISE = "or unset it; --no-prefect runs a night without it"


def prepare_environment() -> None:
    """Before Prefect is imported: no analytics; a temporary server's database below ``.retrain``, and time to start.

    What is set in the environment already stays.
    """
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    if configured_api() is None:
        home = Path(os.environ.setdefault("PREFECT_HOME", str(settings_folder() / ".retrain/prefect")))
        home.mkdir(parents=True, exist_ok=True)  # a temporary server does not make it, and never answers
        # Prefect's 20 s are not enough for the first start on a busy machine, which makes the database
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")


def configured_api() -> str | None:
    """The url of the Prefect API that is configured, None where there is none.

    Looks where Prefect does (``PREFECT_API_URL``, the active profile) without importing it: that takes over a second.
    """
    configured = os.environ.get("PREFECT_API_URL")
    if configured is not None:
        return configured or None
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    path = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    try:
        profiles = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return None
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active", "ephemeral")
    url = profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL")
    return str(url) if url else None


def answers(api: str) -> bool:
    """Whether Prefect's API answers at a url, be it with a refusal; :class:`RequestRefused` where it cannot be there.

    By httpx alone: each ``retrain run`` asks this, and importing Prefect's client takes over a second.
    """
    import httpx

    if not api.startswith(("http://", "https://")):
        raise RequestRefused(f"PREFECT_API_URL is {shown(api)!r}: write {_EXAMPLE}, {_OTHERWISE}")
    answer = _ask(api)
    if answer is None:
        return False
    # 401 and 403: a password is asked for; 429 and 5xx: it is busy
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS):
        return True
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or _is_prefects(answer):
        return True
    raise RequestRefused(f"{not_prefect(api, answer.status_code)}, {_OTHERWISE}")


def not_prefect(api: str, status: int) -> str:
    """What to write instead of a url at which something else than Prefect's API answered."""
    place = urlsplit(api)
    beside = f"{place.scheme}://{place.netloc}/api"
    answer = None if api.rstrip("/") == beside else _ask(beside)
    right = shown(beside) if answer is not None and _is_prefects(answer) else f"the API's own address, like {_EXAMPLE}"
    return f"what answers at {shown(api)} is not Prefect's API (/health: {status}): write PREFECT_API_URL={right}"


def shown(api: str) -> str:
    """The url for a message: without the name and password that it may hold."""
    scheme, sign, rest = api.rpartition("://")
    host, slash, path = rest.partition("/")
    return shortened(scheme + sign + host.rpartition("@")[2] + slash + path, 200)


def _ask(api: str) -> Any:
    """What the url of an API answers when it is asked for its health; None where nothing answers."""
    import httpx

    try:
        # not verified: Prefect may be told to trust what httpx does not, and nothing is told or believed here
        return httpx.get(f"{api.rstrip('/')}/health", timeout=_SECONDS, verify=False, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


def _is_prefects(answer: Any) -> bool:
    """Whether an answer is what Prefect's API says of its health: the one word ``true``."""
    if answer.is_success and str(answer.url.host).endswith(".prefect.cloud"):
        return True
    return bool(answer.is_success and answer.content[:20].strip() == b"true")
