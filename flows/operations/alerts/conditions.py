"""The open conditions of a model are remembered, so that each gives one alert when it begins and one when it ends.

They are kept in a file on this machine or, inside a Prefect run, in a variable of the server, where every worker finds
it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from flows.operations.alerts.messages import CONDITIONS, Alert
from registry.clock import read_time, write_time
from registry.errors import Corrupt, StoreUnavailable
from registry.store.files import write_atomically
from registry.store.place import local_path

OpenConditions = Mapping[str, Mapping[str, str]]
"""Kind → ``{"since": …, "what": …}`` of every condition that is open."""


class Memory(Protocol):
    """Keeps the open conditions of each model."""

    def read(self, model: str) -> OpenConditions: ...

    def write(self, model: str, conditions: OpenConditions) -> None: ...


def update_conditions(
    before: OpenConditions, findings: Mapping[str, str | None], *, model: str, now: datetime, link: str | None = None
) -> tuple[OpenConditions, list[Alert]]:
    """The conditions that are open after ``findings`` (kind → what is wrong, or None: it is over), and the alerts to
    send.

    Kinds that are not in ``findings`` stay as they are.
    """
    after = {kind: dict(condition) for kind, condition in before.items()}
    alerts = []
    for kind, what in findings.items():
        if kind not in CONDITIONS:
            raise KeyError(f"{kind} is not a condition")
        if what is not None and kind not in after:
            after[kind] = {"since": write_time(now), "what": what}
            alerts.append(Alert(kind, model, what, now, link))
        elif what is None and kind in after:
            begun = after.pop(kind)
            text = f"it is over after {_duration(read_time(begun['since']), now)}. It was: {begun['what']}"
            alerts.append(Alert(kind, model, text, read_time(begun["since"]), link, ended=True))
    return after, alerts


class FileMemory:
    """Keeps them in one small JSON file a model, replaced as a whole."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = folder

    def read(self, model: str) -> OpenConditions:
        path = self._path(model)
        try:
            return _checked(json.loads(path.read_text()), str(path))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise Corrupt(
                f"{path} is not what was written ({error}): delete it, and open conditions give their alerts again"
            ) from error

    def write(self, model: str, conditions: OpenConditions) -> None:
        path = self._path(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (json.dumps(conditions, indent=1, sort_keys=True) + "\n").encode())

    def _path(self, model: str) -> Path:
        return local_path(self._folder, "a folder of open conditions") / f"{model}.json"


class VariableMemory:
    """Keeps them in a variable of the Prefect server.

    Raises :class:`~registry.errors.StoreUnavailable` where the server does not answer.
    """

    def read(self, model: str) -> OpenConditions:
        import httpx
        from prefect.variables import Variable

        name = variable_name(model)
        try:
            value: Any = Variable.get(name, default={})
        except httpx.HTTPError as error:
            raise StoreUnavailable(f"the Prefect variable {name} cannot be read: {error}") from error
        return _checked(value, f"the Prefect variable {name}")

    def write(self, model: str, conditions: OpenConditions) -> None:
        import httpx
        from prefect.variables import Variable

        plain: dict[str, Any] = {kind: dict(condition) for kind, condition in conditions.items()}
        try:
            Variable.set(variable_name(model), plain, overwrite=True)
        except httpx.HTTPError as error:
            raise StoreUnavailable(f"the Prefect variable {variable_name(model)} cannot be written: {error}") from error


def variable_name(model: str) -> str:
    """Prefect allows lower-case letters, digits and underscores: two models never share a variable all the same."""
    plain = re.sub(r"[^a-z0-9_]", "_", model.lower())[:60]
    return f"retrain_open_{plain}_{hashlib.sha256(model.encode()).hexdigest()[:8]}"


def _checked(value: Any, where: str) -> OpenConditions:
    try:
        for condition in value.values():
            read_time(condition["since"])
            str(condition["what"])
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise Corrupt(
            f"{where} is not what was written: delete it, and open conditions give their alerts again"
        ) from error
    checked: OpenConditions = value
    return checked


def _duration(begun: datetime, now: datetime) -> str:
    hours = (now - begun).total_seconds() / 3600
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
