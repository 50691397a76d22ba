"""Writing a program: one step after another, each given back as a value that later steps may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.archive.portable.program import KINDS, Program, Step
from registry.errors import NotPortable


@dataclass(frozen=True)
class Value:
    """What a step gives, or the model's input: its number in the program and how many columns it has."""

    number: int
    width: int


@dataclass(frozen=True)
class Converted:
    """A converted estimator: the probability of up, and the score behind it (its ``decision_function``).

    Either may be None where the estimator has none.
    """

    up: Value | None
    score: Value | None = None


Convert = Callable[["Writer", Any, Value], Converted]


@dataclass(frozen=True)
class Converter:
    """How the estimators of one class become steps.

    ``name``: the package and the class, ``lightgbm.LGBMClassifier``; ``agrees``: the largest difference from the
    estimator's own probabilities that is allowed on any row; ``form``: what becomes of it, for the page that lists all.
    """

    name: str
    convert: Convert
    agrees: float
    form: str


class Writer:
    """A program being written. ``x`` is the model's input."""

    def __init__(self, features: int, find: Callable[[Any], Converter]) -> None:
        self.x = Value(0, features)
        self.agrees = 0.0
        self._features = features
        self._find = find
        self._steps: list[Step] = []

    def step(
        self,
        kind: str,
        reads: Value | Sequence[Value],
        arrays: Mapping[str, npt.ArrayLike] | None = None,
        says: Mapping[str, Any] | None = None,
    ) -> Value:
        """A step of one of the kinds of :data:`~registry.archive.portable.program.KINDS`.

        Arrays of whole numbers and Python's lists become float64. Raises :class:`NotPortable` where they do not fit.
        """
        read = [reads] if isinstance(reads, Value) else list(reads)
        made = {name: _plain(array) for name, array in (arrays or {}).items()}
        step = Step(kind, tuple(value.number for value in read), made, dict(says or {}))
        if set(made) != set(KINDS[kind].arrays):
            raise NotPortable(f"a step {kind} has the arrays {sorted(KINDS[kind].arrays)}, not {sorted(made)}")
        wide = sum(value.width for value in read)
        width = KINDS[kind].width(step, wide)
        if width is None:
            raise NotPortable(f"the arrays of a step {kind} do not fit the {wide} columns that it reads")
        self._steps.append(step)
        return Value(len(self._steps), width)

    def dense(
        self, reads: Value | Sequence[Value], weight: npt.ArrayLike, bias: npt.ArrayLike, activation: str = "identity"
    ) -> Value:
        """``activation(x @ weight + bias)``; ``weight`` (columns, outputs), ``bias`` (outputs,)."""
        return self.step("dense", reads, {"weight": weight, "bias": bias}, {"activation": activation})

    def trees(self, reads: Value, arrays: Mapping[str, npt.NDArray[Any]], start: Any = 0.0, of: str = "sum") -> Value:
        """The ``sum`` of trees after ``start``, or their ``mean``; ``arrays`` as of :mod:`~..tree_arrays`."""
        inner = int((arrays["feature"] >= 0).sum())
        count = len(arrays["feature"]) - 2 * inner  # a tree has one leaf more than inner nodes
        says = {"trees": count, "width": reads.width, "of": of}
        first = np.asarray([start], arrays["value"].dtype)
        return self.step("trees", reads, {**arrays, "start": first}, says)

    def logistic(self, reads: Value) -> Value:
        """``1 / (1 + e^-x)`` of every column."""
        return self.step("logistic", reads)

    def mixed(self, reads: Sequence[Value], weight: npt.ArrayLike | None = None) -> Value:
        """The weighted mean of columns; of equal weights without ``weight``."""
        return self.step("mixed", reads, {"weight": np.ones(len(reads)) if weight is None else weight})

    def joined(self, reads: Sequence[Value]) -> Value:
        """Several values side by side."""
        return reads[0] if len(reads) == 1 else self.step("joined", reads)

    def inner(self, estimator: Any, reads: Value) -> Converted:
        """An estimator inside this one, by its own converter."""
        converter = self._find(estimator)
        self.agrees = max(self.agrees, converter.agrees)
        return converter.convert(self, estimator, reads)

    def up(self, estimator: Any, reads: Value) -> Value:
        """The probability that an inner estimator gives; :class:`NotPortable` where it gives none."""
        up = self.inner(estimator, reads).up
        if up is None:
            raise NotPortable(f"{type(estimator).__name__} with these parameters gives no probabilities")
        return up

    def program(self, last: Value) -> Program:
        """What was written, ``last`` its result."""
        if last.number != len(self._steps):
            raise NotPortable("the probability is not what the last step gives")
        return Program(self._features, tuple(self._steps))


def _plain(array: npt.ArrayLike) -> npt.NDArray[Any]:
    made = np.asarray(array)
    return made if made.dtype.str in ("<f4", "<i2") else made.astype(np.float64)
