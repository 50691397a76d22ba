"""The data-only form: an optional scaler, trees or a line, and the rule that makes a probability of their score."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from registry.archive.portable.npy import from_npy, to_npy
from registry.archive.portable.preorder import Trees, Walk, walkable
from registry.errors import FormatTooNew, InputMismatch, UnsafeArtifact
from registry.format.entries import canonical

FORMAT = 1
HEAD = "form.json"

RULE_OF_PROGRAM = "steps"
"""What ``form.json`` says of a :mod:`~registry.archive.portable.program` instead of a :data:`Rule`."""

FloatArray = npt.NDArray[np.float64]
Rule = Literal["mean", "logistic", "linear"]
"""``mean`` of the trees' values; ``logistic`` of ``intercept`` plus their sum; logistic of a ``linear`` score."""


@dataclass(frozen=True, eq=False)
class PortableModel:
    """Arrays by name, what they mean, and predicting from them. Made by :func:`read`, which checks every bound.

    ``mean``, ``scale``: float64 (features,), a scaler's, each may be absent; ``coefficient``: float64 (features,);
    ``intercept``: float64 (1,); ``feature``, ``threshold``, ``value``: those of :class:`~.preorder.Trees`.
    """

    rule: Rule
    features: int
    trees: int
    arrays: Mapping[str, npt.NDArray[Any]]

    def up(self, x: FloatArray) -> FloatArray:
        """The scores, shape (n,), of the model's input ``x``: (n, features), as ``InputSchema.matrix`` gives it.

        Raises :class:`InputMismatch` as :meth:`taken` does.
        """
        return self._probability(self.taken(x))

    def taken(self, x: FloatArray) -> npt.NDArray[Any]:
        """``x`` scaled, as the trees or the line take it.

        Raises :class:`InputMismatch` for another width, or numbers that are not finite (in float32 for trees that
        compare in it, as scikit-learn's forests do).
        """
        if x.ndim != 2 or x.shape[1] != self.features:
            raise InputMismatch(f"the model takes {self.features} features, not an input of shape {x.shape}")
        if "mean" in self.arrays:
            x = x - self.arrays["mean"]
        if "scale" in self.arrays:
            x = x / self.arrays["scale"]
        with np.errstate(over="ignore"):
            if self.rule != "linear":
                x = np.ascontiguousarray(x, dtype=self.arrays["threshold"].dtype)
            if not np.isfinite(x).all():
                raise InputMismatch(f"the model takes finite numbers; as {x.dtype} the input has others")
        return x

    def members(self) -> dict[str, bytes]:
        """The form as members of an archive: equal forms give equal bytes."""
        head = {"format": FORMAT, "rule": self.rule, "features": self.features, "trees": self.trees}
        files = {f"{name}.npy": to_npy(array) for name, array in self.arrays.items()}
        return {HEAD: canonical(head | {"arrays": sorted(self.arrays)}), **files}

    def _probability(self, x: npt.NDArray[Any]) -> FloatArray:
        if self.rule == "mean":
            return np.asarray(self.walk.sums(x, 0.0) / self.trees)
        start = float(self.arrays["intercept"][0])
        with np.errstate(over="ignore", invalid="ignore"):  # a score below -709 is a probability of 0
            score = x @ self.arrays["coefficient"] + start if self.rule == "linear" else self.walk.sums(x, start)
            return np.asarray(1.0 / (1.0 + np.exp(-score)))

    @cached_property
    def walk(self) -> Walk:
        """The trees laid out; :class:`UnsafeArtifact` where they are none."""
        arrays = self.arrays
        trees = Trees(arrays["feature"], arrays["threshold"], arrays["value"])
        return walkable(trees, count=self.trees, width=self.features)


def says_program(members: Mapping[str, bytes]) -> bool:
    """Whether these members of an archive say that they are a program; nothing else of them is read."""
    try:
        head = json.loads(members.get(HEAD, b""))
        return bool(head["rule"] == RULE_OF_PROGRAM)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def read(members: Mapping[str, bytes], features: int) -> PortableModel:
    """The form in ``members``, whole and within bounds: predicting from it reads nothing outside its arrays.

    Raises :class:`UnsafeArtifact` that says what is wrong, :class:`FormatTooNew` for a later format.
    """
    rule, trees, names = _head(members.get(HEAD, b""), features)
    if set(members) != {HEAD, *(f"{name}.npy" for name in names)}:
        raise UnsafeArtifact(f"the data-only form should hold {sorted(names)}, it holds {sorted(members)}; not loaded")
    arrays = {name: from_npy(members[f"{name}.npy"], f"{name}.npy") for name in names}
    _check(rule, features, arrays)
    form = PortableModel(rule, features, trees, arrays)
    if rule != "linear":
        _ = form.walk
    return form


def _head(data: bytes, features: int) -> tuple[Rule, int, list[str]]:
    try:
        head = json.loads(data)
        if head["format"] > FORMAT:
            raise FormatTooNew(f"the data-only form has format {head['format']}: upgrade this package")
        rule, width, trees, names = head["rule"], head["features"], head["trees"], head["arrays"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UnsafeArtifact(f"{HEAD} of the data-only form is unreadable ({error}); not loaded") from error
    if rule not in get_args(Rule) or type(width) is not int or type(trees) is not int or trees < (rule != "linear"):
        raise UnsafeArtifact(f"{HEAD} of the data-only form says {data[:80]!s}: no such form; not loaded")
    if width != features:
        raise UnsafeArtifact(f"the data-only form takes {width} features, the signature has {features}; not loaded")
    if not isinstance(names, list) or not all(type(name) is str for name in names):
        raise UnsafeArtifact(f"{HEAD} of the data-only form lists no names of arrays: {str(names)[:80]}; not loaded")
    if len(set(names)) != len(names) or sorted(set(names) - {"mean", "scale"}) != sorted(_needed(rule)):
        raise UnsafeArtifact(f"the data-only form lists the arrays {names}; not loaded")
    return rule, trees, names


def _needed(rule: Rule) -> tuple[str, ...]:
    if rule == "linear":
        return "coefficient", "intercept"
    return ("feature", "threshold", "value") if rule == "mean" else ("feature", "threshold", "value", "intercept")


def _check(rule: Rule, features: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    lengths = {"mean": features, "scale": features, "coefficient": features, "intercept": 1}
    dtypes = {"feature": ("<i2",), "threshold": ("<f4", "<f8")}
    for name, array in arrays.items():
        if array.dtype.str not in dtypes.get(name, ("<f8",)) or array.shape != (lengths.get(name, array.size),):
            raise UnsafeArtifact(f"{name}.npy is {array.dtype.str} of shape {array.shape}; not loaded")
        if name in lengths and not np.isfinite(array).all():
            raise UnsafeArtifact(f"{name}.npy holds a number that is not finite; not loaded")
    if "scale" in arrays and not arrays["scale"].all():
        raise UnsafeArtifact("scale.npy holds a zero; not loaded")
    if rule == "mean" and not ((arrays["value"] >= 0) & (arrays["value"] <= 1)).all():
        raise UnsafeArtifact("a leaf's probability is outside 0 to 1; not loaded")
