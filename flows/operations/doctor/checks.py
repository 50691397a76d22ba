"""All checks of ``retrain doctor``, in the order in which a night needs what they check."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from flows.operations.alerts.messages import is_webhook
from flows.operations.api import configured_api
from flows.operations.doctor.bars import examine_bars
from flows.operations.doctor.finding import Finding
from flows.operations.doctor.keys import examine_keys
from flows.operations.doctor.prefect import examine_server
from flows.operations.doctor.store import examine_store
from flows.operations.settings import Operations
from flows.settings import Settings, open_model
from registry.commands.settings_file import find_settings_file
from registry.errors import RegistryError

TOO_NEW = {"fastapi": (0, 151), "sqlalchemy": (2, 1)}
"""From here on Prefect 3.8 does not start (fastapi), or schedules nothing and does not say so (SQLAlchemy)."""


def examine(
    settings: Settings,
    operations: Operations,
    *,
    now: datetime,
    registry: str | None = None,
    model: str | None = None,
    allow: Sequence[str] = (),
) -> list[Finding]:
    """The findings of all checks; ``allow``: checks of the bars whose findings are meant."""
    name = settings.model_name(model)
    place = registry or settings.registry
    return [
        *_settings(),
        *examine_bars(settings, operations, now, allow, place),
        *_feed(operations),
        *examine_store(place, name, now),
        *examine_server(configured_api(), now, "fleet" if Path(settings.fleet).exists() else "nightly"),
        *examine_keys(settings, place, name),
        *_versions(place, name),
        _alerts(operations),
    ]


def _settings() -> Iterator[Finding]:
    path = find_settings_file()
    if path is not None:
        yield Finding("settings", "fine", f"from {path}; the environment wins over it")


def _feed(operations: Operations) -> Iterator[Finding]:
    if operations.feed is None:
        return
    try:
        program = shlex.split(operations.feed)[0]
    except (ValueError, IndexError):
        yield Finding("feed", "wrong", "RETRAIN_FEED is not a command", "write it as you would type it in a shell")
        return
    if shutil.which(program) is None:
        yield Finding("feed", "look", f"{program} is not a program on the PATH", "a word of the shell's own is fine")
    else:
        yield Finding("feed", "fine", f"{program} is there (it was not run)")


def _versions(place: str, model: str) -> Iterator[Finding]:
    for package, limit in TOO_NEW.items():
        installed = version(package)
        if tuple(int(part) for part in installed.split(".")[:2]) >= limit:
            bound = ".".join(map(str, limit))
            yield Finding(
                "versions", "wrong", f"{package} {installed}", f"pip install '{package}<{bound}': Prefect breaks"
            )
    try:
        opened = open_model(place, model)
        champion = opened.champion()
        trained = None if champion is None else opened.registered_at(champion.entry).record.environment
    except RegistryError:
        return  # the finding on the registry says so
    here = version("scikit-learn")
    there = (trained or {}).get("scikit-learn", here)
    if there != here:
        yield Finding(
            "versions", "look", f"champion trained with scikit-learn {there}, here {here}", "figures move a little"
        )
    else:
        yield Finding("versions", "fine", f"scikit-learn {here}, Prefect {version('prefect')}")


def _alerts(operations: Operations) -> Finding:
    if operations.alert_target is None:
        return Finding(
            "alerts", "look", "no alert is sent to anybody", "set RETRAIN_ALERT_URL, then retrain alert-test"
        )
    how = "a webhook" if is_webhook(operations.alert_target) else "Apprise"
    return Finding("alerts", "fine", f"by {how} (try: retrain alert-test)")
