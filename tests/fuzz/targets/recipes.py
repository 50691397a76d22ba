"""Files of recipes: read, checked, fingerprinted, built."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from flows.recipes.catalogue import shipped
from flows.recipes.declared import load_recipes
from flows.recipes.recipe import Recipe
from tests.fuzz.mutating import of_bytes, of_json
from tests.fuzz.target import Target

COLUMNS = ("rsi_14", "ema_20", "ema_50", "atr_14", "adx_14", "close_15m")
PIECES = (
    *("\n", "[", "]", "[[a]]\n", "[x]\n", "{", "}", "=", '"', "'''", '"""', ",", "#", ".", "\\u0000", "\\U0010ffff"),
    *("nan", "-inf", "1979-05-27T07:32:00Z", "0x1f", "1_000", "9" * 5000, "[" * 500, "{a=" * 300, "a." * 600 + "a"),
    *("estimator", "parameters", "features", "scale", "random_state", "n_jobs", "true", "sklearn.svm.SVC", "\ufeff"),
    *("n_estimators = 1000000000000\n", 'estimator = "sklearn.ensemble.VotingClassifier"\n', "rsi_14 - rsi_14"),
    *('estimator = "sklearn.utils._pprint.A"\n', "\r", "\x00", "é", "٣"),
)


@cache
def seeds() -> list[bytes]:
    """The shipped recipes, as a user would declare them."""
    tables = [
        f"[{name}_2]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in _other(recipe).items())
        for name, recipe in shipped().items()
    ]
    return [table.encode() for table in tables] + ["\n".join(tables[:2]).encode()]


def _other(recipe: Recipe) -> dict[str, Any]:
    """The definition of a recipe like this one, which is not taken yet."""
    return {**recipe.definition, "scale": not recipe.scale}


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(name))} = {_toml(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return '""' if value is None else json.dumps(value)


def mutate(random: Random, data: bytes) -> bytes:
    choice = random.random()
    if choice < 0.15:
        return of_bytes(random, data)
    text = data.decode(errors="replace")
    if choice < 0.5:
        at = random.randrange(len(text) + 1)
        return (text[:at] + random.choice(PIECES) + text[at + random.choice((0, 0, 1, 5)) :]).encode()
    recipe = random.choice([*shipped().values()])
    changed = of_json(random, {"a_recipe": _other(recipe)})
    if not isinstance(changed, dict):
        return text.encode()
    return "".join(
        f"[{name}]\n" + "".join(f"{json.dumps(str(key))} = {_toml(item)}\n" for key, item in table.items())
        if isinstance(table, dict)
        else f"{json.dumps(str(name))} = {_toml(table)}\n"
        for name, table in changed.items()
    ).encode(errors="replace")


def run(data: bytes) -> None:
    _file().write_bytes(data)
    for recipe in load_recipes(_file(), COLUMNS).values():
        assert len(recipe.fingerprint) == 64


@cache
def _file() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-")) / "recipes.toml"


def target() -> Target:
    return Target("recipes", seeds, mutate, run)
