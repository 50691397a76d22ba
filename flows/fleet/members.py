"""``fleet.toml``: the models of a fleet, each with the settings in which it differs from the others.

A model's settings are those of the environment (``RETRAIN_*``), then ``[defaults]``, then its own table, which may give
every setting of :class:`~flows.settings.Settings` by its name, and ``recipes``, the names of those to train::

    at_once = 2                                  # nights beside each other; 1 where it is not said
    spread_minutes = 10                          # scheduled ones begin over so long; together where it is not said
    dask = "tcp://scheduler:8786"                # the nights of the deployment run on this cluster, not here

    [pooled]                                     # judge recipes on all models at once, too
    budget = 0.05                                # false promotions a year, of all together

    [defaults]
    registry = "s3://models/production"

    [models.gbpusd_m15_direction]
    data = "s3://bars/gbpusd"

    [models.eurusd_h1_direction]
    data = "s3://bars/eurusd"
    instrument = "EURUSD"
    recipes = ["logistic", "extra_trees"]

>>> fleet = read_fleet(Path("fleet.toml"), load_settings())
>>> fleet.members[0].settings.data
's3://bars/gbpusd'
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.errors import RequestRefused
from flows.fleet.pooled import FEWEST_MODELS, POOLED_SHARE, share_of
from flows.gate.nightly.calibration import BUDGET, SMALLEST_BUDGET
from flows.settings import Settings
from registry.errors import InvalidName
from registry.format.keys import check_name

__all__ = ["Fleet", "FleetRefused", "Member", "read_fleet"]

MOST_AT_ONCE = 64
MOST_SPREAD = 240
"""Minutes: four hours, as long as a night may wait for another one."""

_KEYS = ("at_once", "dask", "defaults", "models", "pooled", "spread_minutes")

_ADDRESS = re.compile(r"(tcp|tls|ws|wss)://[^\s/]+:\d+")
_SETTINGS = tuple(name for name in Settings.model_fields if name not in ("model", "fleet"))


class FleetRefused(RequestRefused):
    """The file of a fleet is not there, cannot be read, or says something that is no setting."""


@dataclass(frozen=True)
class Member:
    """One model. ``settings``: complete, with its name; ``recipes``: those to train, all where there are none;
    ``variables``: what the file says, as the environment of a process that has its night."""

    name: str
    settings: Settings
    recipes: tuple[str, ...]
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Fleet:
    """Models in the order of the file. ``at_once``: how many have their night beside each other. ``budget``: of false
    promotions a year, of all models and their pool together; None: no pool, and each model has one of its own.
    ``spread_minutes``: over how long scheduled ones begin. ``dask``: the address of a scheduler whose workers have the
    nights of the deployment, as many at once as they have threads; None is this machine."""

    path: Path
    members: tuple[Member, ...]
    at_once: int = 1
    budget: float | None = None
    spread_minutes: float = 0.0
    dask: str | None = None

    @property
    def share(self) -> float | None:
        """A model's own part of the fleet's yearly budget; None where there is no pool."""
        return None if self.budget is None else share_of(self.budget, len(self.members))


def read_fleet(path: Path, settings: Settings) -> Fleet:
    """The fleet of a file, on top of the settings of the environment.

    Raises :class:`FleetRefused`, which names the file, the table and the key, before any model is touched.
    """
    values = _parsed(path)
    unknown = values.keys() - set(_KEYS)
    if unknown:
        raise FleetRefused(f"{path}: {_unknown(min(unknown), _KEYS)}")
    at_once = values.get("at_once", 1)
    if type(at_once) is not int or not 1 <= at_once <= MOST_AT_ONCE:
        raise FleetRefused(f"{path}: at_once is {at_once!r}: give a whole number from 1 to {MOST_AT_ONCE}")
    spread = values.get("spread_minutes", 0.0)
    if isinstance(spread, bool) or not isinstance(spread, int | float) or not 0 <= spread <= MOST_SPREAD:
        raise FleetRefused(f"{path}: spread_minutes is {spread!r}: give a number from 0 to {MOST_SPREAD}")
    dask = values.get("dask")
    if dask is not None and (not isinstance(dask, str) or not _ADDRESS.fullmatch(dask)):
        raise FleetRefused(f"{path}: dask is {dask!r}: give the address of a scheduler, tcp://host:8786")
    models = _table(path, "models", values.get("models", {}))
    if not models:
        raise FleetRefused(f"{path} has no models: write a table [models.NAME] for each")
    defaults = _table(path, "defaults", values.get("defaults", {}))
    budget = _budget(path, values, len(models))
    if budget is not None:
        budgeted = [name for name, own in (("defaults", defaults), *models.items()) if "budget" in own]
        if budgeted:
            raise FleetRefused(f"{path}: {budgeted[0]} has a budget, but [pooled] gives each model its share: drop one")
        defaults = {**defaults, "budget": share_of(budget, len(models))}
    members = tuple(_member(path, name, own, defaults, settings) for name, own in models.items())
    return Fleet(path, members, at_once, budget, float(spread), dask)


def _budget(path: Path, values: Mapping[str, Any], models: int) -> float | None:
    """What ``[pooled]`` says; None where there is no such table."""
    if "pooled" not in values:
        return None
    pooled = _table(path, "pooled", values["pooled"])
    unknown = pooled.keys() - {"budget"}
    if unknown:
        raise FleetRefused(f"{path}: [pooled]: {_unknown(min(unknown), ('budget',))}")
    budget = pooled.get("budget", BUDGET)
    if isinstance(budget, bool) or not isinstance(budget, int | float) or not 0.0 < budget < 1.0:
        raise FleetRefused(f"{path}: [pooled]: budget is {budget!r}: give a probability such as {BUDGET}")
    if models < FEWEST_MODELS:
        raise FleetRefused(f"{path}: [pooled] is for two models and more: drop it, or add a model")
    least = min(share_of(budget, models), budget * POOLED_SHARE)
    if least < SMALLEST_BUDGET:
        raise FleetRefused(
            f"{path}: [pooled]: budget {budget:g} leaves {least:g} a year to each of {models} models; simulation "
            f"cannot resolve less than {SMALLEST_BUDGET:g}: give more, or fewer models"
        )
    return float(budget)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FleetRefused(
            f"{path} is not there: write it, or say where it is with RETRAIN_FLEET (docs/fleet.md)"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FleetRefused(f"{path} cannot be read as TOML: {error}") from error


def _table(path: Path, name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FleetRefused(f"{path}: {name} is {value!r}: write it as a table, [{name}]")
    return value


def _member(path: Path, name: str, own: Any, defaults: Mapping[str, Any], settings: Settings) -> Member:
    where = f"{path}: [models.{name}]"
    try:
        check_name(name)
    except InvalidName as error:
        raise FleetRefused(f"{where}: {error}") from error
    values = {**defaults, **_table(path, f"models.{name}", own)}
    recipes = values.pop("recipes", [])
    if not isinstance(recipes, list) or not all(isinstance(each, str) and each for each in recipes):
        raise FleetRefused(f"{where}: recipes is {recipes!r}: give a list of names")
    unknown = values.keys() - set(_SETTINGS)
    if unknown:
        raise FleetRefused(f"{where}: {_unknown(min(unknown), (*_SETTINGS, 'recipes'))}")
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise FleetRefused(f"{where}: {key} is {value!r}: give a text or a number")
    try:
        complete = Settings(**{**settings.model_dump(), **values, "model": name})
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise FleetRefused(f"{where}: {faults}") from error
    variables = {f"RETRAIN_{key.upper()}": str(value) for key, value in values.items()}
    return Member(name, complete, tuple(recipes), {**variables, "RETRAIN_MODEL": name})


def _unknown(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return f"{name!r} is nothing that is read here{meant}; known are {', '.join(sorted(known))}"
