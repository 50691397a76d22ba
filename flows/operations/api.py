"""Which Prefect API a run goes through."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

_SECONDS = 3.0


def prepare_environment() -> None:
    """Before Prefect is imported: no analytics; a temporary server's database below ``.retrain``, and time to start.

    What is set in the environment already stays.
    """
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    if configured_api() is None:
        home = Path(os.environ.setdefault("PREFECT_HOME", str(Path(".retrain/prefect").absolute())))
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
    """Whether something answers at the url of an API, be it with a refusal.

    By httpx alone: each ``retrain run`` asks this, and importing Prefect's client takes over a second.
    """
    import httpx

    try:
        # not verified: Prefect may be told to trust what httpx does not, and nothing is told or believed here
        httpx.get(f"{api.rstrip('/')}/health", timeout=_SECONDS, verify=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return True
