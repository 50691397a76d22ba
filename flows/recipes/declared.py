"""Users declare recipes of their own in a ``recipes.toml``, one table a recipe:

[slow_boosting]
estimator = "sklearn.ensemble.HistGradientBoostingClassifier"
parameters = { max_iter = 300, learning_rate = 0.01 }
features = ["rsi_14", "(close_15m - ema_20) / atr_14"]
scale = false                                                  # may be left out
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from flows.errors import RecipeRefused
from flows.recipes.catalogue import shipped
from flows.recipes.recipe import Recipe, check_columns
from flows.recipes.refusals import did_you_mean, faults

_KEYS = ("estimator", "parameters", "features", "scale")
_REQUIRED = ("estimator", "features")


def load_recipes(path: Path, available_columns: Collection[str] | None = None) -> dict[str, Recipe]:
    """The shipped recipes, then those of the file at ``path`` in its order, by name.

    With ``available_columns`` a recipe that needs another column is refused too. Raises :class:`RecipeRefused` listing
    everything that is wrong in the file, recipe by recipe; a name or a definition that exists already is wrong.
    """
    recipes = shipped()
    wrong: list[str] = []
    for name, table in _tables(path).items():
        of_recipe = _table_faults(name, table, recipes)
        if not of_recipe:
            recipe = Recipe(name, **{**table, "features": tuple(table["features"])})
            of_recipe = _comparison_faults(recipe, recipes, available_columns)
            recipes[name] = recipe
        wrong += [f"  {name}: {fault}" for fault in of_recipe]
    if wrong:
        raise RecipeRefused("\n".join([f"{path} is refused; nothing was trained:", *wrong]))
    return recipes


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as unreadable:
        raise RecipeRefused(f"{path} cannot be read ({unreadable.strerror}): name a recipes.toml") from unreadable
    except (ValueError, RecursionError) as broken:  # bad TOML or bad UTF-8; brackets without end
        raise RecipeRefused(f"{path} is not TOML: {broken}") from broken


def _table_faults(name: str, table: object, taken: Mapping[str, Recipe]) -> list[str]:
    if not isinstance(table, Mapping):
        return [f"is {table!r}: every recipe is a table of its own, headed [{name}]"]
    wrong_parts = [f"has an unknown key {key}{did_you_mean(key, _KEYS)}" for key in table if key not in _KEYS]
    wrong_parts += [f"lacks {key}" for key in _REQUIRED if key not in table]
    if name in taken:
        wrong_parts.append("is the name of a shipped recipe: choose another")
    if wrong_parts:
        return wrong_parts
    return faults(name, table["estimator"], table.get("parameters", {}), table["features"], table.get("scale", False))


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


def available_recipes(recipes_file: str | None) -> dict[str, Recipe]:
    """The shipped recipes and those of the file that is set, by name; :class:`~flows.errors.RecipeRefused`."""
    return shipped() if recipes_file is None else load_recipes(Path(recipes_file))
