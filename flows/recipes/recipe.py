"""A recipe is a named classifier with its parameters and features; it is checked when it is made."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flows.errors import RecipeRefused, RequestRefused
from flows.instruments import GBPUSD_M15, Instrument
from flows.recipes.building import built, packages
from flows.recipes.refusals import did_you_mean, faults
from flows.recipes.threads import importing
from registry.archive.input_schema import InputSchema
from registry.errors import InvalidRequest
from registry.format.phrases import listed

if TYPE_CHECKING:
    from registry.features.trading_clock import TradingClock


@dataclass(frozen=True)
class Recipe:
    """``estimator`` is an import path inside scikit-learn or of :data:`flows.recipes.libraries.LIBRARIES`,
    ``parameters`` its keyword arguments as JSON values; an estimator among them is a table, see
    :mod:`flows.recipes.building`.

    ``features`` are the model's inputs in order, each an expression of :mod:`registry.features`. With
    ``scale`` every feature is brought to mean 0 and variance 1 of the training bars first; ``weights`` says
    what training bars weigh (:mod:`flows.recipes.weighing`), ``search`` which parameters are tried before each fit
    (:mod:`flows.recipes.searching`). Raises
    :class:`RecipeRefused` with everything that is wrong, so that nothing is ever trained from a wrong recipe.
    """

    name: str
    estimator: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    features: tuple[str, ...] = ()
    scale: bool = False
    weights: Mapping[str, Any] = field(default_factory=dict, hash=False)
    search: Mapping[str, Any] = field(default_factory=dict, hash=False)
    clock: TradingClock | None = field(default=None, compare=False)
    """Of the bars that features look back on; the default is that of GBPUSD in quarters of an hour. No part of the
    definition: a model has bars of one kind."""

    def __post_init__(self) -> None:
        wrong = faults(self.name, {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"})
        if wrong:
            raise RecipeRefused(f"recipe {self.name} is refused: {'; '.join(wrong)}")
        try:
            object.__setattr__(self, "features", InputSchema(self.features, self.clock).features)
        except InvalidRequest as unfit:
            raise RecipeRefused(f"recipe {self.name} is refused: {unfit}") from unfit
        # A copy of plain JSON values: what the caller holds cannot change a recipe afterwards.
        for plain in ("parameters", "weights", "search"):
            object.__setattr__(self, plain, json.loads(json.dumps(dict(getattr(self, plain)))))

    @property
    def definition(self) -> dict[str, Any]:
        """All that decides what is trained, as JSON values; the name does not."""
        return {
            "estimator": self.estimator,
            "features": list(self.features),
            "parameters": copy.deepcopy(dict(self.parameters)),
            "scale": self.scale,
            **({"weights": dict(self.weights)} if self.weights else {}),
            **({"search": copy.deepcopy(dict(self.search))} if self.search else {}),
        }

    @property
    def provenance(self) -> dict[str, Any]:
        """What a version's record says of the recipe's estimator: its parameters beside its path where nothing else is
        said and no name would stand twice, else each in a place of its own."""
        if not self.weights and not self.search and not {"estimator", "weights"} & set(self.parameters):
            return {"estimator": self.estimator, **self.parameters}
        return {name: value for name, value in self.definition.items() if name not in ("features", "scale")}

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """The packages beside scikit-learn that decide what a fit is: of its estimators, and of its search."""
        return (*packages(self.estimator, self.parameters), *(("optuna",) if self.search else ()))

    def chosen(self, values: Mapping[str, Any]) -> Recipe:
        """The recipe with these values of its search space, and no search."""
        return replace(self, parameters={**self.parameters, **values}, search={})

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the definition as canonical JSON: an edited recipe is a new one, a renamed one is not."""
        text = json.dumps(self.definition, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def signature(self) -> InputSchema:
        """The input contract of every version trained from this recipe."""
        return InputSchema(self.features, self.clock)

    def build(self, seed: int) -> Any:
        """The unfitted estimator; ``seed`` (0 … 2³²−1) is its ``random_state`` if it has one and the recipe sets none,
        and so of each estimator inside it.

        Raises :class:`RequestRefused` for a seed outside the range.
        """
        if not 0 <= seed < 2**32:
            raise RequestRefused(f"seed {seed} is outside 0 … {2**32 - 1}: choose one inside")
        model = built(self.estimator, self.parameters, seed)
        if not self.scale:
            return model
        with importing:
            from sklearn.pipeline import Pipeline
            from sklearn.preprocessing import StandardScaler

        return Pipeline([("scale", StandardScaler()), ("model", model)])


def clock_of(instrument: Instrument) -> TradingClock | None:
    """The clock of its bars, for features that look back; None for the default, which is the schema's own."""
    if instrument == GBPUSD_M15:
        return None
    from registry.features.trading_clock import TradingClock

    hour, minute = instrument.hours.day_closes.split(":")
    return TradingClock(instrument.minutes, instrument.hours.zone, int(hour) * 60 + int(minute))


def choose(names: Collection[str], available: Mapping[str, Recipe]) -> list[Recipe]:
    """The recipes of these names in this order; all that are available, in theirs, when no name is given.

    Raises :class:`RecipeRefused` naming every name that is unknown or there twice.
    """
    names = list(names) or list(available)
    wrong = [
        f"there is no recipe {name}{did_you_mean(name, available)}"
        for name in dict.fromkeys(names)
        if name not in available
    ]
    wrong += [f"{name} is named more than once" for name in dict.fromkeys(names) if names.count(name) > 1]
    if wrong:
        raise RecipeRefused(f"{listed(wrong, sign='; ')}; recipes are {listed(available)}")
    return [available[name] for name in names]


def check_columns(recipes: Iterable[Recipe], available: Collection[str]) -> None:
    """Raises :class:`RecipeRefused` naming every column that a recipe needs and the bars do not have, and every column
    that has the name of what a recipe asks of the clock."""
    recipes = list(recipes)
    unclear = [
        f"recipe {recipe.name} reads {word} from the clock, and the bars have a column of that name"
        for recipe in recipes
        for word in recipe.signature.clock_words
        if word in available
    ]
    if unclear:
        raise RecipeRefused(f"{listed(unclear, sign='; ')}: rename the column in the yearly files")
    wrong = [
        f"recipe {recipe.name} needs the column {column}{did_you_mean(column, available)}"
        for recipe in recipes
        for column in recipe.signature.columns
        if column not in available
    ]
    if wrong:
        raise RecipeRefused(
            f"the bars lack columns: {listed(wrong, sign='; ')}; they have {listed(available)}: "
            "add the column to the yearly files, or leave the recipe out"
        )
