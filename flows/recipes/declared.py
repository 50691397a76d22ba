"""Users declare recipes of their own in a ``recipes.toml``, one table a recipe:

[slow_boosting]
estimator = "sklearn.ensemble.HistGradientBoostingClassifier"
parameters = { max_iter = 300, learning_rate = 0.01 }
features = ["rsi_14", "(close_15m - ema_20) / atr_14"]
scale = false                                                  # may be left out
weights = { half_life_days = 90 }                              # may be left out: flows.recipes.weighing
search = { space = { max_leaf_nodes = [4, 32] }, trials = 20 } # may be left out: flows.recipes.searching
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from flows.errors import RecipeRefused
from flows.instruments import GBPUSD_M15, Instrument
from flows.recipes.catalogue import NAMES, shipped
from flows.recipes.recipe import Recipe, check_columns, clock_of
from flows.recipes.refusals import did_you_mean, faults, quoted
from registry.format.phrases import shortened
from registry.store.place import local_path

_KEYS = ("estimator", "parameters", "features", "scale", "weights", "search")
_REQUIRED = ("estimator", "features")

MOST_BYTES = 256 << 10
"""Of a file: a thousand recipes, thirty times what a night trains."""

_DEEPEST = 10
_MOST_DOTS = 200  # a key of 120,000 parts takes tomllib more memory than there is


def load_recipes(
    path: Path,
    available_columns: Collection[str] | None = None,
    instrument: Instrument = GBPUSD_M15,
    chosen: Collection[str] = (),
) -> dict[str, Recipe]:
    """The shipped recipes, then those of the file at ``path`` in its order, by name.

    With ``available_columns`` a recipe that needs another column is refused too. Where names are ``chosen``, another
    recipe whose longer bars are not made of the instrument's is left out: one file may serve several instruments.
    Raises :class:`RecipeRefused` listing everything that is wrong in the file, recipe by recipe; a name or a
    definition that exists already is wrong.
    """
    recipes = shipped(instrument)
    wrong: list[str] = []
    for name, table in _tables(path).items():
        of_recipe = _table_faults(name, table, recipes)
        if not of_recipe:
            try:
                recipe = Recipe(name, **{**table, "features": tuple(table["features"])}, clock=clock_of(instrument))
            except RecipeRefused as unfit:  # a longer bar that is none beside these
                if not chosen or name in chosen:
                    wrong.append(f"  {unfit}")
                continue
            of_recipe = _comparison_faults(recipe, recipes, available_columns)
            recipes[name] = recipe
        wrong += [f"  {name}: {fault}" for fault in of_recipe]
    if wrong:
        raise RecipeRefused("\n".join([f"{path} is refused; nothing was trained:", *wrong]))
    return recipes


def _tables(path: Path) -> dict[str, Any]:
    try:
        content = _content(path)
    except OSError as unreadable:
        raise RecipeRefused(f"{path} cannot be read ({unreadable.strerror}): name a recipes.toml") from unreadable
    if any(line.count(b".") > _MOST_DOTS for line in content.split(b"\n")):
        raise RecipeRefused(
            f"{path} is refused: a line in it has more than {_MOST_DOTS} dots; write it in several lines"
        )
    try:
        tables = tomllib.loads(content.decode("utf-8"))
    except RecursionError as deep:
        raise RecipeRefused(f"{path} holds lists in lists without end: a recipe needs two levels") from deep
    except ValueError as broken:  # bad TOML, bad UTF-8 or an integer of thousands of digits
        raise RecipeRefused(f"{path} is not TOML: {shortened(str(broken), 500)}") from broken
    _check_values(path, tables)
    return tables


def _content(path: Path) -> bytes:
    """The bytes of a file; :class:`RecipeRefused` for what is none: a pipe would be waited for, a device has no end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RecipeRefused(f"{path} cannot be read (it is no file): name a recipes.toml")
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise RecipeRefused(
            f"{path} is larger than {MOST_BYTES >> 10} KiB: a recipe takes a few lines; name another file"
        )
    return content


def _check_values(path: Path, tables: dict[str, Any]) -> None:
    """Refuses whole numbers of more than 64 bits, and values nested deeper than any recipe's: TOML bounds neither."""
    level: list[Any] = [tables]
    for _ in range(_DEEPEST):
        within = [value for each in level for value in (each.values() if isinstance(each, dict) else each)]
        if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in within):
            raise RecipeRefused(f"{path} is not TOML: a whole number in it has more than 64 bits")
        level = [value for value in within if isinstance(value, dict | list)]
    if level:
        raise RecipeRefused(f"{path} is refused: a value stands {_DEEPEST} levels deep, a recipe needs two")


def _table_faults(name: str, table: object, taken: Mapping[str, Recipe]) -> list[str]:
    if not isinstance(table, Mapping):
        return [f"is {quoted(table)}: every recipe is a table of its own, headed [{name}]"]
    wrong_parts = [f"has an unknown key {key[:60]}{did_you_mean(key, _KEYS)}" for key in table if key not in _KEYS]
    wrong_parts += [f"lacks {key}" for key in _REQUIRED if key not in table]
    if name in taken:
        wrong_parts.append("is the name of a shipped recipe: choose another")
    if wrong_parts:
        return wrong_parts
    return faults(name, table)


def _comparison_faults(recipe: Recipe, others: Mapping[str, Recipe], columns: Collection[str] | None) -> list[str]:
    # Fingerprints identify a night's work and count what was tried: one recipe under two names would be both.
    same = [other.name for other in others.values() if other.fingerprint == recipe.fingerprint]
    wrong_parts = [f"is {same[0]} under another name: leave it out"] if same else []
    if columns is not None:
        try:
            check_columns([recipe], columns)
        except RecipeRefused as wrong:
            wrong_parts.append(str(wrong))
    return wrong_parts


def available_recipes(
    recipes_file: str | None, instrument: Instrument = GBPUSD_M15, chosen: Collection[str] = ()
) -> dict[str, Recipe]:
    """The shipped recipes and those of the file that is set, by name, as :func:`load_recipes` takes them;
    :class:`~flows.errors.RecipeRefused`."""
    if recipes_file is None:
        return shipped(instrument)
    return load_recipes(local_path(recipes_file, "a file of recipes"), instrument=instrument, chosen=chosen)


def available_names(recipes_file: str | None, instrument: Instrument = GBPUSD_M15) -> tuple[str, ...]:
    """The names of :func:`available_recipes`; nothing is made for them where no file is set."""
    return NAMES if recipes_file is None else tuple(available_recipes(recipes_file, instrument))
