"""``retrain.toml``: settings of a folder, found by every command there or below, as git finds its own.

A key is a setting without ``RETRAIN_``, in lower case. The file fills the variables that the environment leaves empty,
so that whatever reads a variable, and whatever a command starts, sees one and the same setting. The command line wins
over the environment, the environment over the file. ``RETRAIN_SETTINGS`` names the file where no folder can be relied
on (cron, a container); it is set once a file is in use. ``import registry`` reads no such file: a service gets its
settings from its environment.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from registry.commands.variables import PREFIX, VARIABLES
from registry.errors import InvalidRequest, SettingsRefused
from registry.store.place import is_bucket

NAME = "retrain.toml"
VARIABLE = f"{PREFIX}SETTINGS"

PATHS = ("cache", "conditions", "data", "fleet", "recipes_file", "registry", "reports", "sample", "signing_key")
"""What is a path: relative to the folder of the file."""

USUAL = {
    "conditions": ".retrain/conditions",
    "fleet": "fleet.toml",
    "registry": ".retrain/registry",
    "sample": ".retrain/sample",
}
"""Where things are by default: beside the file, also for a command that is called in a folder below it."""

_KEYS = tuple(name.removeprefix(PREFIX).lower() for name in VARIABLES if name != VARIABLE)


def use_settings_file(environ: MutableMapping[str, str] = os.environ) -> Path | None:
    """Fills the empty variables of ``environ`` from the settings file in use, and gives its path; None: there is none.

    A second call changes nothing. Raises :class:`~registry.errors.SettingsRefused`.
    """
    path = find_settings_file(environ)
    if path is None:
        return None
    for key, value in read_settings_file(path).items():
        if not environ.get(_variable(key)):
            environ[_variable(key)] = value
    environ[VARIABLE] = str(path)
    return path


def find_settings_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file that ``RETRAIN_SETTINGS`` names, else the nearest one in this folder or above; None where there is none.

    A file above this folder that belongs to another user is refused: what stands in it is done, a feed's command too.
    """
    named = environ.get(VARIABLE)
    if named:
        path = Path(named).expanduser().absolute()
        if not _is_file(path):
            raise SettingsRefused(f"{VARIABLE} is {named}, and there is no such file: correct it, or unset it")
        return path
    here = _here()
    for folder in () if here is None else (here, *here.parents):
        path = folder / NAME
        if _is_file(path):
            if folder != here and path.stat().st_uid not in (os.geteuid(), 0):
                raise SettingsRefused(
                    f"{path} belongs to another user, and its settings are not taken unasked: set {VARIABLE}={path} if "
                    f"they are meant, or write a {NAME} in {here} (retrain init)"
                )
            return path
    return None


def read_settings_file(path: Path) -> dict[str, str]:
    """What the file sets, by key, each as its variable would be written, paths absolute.

    With it the usual places beside a file that is not in the working folder. Raises
    :class:`~registry.errors.SettingsRefused`, which names file, line or key, and the nearest right name.
    """
    values = {key: _text(path, key, value) for key, value in _parsed(path).items()}
    if path.parent != _here():
        values = {**USUAL, **values}
    return {key: _beside(path.parent, key, value) for key, value in values.items()}


def set_by_file(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The settings file in use, where the value of the variable ``name`` comes from it."""
    used = environ.get(VARIABLE)
    if not used or not _is_file(Path(used)):
        return None
    path = Path(used)
    return path if read_settings_file(path).get(name.removeprefix(PREFIX).lower()) == environ.get(name) else None


def named(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """How a message names a setting to whoever set it: ``RETRAIN_CORES``, or ``cores in /srv/retrain.toml``."""
    path = set_by_file(name, environ)
    return name if path is None else f"{name.removeprefix(PREFIX).lower()} in {path}"


def settings_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the settings file in use, else the working folder: what ``.retrain`` is in by default."""
    used = environ.get(VARIABLE)
    return Path(used).expanduser().absolute().parent if used else Path.cwd()


def _here() -> Path | None:
    """The working folder; None where somebody removed it."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder above that may not be looked into
        return False


def _variable(key: str) -> str:
    return PREFIX + key.upper()


def _parsed(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused(f'{path} is not TOML: {error}; write key = "text", one a line') from error
    unknown = [key for key in values if key not in _KEYS]
    if unknown:
        faults = ", ".join(f"{key[:80]}{_meant(key)}" for key in unknown[:10])
        raise SettingsRefused(f"{path}: nothing reads {faults}: correct the name; docs/configuration.md lists all")
    return values


def _meant(key: str) -> str:
    plain = key.lower().removeprefix(PREFIX.lower())
    close = difflib.get_close_matches(plain[:80], _KEYS, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


def _text(path: Path, key: str, value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise SettingsRefused(f"{path}: {key} is {value!r}: give a text, a number, true or false, or a list of texts")
    return str(value)


def _beside(folder: Path, key: str, value: str) -> str:
    """``value`` with the folder of the file before it, where it is a relative path."""
    a_path = key in PATHS or (key == "instrument" and value.endswith(".toml"))
    try:
        if not a_path or not value or is_bucket(value):
            return value
    except InvalidRequest:
        return value  # almost an address: whoever reads the setting says how to write it
    return str(folder / Path(value).expanduser())
