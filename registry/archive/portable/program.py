"""A program: a data-only form of several steps, for estimators that are more than one scaler and trees or a line.

``form.json`` lists the steps. Each has a kind of :data:`KINDS`, arrays, and the numbers of the values that it reads: 0
is the model's input, *n* what the *n*-th step gave. A step can only read what stands before it, so there is no circle;
what it reads is put side by side, shape (n, width). The last value, of one column, is the probability of up.

A kind is arithmetic of this module: a program holds no names of functions and no code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.archive.portable.form import HEAD, RULE_OF_PROGRAM
from registry.archive.portable.npy import from_npy, to_npy
from registry.archive.portable.preorder import Trees, Walk, walkable
from registry.errors import FormatTooNew, InputMismatch, UnsafeArtifact
from registry.format.entries import canonical

FORMAT = 2
"""Of ``form.json``: a reader that knows format 1 alone refuses a program by this number."""
MAX_STEPS = 500
MAX_WIDTH = 1 << 15
"""Columns of all values together, and of what one step reads: what a row may take is bounded before anything runs."""
_CHUNK = 2048
"""Rows that go through a program at once: the values between its steps stay small."""

FloatArray = npt.NDArray[np.float64]
Floats = npt.NDArray[Any]
Arrays = Mapping[str, npt.NDArray[Any]]

_EXP = np.frompyfunc(math.exp, 1, 1)
_LARGEST_POWER = 709.0  # math.exp raises where C gives infinity, from 709.8 on

_EDGE = 1e-7
"""Of scikit-learn's ``QuantileTransformer`` (``BOUNDS_THRESHOLD``): how near to an end a value counts as the end."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step: its kind, which values it reads, its arrays by name, and the few plain values of its kind."""

    kind: str
    reads: tuple[int, ...]
    arrays: Arrays = field(default_factory=dict)
    says: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def walk(self) -> Walk:
        """The trees laid out, for the kind ``trees``; :class:`UnsafeArtifact` where they are none."""
        arrays = self.arrays
        trees = Trees(arrays["feature"], arrays["threshold"], arrays["value"])
        return walkable(trees, count=self.says["trees"], width=self.says["width"])


@dataclass(frozen=True)
class StepKind:
    """What a kind of step holds and does.

    ``arrays``: for each name its dtypes and dimensions; ``says``: for each plain value those that are allowed, or the
    type ``int``. ``width(step, wide)`` is how many columns it gives for ``wide`` read, or None where the arrays do not
    fit together; ``run(step, x)`` computes them.
    """

    arrays: Mapping[str, tuple[tuple[str, ...], int]]
    says: Mapping[str, Any]
    width: Callable[[Step, int], int | None]
    run: Callable[[Step, Floats], Floats]


@dataclass(frozen=True, eq=False)
class Program:
    """Steps over rows of so many ``features``. Made by :func:`read`, which checks every bound."""

    features: int
    steps: tuple[Step, ...]
    rule: str = RULE_OF_PROGRAM

    def up(self, x: FloatArray) -> FloatArray:
        """The scores, shape (n,), of the model's input ``x``: (n, features), as ``InputSchema.matrix`` gives it.

        Raises :class:`InputMismatch` as :meth:`taken` does.
        """
        x = self.taken(x)
        parts = [self._chunk(x[first : first + _CHUNK]) for first in range(0, len(x), _CHUNK)]
        return np.concatenate(parts) if parts else np.empty(0)

    def taken(self, x: FloatArray) -> FloatArray:
        """``x`` after a check: :class:`InputMismatch` for another width, or numbers that are not finite."""
        if x.ndim != 2 or x.shape[1] != self.features:
            raise InputMismatch(f"the model takes {self.features} features, not an input of shape {x.shape}")
        x = np.ascontiguousarray(x, dtype=np.float64)
        if not np.isfinite(x).all():
            raise InputMismatch(f"the model takes finite numbers; as {x.dtype} the input has others")
        return x

    def members(self) -> dict[str, bytes]:
        """The form as members of an archive: equal forms give equal bytes."""
        steps = [{"kind": step.kind, "reads": list(step.reads), "says": dict(step.says)} for step in self.steps]
        head = {"format": FORMAT, "rule": RULE_OF_PROGRAM, "features": self.features, "steps": steps}
        files = {
            _member(place, name): to_npy(array)
            for place, step in enumerate(self.steps, 1)
            for name, array in step.arrays.items()
        }
        return {HEAD: canonical(head), **files}

    def _chunk(self, x: FloatArray) -> FloatArray:
        values: list[Floats] = [x]
        with np.errstate(all="ignore"):  # what is no probability in the end is refused by the archive
            for step in self.steps:
                values.append(KINDS[step.kind].run(step, _side_by_side([values[number] for number in step.reads])))
        return np.ascontiguousarray(values[-1][:, 0], dtype=np.float64)


def read(members: Mapping[str, bytes], features: int) -> Program:
    """The program in ``members``, whole and within bounds: running it reads nothing outside its arrays.

    Raises :class:`UnsafeArtifact` that says what is wrong, :class:`FormatTooNew` for a later format.
    """
    listed = _listed(members.get(HEAD, b""), features)
    wanted = {HEAD, *(_member(place, name) for place, (kind, _, _) in enumerate(listed, 1) for name in kind.arrays)}
    if set(members) != wanted:
        raise UnsafeArtifact(f"the data-only form should hold {sorted(wanted)}, it holds {sorted(members)}; not loaded")
    steps: list[Step] = []
    widths = [features]
    for place, (kind, name, described) in enumerate(listed, 1):
        arrays = {each: from_npy(members[_member(place, each)], _member(place, each)) for each in kind.arrays}
        step = Step(name, tuple(described["reads"]), arrays, described["says"])
        widths.append(_checked(step, place, widths))
        steps.append(step)
    if widths[-1] != 1:
        raise UnsafeArtifact(f"the last step of the data-only form gives {widths[-1]} columns, not 1; not loaded")
    return Program(features, tuple(steps))


def _listed(data: bytes, features: int) -> list[tuple[StepKind, str, dict[str, Any]]]:
    """The steps as they are described, each with its kind; only arrays are left to check."""
    try:
        head = json.loads(data)
        if head["format"] > FORMAT:
            raise FormatTooNew(f"the data-only form has format {head['format']}: upgrade this package")
        width, described = head["features"], head["steps"]
        if type(width) is not int or width != features:
            raise UnsafeArtifact(
                f"the data-only form takes {str(width)[:20]} features, the signature has {features}; not loaded"
            )
        if not isinstance(described, list) or not 1 <= len(described) <= MAX_STEPS:
            raise UnsafeArtifact(f"the data-only form is a list of 1 to {MAX_STEPS} steps; not loaded")
        return [_described(place, each) for place, each in enumerate(described, 1)]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UnsafeArtifact(f"{HEAD} of the data-only form is unreadable ({error}); not loaded") from error


def _described(place: int, described: dict[str, Any]) -> tuple[StepKind, str, dict[str, Any]]:
    name, reads, says = described["kind"], described["reads"], described["says"]
    where = f"step {place} of the data-only form"
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise UnsafeArtifact(f"{where} is of the kind {str(name)[:40]}: there is no such kind; not loaded")
    if not isinstance(reads, list) or not 1 <= len(reads) <= MAX_STEPS:
        raise UnsafeArtifact(f"{where} reads {str(reads)[:40]}, not a list of values; not loaded")
    if not all(type(number) is int and 0 <= number < place for number in reads):
        raise UnsafeArtifact(f"{where} reads a value that does not stand before it: {str(reads)[:40]}; not loaded")
    if not isinstance(says, dict) or set(says) != set(kind.says):
        raise UnsafeArtifact(f"{where} ({name}) says {str(says)[:60]}, expected {sorted(kind.says)}; not loaded")
    for key, allowed in kind.says.items():
        fits = type(says[key]) is int and says[key] >= 1 if allowed is int else says[key] in allowed
        if not fits or isinstance(says[key], bool):
            raise UnsafeArtifact(f"{where} ({name}) says {key} = {str(says[key])[:40]}: no such value; not loaded")
    return kind, name, described


def _checked(step: Step, place: int, widths: Sequence[int]) -> int:
    """How many columns a step gives; :class:`UnsafeArtifact` where its arrays are not what its kind says."""
    kind, where = KINDS[step.kind], f"step {place} ({step.kind}) of the data-only form"
    for name, (dtypes, dimensions) in kind.arrays.items():
        array = step.arrays[name]
        if array.dtype.str not in dtypes or array.ndim != dimensions:
            raise UnsafeArtifact(
                f"{_member(place, name)} is {array.dtype.str} of shape {array.shape}, expected {' or '.join(dtypes)} "
                f"of {dimensions} dimensions; not loaded"
            )
        if name != "threshold" and not np.isfinite(array).all():
            raise UnsafeArtifact(f"{_member(place, name)} holds a number that is not finite; not loaded")
    wide = sum(widths[number] for number in step.reads)
    given = kind.width(step, wide) if wide <= MAX_WIDTH else None
    if given is None:
        raise UnsafeArtifact(f"{where} cannot take {wide} columns: its arrays do not fit them; not loaded")
    if given < 1 or sum(widths) + given > MAX_WIDTH:
        raise UnsafeArtifact(f"{where} gives {given} columns: 1 to {MAX_WIDTH} of all steps together; not loaded")
    return given


def _member(place: int, name: str) -> str:
    return f"{place:03d}_{name}.npy"


def _side_by_side(parts: Sequence[Floats]) -> Floats:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


# --- the kinds ------------------------------------------------------------------------------------------------------


def logistic(score: Floats) -> FloatArray:
    """``1 / (1 + e^-score)``; a score below -709 is a probability of 0."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(score, np.float64))))


def last_logistic(score: Floats) -> FloatArray:
    """The same with the exponential of C's library, which LightGBM, CatBoost and SciPy use: numpy's own differs in some
    last bits. Slower, so not for layers."""
    power = np.minimum(-np.asarray(score, np.float64), _LARGEST_POWER)
    grown = np.asarray(_EXP(power), np.float64)
    return np.asarray(np.where(power < _LARGEST_POWER, 1.0 / (1.0 + grown), 0.0 * score))


def _same_width(step: Step, wide: int) -> int | None:
    return wide


def _scaled_width(step: Step, wide: int) -> int | None:
    mean, scale = step.arrays["mean"], step.arrays["scale"]
    return wide if mean.shape == scale.shape == (wide,) and scale.all() else None


def _scaled(step: Step, x: Floats) -> Floats:
    return (x - step.arrays["mean"]) / step.arrays["scale"]


def _quantiles_width(step: Step, wide: int) -> int | None:
    quantiles, references = step.arrays["quantiles"], step.arrays["references"]
    whole = quantiles.shape == (len(references), wide) and len(references) >= 2
    rising = whole and (np.diff(quantiles, axis=0) >= 0).all() and (np.diff(references) > 0).all()
    return wide if rising and references[0] >= 0 and references[-1] <= 1 else None


def _quantiles(step: Step, x: Floats) -> Floats:
    """scikit-learn's ``QuantileTransformer``: the mean of interpolating from both sides, where quantiles repeat."""
    quantiles, references = step.arrays["quantiles"], step.arrays["references"]
    normal = step.says["to"] == "normal"
    result = np.empty_like(x, dtype=np.float64)
    for place in range(x.shape[1]):
        column, known = x[:, place], quantiles[:, place]
        edge = _EDGE if normal else 0.0
        low, high = column - edge < known[0], column + edge > known[-1]
        if not normal:
            low, high = column == known[0], column == known[-1]
        share = 0.5 * (np.interp(column, known, references) - np.interp(-column, -known[::-1], -references[::-1]))
        share[high] = 1.0
        share[low] = 0.0
        result[:, place] = _normal(share) if normal else share
    return result


def _normal(share: FloatArray) -> FloatArray:
    """The normal quantiles of shares, cut off where scikit-learn does. From the standard library: no SciPy to serve."""
    from statistics import NormalDist  # takes longer to import than all of this module

    least = _EDGE - np.spacing(1)
    inside = np.clip(share, least, 1 - least)
    return np.asarray(np.frompyfunc(NormalDist().inv_cdf, 1, 1)(inside), np.float64)


def _dense_width(step: Step, wide: int) -> int | None:
    weight, bias = step.arrays["weight"], step.arrays["bias"]
    return len(bias) if weight.shape == (wide, len(bias)) else None


_ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "identity": lambda x: x,
    "logistic": logistic,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
}


def _dense(step: Step, x: Floats) -> Floats:
    return _ACTIVATIONS[step.says["activation"]](x @ step.arrays["weight"] + step.arrays["bias"])


def _trees_width(step: Step, wide: int) -> int | None:
    value, start = step.arrays["value"], step.arrays["start"]
    if step.says["width"] != wide or start.shape != (1,) or start.dtype != value.dtype:
        return None
    _ = step.walk  # refuses what is no trees
    return 1


def _trees(step: Step, x: Floats) -> Floats:
    dtype = step.arrays["threshold"].dtype
    with np.errstate(over="ignore"):
        x = np.ascontiguousarray(x, dtype=dtype)
    if not np.isfinite(x).all():
        raise InputMismatch(f"the model takes finite numbers; as {dtype} the input has others")
    sums = step.walk.sums(x, step.arrays["start"][0])
    return (sums / step.says["trees"] if step.says["of"] == "mean" else sums)[:, None]


def _interpolated_width(step: Step, wide: int) -> int | None:
    known, value = step.arrays["known"], step.arrays["value"]
    fits = wide == 1 and known.shape == value.shape and len(known) and (np.diff(known) >= 0).all()
    return 1 if fits else None


def _interpolated(step: Step, x: Floats) -> Floats:
    return np.interp(x[:, 0], step.arrays["known"], step.arrays["value"])[:, None]


def _mixed_width(step: Step, wide: int) -> int | None:
    weight = step.arrays["weight"]
    return 1 if weight.shape == (wide,) and (weight >= 0).all() and weight.any() else None


def _mixed(step: Step, x: Floats) -> Floats:
    """The weighted mean of the columns, added in their order: of probabilities it is never above 1."""
    weight = step.arrays["weight"]
    return np.asarray(np.add.accumulate(x * weight, axis=1)[:, -1:] / np.add.accumulate(weight)[-1])


_F8: tuple[str, ...] = ("<f8",)
_EITHER: tuple[str, ...] = ("<f4", "<f8")

KINDS: Mapping[str, StepKind] = {
    "scaled": StepKind({"mean": (_F8, 1), "scale": (_F8, 1)}, {}, _scaled_width, _scaled),
    "quantiles": StepKind(
        {"quantiles": (_F8, 2), "references": (_F8, 1)}, {"to": ("uniform", "normal")}, _quantiles_width, _quantiles
    ),
    "dense": StepKind(
        {"weight": (_F8, 2), "bias": (_F8, 1)}, {"activation": tuple(_ACTIVATIONS)}, _dense_width, _dense
    ),
    "trees": StepKind(
        {"feature": (("<i2",), 1), "threshold": (_EITHER, 1), "value": (_EITHER, 1), "start": (_EITHER, 1)},
        {"trees": int, "width": int, "of": ("sum", "mean")},
        _trees_width,
        _trees,
    ),
    "logistic": StepKind({}, {}, _same_width, lambda step, x: last_logistic(x)),
    "joined": StepKind({}, {}, _same_width, lambda step, x: x),
    "clipped": StepKind({}, {}, _same_width, lambda step, x: (np.clip(x, -1, 1) + 1.0) / 2.0),
    "interpolated": StepKind({"known": (_F8, 1), "value": (_F8, 1)}, {}, _interpolated_width, _interpolated),
    "mixed": StepKind({"weight": (_F8, 1)}, {}, _mixed_width, _mixed),
}
"""Every kind of step. A new one raises :data:`FORMAT`."""
