"""What a served version expects: feature expressions over named columns, stored with it as data.

    schema = InputSchema(("rsi_14", "(close_15m - ema_20) / atr_14"))
    schema.columns              # ("rsi_14", "close_15m", "ema_20", "atr_14")
    schema.matrix(frame)        # float64 array (n, 2), or InputMismatch with everything that is wrong

A feature is one of four forms and nothing else; it is parsed, never evaluated as code:

    a            a - b            a / b            (a - b) / c

Training and serving build a model's input through this one function, so they cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from registry.errors import InputMismatch, InvalidRequest

if TYPE_CHECKING:
    import pandas as pd

    Columns = Mapping[str, npt.ArrayLike] | pd.DataFrame

FloatArray = npt.NDArray[np.float64]

_COLUMN = "[A-Za-z_][A-Za-z0-9_]{0,63}"
_FORMS = re.compile(
    rf" *(?:\( *(?P<minuend>{_COLUMN}) *- *(?P<subtrahend>{_COLUMN}) *\) */ *(?P<divisor>{_COLUMN})"
    rf"|(?P<left>{_COLUMN})(?: *(?P<sign>[-/]) *(?P<right>{_COLUMN}))?) *"
)


@dataclass(frozen=True)
class Feature:
    """``(column - subtracted) / divisor``, the last two may be absent; ``str()`` is its one canonical spelling."""

    column: str
    subtracted: str | None = None
    divisor: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The feature that ``text`` spells; :class:`InvalidRequest` if it is none of the four forms or is constant."""
        match = _FORMS.fullmatch(text)
        if match is None:
            raise InvalidRequest(
                f"feature {text!r} is not understood: write a column (rsi_14), a difference (close_15m - ema_20), "
                "a ratio (atr_14 / close_15m) or a difference over a column ((close_15m - ema_20) / atr_14)"
            )
        part = match.groupdict()
        if part["minuend"]:
            feature = cls(part["minuend"], part["subtrahend"], part["divisor"])
        else:
            feature = cls(
                part["left"],
                subtracted=part["right"] if part["sign"] == "-" else None,
                divisor=part["right"] if part["sign"] == "/" else None,
            )
        if feature.column == feature.subtracted or (feature.subtracted is None and feature.column == feature.divisor):
            raise InvalidRequest(f"feature {text!r} is the same for every bar: name two different columns")
        return feature

    def __str__(self) -> str:
        difference = self.column if self.subtracted is None else f"{self.column} - {self.subtracted}"
        if self.divisor is None:
            return difference
        return f"{difference if self.subtracted is None else f'({difference})'} / {self.divisor}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads, in order of first use."""
        named = (name for name in (self.column, self.subtracted, self.divisor) if name is not None)
        return tuple(dict.fromkeys(named))

    def values(self, columns: Mapping[str, FloatArray]) -> FloatArray:
        """The feature, shape (n,); a division by zero gives a value that is not finite, without a warning."""
        result = columns[self.column]
        with np.errstate(all="ignore"):
            if self.subtracted is not None:
                result = result - columns[self.subtracted]
            if self.divisor is not None:
                result = result / columns[self.divisor]
        return result


@dataclass(frozen=True)
class InputSchema:
    """A model's inputs in order, each a feature expression (kept in its canonical spelling).

    Raises :class:`InvalidRequest` when there is no feature, one is not understood, or one is there twice.
    """

    features: tuple[str, ...]

    def __post_init__(self) -> None:
        features: object = self.features  # what a file or a caller without types hands in
        if not isinstance(features, tuple | list) or not all(isinstance(text, str) for text in features):
            raise InvalidRequest(f"features are a list of expressions, not {features!r}")
        canonical = tuple(str(Feature.parse(text)) for text in self.features)
        if not canonical:
            raise InvalidRequest("a model needs at least one feature")
        twice = sorted({text for text in canonical if canonical.count(text) > 1})
        if twice:
            raise InvalidRequest(f"named more than once: {', '.join(twice)}; name each feature once")
        object.__setattr__(self, "features", canonical)

    @cached_property
    def parsed(self) -> tuple[Feature, ...]:
        """The features as parts."""
        return tuple(Feature.parse(text) for text in self.features)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The raw columns needed, in order of first use."""
        return tuple(dict.fromkeys(name for feature in self.parsed for name in feature.columns))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """One dtype for each of ``columns``: what the model was trained on."""
        return ("float64",) * len(self.columns)

    def to_dict(self) -> dict[str, list[str]]:
        """JSON form; :meth:`from_dict` reads it."""
        return {"features": list(self.features), "columns": list(self.columns), "dtypes": list(self.dtypes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The schema that :meth:`to_dict` wrote.

        Raises :class:`InvalidRequest` for anything else: a field that this reader does not know could change what
        the model is given, so it is refused and not skipped.
        """
        if "features" not in values:
            raise InvalidRequest(f"a signature holds features, columns and dtypes, not {sorted(values)}")
        signature = cls(values["features"])
        expected = signature.to_dict()
        wrong = sorted(key for key in expected.keys() | values.keys() if values.get(key) != expected.get(key))
        if wrong:
            raise InvalidRequest(
                f"the signature's {', '.join(wrong)} do not follow from its features: "
                "it was edited, or written by a newer version of this package"
            )
        return signature

    def matrix(self, columns: Columns) -> FloatArray:
        """The model's input, float64 of shape (n, number of features), C-contiguous.

        ``columns`` maps each name in :attr:`columns` to n numbers; others are left alone. Raises
        :class:`InputMismatch` that lists every missing column, every column that is not numbers or not finite,
        unequal lengths, and every feature that a zero divisor (or an overflow) makes infinite, with its first row.
        """
        labels = getattr(columns, "index", None)  # a frame's: a bar is found by its time, not by its place
        numbers = self._checked(cast("Mapping[str, npt.ArrayLike]", columns), labels)
        rows = len(numbers[self.columns[0]])
        result = np.empty((rows, len(self.parsed)), dtype=np.float64)
        for place, feature in enumerate(self.parsed):
            result[:, place] = feature.values(numbers)
        if not np.isfinite(result).all():
            raise _mismatch(
                _why_infinite(feature, numbers, result[:, place], labels)
                for place, feature in enumerate(self.parsed)
                if not np.isfinite(result[:, place]).all()
            )
        return result

    def _checked(self, columns: Mapping[str, npt.ArrayLike], labels: Any) -> dict[str, FloatArray]:
        numbers: dict[str, FloatArray] = {}
        faults: list[str] = []
        for name in self.columns:
            if name not in columns:
                faults.append(f"column {name} is missing")
                continue
            values = np.asarray(columns[name])
            fault = _column_fault(name, values, labels)
            if fault is None:
                numbers[name] = values.astype(np.float64, copy=False)
            else:
                faults.append(fault)
        lengths = {name: len(column) for name, column in numbers.items()}
        if len(set(lengths.values())) > 1:
            faults.append(f"columns differ in length: {', '.join(f'{name} {rows}' for name, rows in lengths.items())}")
        if faults:
            raise _mismatch(faults)
        return numbers


def _column_fault(name: str, values: npt.NDArray[Any], labels: Any) -> str | None:
    if values.ndim != 1:
        return f"column {name} has the shape {values.shape}, expected one number a row"
    # Text that looks like a number, a bool or a wider float would have to be guessed or rounded: refused.
    if values.dtype.kind not in "iuf" or not np.can_cast(values.dtype, np.float64):
        return f"column {name} is {values.dtype}, expected float64"
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        first = row_name(int(wrong[0]), labels)
        return f"column {name} is {values[wrong[0]]} at {first} ({len(wrong)} such of {len(values)} rows)"
    return None


def _why_infinite(feature: Feature, numbers: Mapping[str, FloatArray], values: FloatArray, labels: Any) -> str:
    row = int(np.flatnonzero(~np.isfinite(values))[0])
    by_zero = feature.divisor is not None and numbers[feature.divisor][row] == 0.0
    reason = f"{feature.divisor} is 0" if by_zero else "the result overflows"
    return f"feature {feature} cannot be computed at {row_name(row, labels)}: {reason}"


def row_name(row: int, labels: Any) -> str:
    """A row in a message; in a frame with its label where that is another: ``row 17 (2024-04-26 13:15:00+00:00)``."""
    try:
        label = str(labels[row])
    except (TypeError, LookupError):  # no frame
        return f"row {row}"
    return f"row {row}" if label == str(row) else f"row {row} ({label[:60]})"


def _mismatch(faults: Iterable[str]) -> InputMismatch:
    return InputMismatch(
        f"the columns do not fit the model: {'; '.join(faults)} "
        "(rows are counted from 0; hand in the columns that it was trained on, finite and as float64)"
    )
