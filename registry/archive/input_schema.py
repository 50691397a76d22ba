"""What a served version expects: feature expressions over named columns, stored with it as data.

    schema = InputSchema(("rsi_14", "(close_15m - ema_20) / atr_14"))
    schema.columns              # ("rsi_14", "close_15m", "ema_20", "atr_14")
    schema.matrix(frame)        # float64 array (n, 2), or InputMismatch with everything that is wrong

A feature is parsed, never evaluated as code. Four plain forms read the bar itself:

    a            a - b            a / b            (a - b) / c

Everything else is an expression of :mod:`registry.features`, which may look back on bars before it, as
``lag(rsi_14, 1)`` does; that package is loaded by schemas that hold one and by no other.

Training and serving build a model's input through this one function, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from registry.archive.plain_features import WORDS, Feature, feature_of, plain_or_tree, tree_of
from registry.errors import InputMismatch, InvalidRequest

if TYPE_CHECKING:
    import pandas as pd

    from registry.features.grammar import Expression
    from registry.features.inputs import ExpressionInputs
    from registry.features.trading_clock import Minutes, TradingClock

    Columns = Mapping[str, npt.ArrayLike] | pd.DataFrame

FloatArray = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RowsOf:
    """Some rows of bars, for features that look back on the bars before them: ``columns`` hold all bars in their order,
    ``rows`` are those that are asked for, as a mask (n,) or as ascending places."""

    columns: Mapping[str, npt.ArrayLike] | pd.DataFrame
    rows: npt.NDArray[Any]

    @cached_property
    def places(self) -> Places:
        """The rows as places."""
        return np.flatnonzero(self.rows) if self.rows.dtype == np.bool_ else self.rows.astype(np.int64, copy=False)

    @property
    def taken(self) -> Mapping[str, npt.ArrayLike] | pd.DataFrame:
        """The rows alone."""
        if hasattr(self.columns, "iloc"):
            return cast("pd.DataFrame", self.columns).iloc[self.places]
        return {name: np.asarray(column)[self.places] for name, column in self.columns.items()}


@dataclass(frozen=True)
class InputSchema:
    """A model's inputs in order, each a feature expression (kept in its canonical spelling).

    ``clock``: of the bars that expressions look back on; the default is that of GBPUSD in quarters of an hour, and
    plain forms need none. ``words``: what is read as the clock and not as a column.

    Raises :class:`InvalidRequest` when there is no feature, one is not understood, or one is there twice.
    """

    features: tuple[str, ...]
    clock: TradingClock | None = None
    words: frozenset[str] = field(default=WORDS, compare=False, repr=False)

    def __post_init__(self) -> None:
        features: object = self.features  # what a file or a caller without types hands in
        if not isinstance(features, tuple | list) or not all(isinstance(text, str) for text in features):
            raise InvalidRequest(f"features are a list of expressions, not {features!r}")
        self._take(tuple(feature_of(text, self.words) for text in self.features))

    def _take(self, parts: tuple[Feature | Expression, ...]) -> None:
        """Keep the features as these parts."""
        canonical = tuple(map(str, parts))
        if not canonical:
            raise InvalidRequest("a model needs at least one feature")
        twice = sorted({text for text in canonical if canonical.count(text) > 1})
        if twice:
            raise InvalidRequest(f"named more than once: {', '.join(twice)}; name each feature once")
        object.__setattr__(self, "features", canonical)
        self.__dict__["parsed"] = parts
        if all(isinstance(part, Feature) for part in parts):
            object.__setattr__(self, "clock", None)
        elif self.clock is None:
            from registry.features.trading_clock import TradingClock

            object.__setattr__(self, "clock", TradingClock())
        _ = self.inputs

    @classmethod
    def of_plain(cls, features: Iterable[str]) -> Self:
        """The schema of plain forms alone, in which every name is a column: all there was before expressions."""
        texts = tuple(features) if isinstance(features, tuple | list) else features
        schema = cls(texts, words=frozenset())  # type: ignore[arg-type]  # it says itself what it refuses
        if schema.inputs is not None:
            raise InvalidRequest(f"{', '.join(schema.features)}: write columns, their differences and ratios")
        return schema

    @classmethod
    def stored(cls, features: Iterable[str], columns: Iterable[str], clock: TradingClock | None = None) -> Self:
        """The schema of a version whose record holds these features and the columns that they read."""
        return cls(tuple(features), clock, words=WORDS - set(columns))

    @cached_property
    def parsed(self) -> tuple[Feature | Expression, ...]:
        """The features as parts."""
        return tuple(feature_of(text, self.words) for text in self.features)

    @cached_property
    def inputs(self) -> ExpressionInputs | None:
        """What evaluates expressions; None where all features are plain forms."""
        if self.clock is None:
            return None
        from registry.features.inputs import ExpressionInputs

        return ExpressionInputs(tuple(tree_of(part) for part in self.parsed), self.clock)

    @property
    def bars(self) -> int:
        """How many bars an input takes, its own among them: what a caller hands in for one prediction."""
        return 1 if self.inputs is None else self.inputs.bars

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The raw columns needed, in order of first use."""
        return tuple(dict.fromkeys(name for feature in self.parsed for name in feature.columns))

    @property
    def needs_times(self) -> bool:
        """Whether it has to be known when each bar opened."""
        return self.inputs is not None and self.inputs.needs_times

    @property
    def clock_words(self) -> tuple[str, ...]:
        """The words of the clock that the features read."""
        if self.inputs is None:
            return ()
        return tuple(sorted(WORDS & {part.operation for tree in self.inputs.trees for part in tree.parts}))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """One dtype for each of ``columns``: what the model was trained on."""
        return ("float64",) * len(self.columns)

    def to_dict(self) -> dict[str, Any]:
        """JSON form; :meth:`from_dict` reads it."""
        plain = {"features": list(self.features), "columns": list(self.columns), "dtypes": list(self.dtypes)}
        if self.inputs is None:
            return plain
        trees = [tree.to_json() for tree in self.inputs.trees]
        return plain | {"trees": trees, "bars": self.bars, "clock": self.inputs.clock.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The schema that :meth:`to_dict` wrote.

        Raises :class:`InvalidRequest` for anything else: a field that this reader does not know could change what
        the model is given, so it is refused and not skipped.
        """
        if "features" not in values:
            raise InvalidRequest(f"a signature holds features, columns and dtypes, not {sorted(values)}")
        if "trees" in values:
            signature = cls._of_trees(values["trees"], values.get("clock"))
        else:
            signature = cls.of_plain(values["features"])
        expected = signature.to_dict()
        wrong = sorted(key for key in expected.keys() | values.keys() if values.get(key) != expected.get(key))
        if wrong:
            raise InvalidRequest(
                f"the signature's {', '.join(wrong)} do not follow from its features: "
                "it was edited, or written by a newer version of this package"
            )
        return signature

    @classmethod
    def _of_trees(cls, trees: Any, clock: Any) -> Self:
        """From what is stored of expressions: their spelling is made of the trees, and nothing is parsed."""
        from registry.features.grammar import Expression
        from registry.features.trading_clock import TradingClock

        if not isinstance(trees, list):
            raise InvalidRequest(f"the trees of a signature are a list, not {str(trees)[:60]!r}")
        signature = cls.__new__(cls)
        object.__setattr__(signature, "clock", TradingClock.from_dict(clock))
        object.__setattr__(signature, "words", WORDS)
        signature._take(tuple(plain_or_tree(Expression.from_json(tree), WORDS) for tree in trees))
        return signature

    def known(self, columns: Columns | RowsOf) -> npt.NDArray[np.bool_]:
        """For which of all rows the inputs are known, shape (n,): those with enough bars before them.

        Raises :class:`InputMismatch` where times are needed and are not there.
        """
        columns = columns.columns if isinstance(columns, RowsOf) else columns
        if self.inputs is None or self.bars == 1:
            return np.ones(_rows(cast("Mapping[str, npt.ArrayLike]", columns)), np.bool_)
        return self.inputs.known(_opens(columns))

    def matrix(self, columns: Columns | RowsOf) -> FloatArray:
        """The model's input, float64 of shape (n, number of features), C-contiguous.

        ``columns`` maps each name in :attr:`columns` to n numbers; others are left alone. Where features look back
        (:attr:`bars` above 1) the first ``bars - 1`` rows are history and have no input of their own; of
        :class:`RowsOf` there is one for each of its rows. Raises
        :class:`InputMismatch` that lists every missing column, every column that is not numbers or not finite,
        unequal lengths, and every feature that a zero divisor (or an overflow) makes infinite, with its first row.
        """
        if self.inputs is not None:
            return self._looking_back(self.inputs, columns)
        columns = columns.taken if isinstance(columns, RowsOf) else columns
        labels = getattr(columns, "index", None)  # a frame's: a bar is found by its time, not by its place
        numbers = self._checked(cast("Mapping[str, npt.ArrayLike]", columns), labels)
        rows = len(numbers[self.columns[0]])
        result = np.empty((rows, len(self.parsed)), dtype=np.float64)
        plain = cast("tuple[Feature, ...]", self.parsed)
        for place, feature in enumerate(plain):
            result[:, place] = feature.values(numbers)
        if not np.isfinite(result).all():
            raise _mismatch(
                _why_infinite(feature, numbers, result[:, place], labels)
                for place, feature in enumerate(plain)
                if not np.isfinite(result[:, place]).all()
            )
        return result

    def unchecked(self, columns: Columns | RowsOf) -> FloatArray:
        """As :meth:`matrix`, with what cannot be computed as it comes: not finite."""
        if self.inputs is None:
            taken = cast("Mapping[str, npt.ArrayLike]", columns.taken if isinstance(columns, RowsOf) else columns)
            numbers = {name: np.asarray(taken[name], np.float64) for name in self.columns}
            return np.stack([feature.values(numbers) for feature in cast("tuple[Feature, ...]", self.parsed)], axis=1)
        return self._numbers(self.inputs, columns)[0]

    def _looking_back(self, inputs: ExpressionInputs, columns: Columns | RowsOf) -> FloatArray:
        result, places = self._numbers(inputs, columns)
        if not np.isfinite(result).all():
            whole = columns.columns if isinstance(columns, RowsOf) else columns
            labels = getattr(whole, "index", None)
            raise _mismatch(
                f"feature {feature} cannot be computed at "
                f"{row_name(int(places[~np.isfinite(column)][0]), labels)}: a division by zero, a logarithm of what is "
                "not above 0, or an overflow"
                for feature, column in zip(self.features, result.T, strict=True)
                if not np.isfinite(column).all()
            )
        return result

    def _numbers(self, inputs: ExpressionInputs, columns: Columns | RowsOf) -> tuple[FloatArray, Places]:
        """The inputs, unchecked, and at which of all rows they are."""
        whole = columns.columns if isinstance(columns, RowsOf) else columns
        opens = _opens(whole) if inputs.needs_times else None
        count = _rows(cast("Mapping[str, npt.ArrayLike]", whole)) if opens is None else opens.size
        places = columns.places if isinstance(columns, RowsOf) else np.arange(inputs.bars - 1, count)
        if opens is not None:
            self._check_history(inputs, opens, places)
        begin = max(int(places[0]) - inputs.bars + 1, 0) if places.size else 0
        end = int(places[-1]) + 1 if places.size else count
        part = RowsOf(whole, np.arange(begin, end)).taken if (begin, end) != (0, count) else whole
        numbers = self._checked(cast("Mapping[str, npt.ArrayLike]", part), getattr(part, "index", None))
        if len({count, *(column.size + count - (end - begin) for column in numbers.values())}) > 1:
            raise _mismatch([f"there are {count} times, and not as many rows"])
        return inputs.values(numbers, None if opens is None else opens[begin:end], places - begin), places

    def _check_history(self, inputs: ExpressionInputs, opens: Minutes, places: Places) -> None:
        inputs.clock.check(opens)
        if inputs.bars == 1:
            return
        if not places.size and opens.size:
            raise InputMismatch(
                f"{opens.size} bars are too few: the version looks back on {inputs.bars}, hand in as many for one "
                "prediction"
            )
        since = inputs.clock.since_gap(opens)
        short = places[since[places] < inputs.bars]
        if short.size:
            row = int(short[0])
            raise InputMismatch(
                f"row {row} has {int(since[row])} bars up to it since the bars begin or were missing for more than "
                f"four days, and the version looks back on {inputs.bars}: hand in more, or wait until there are"
            )

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
    finite = np.isfinite(values)
    if not finite.all():
        wrong = np.flatnonzero(~finite)
        first = row_name(int(wrong[0]), labels)
        return f"column {name} is {values[wrong[0]]} at {first} ({len(wrong)} such of {len(values)} rows)"
    return None


def _why_infinite(feature: Feature, numbers: Mapping[str, FloatArray], values: FloatArray, labels: Any) -> str:
    row = int(np.flatnonzero(~np.isfinite(values))[0])
    by_zero = feature.divisor is not None and numbers[feature.divisor][row] == 0.0
    reason = f"{feature.divisor} is 0" if by_zero else "the result overflows"
    return f"feature {feature} cannot be computed at {row_name(row, labels)}: {reason}"


def _rows(columns: Mapping[str, npt.ArrayLike]) -> int:
    """How many rows there are: of a frame, or of the first column."""
    index = getattr(columns, "index", None)
    if index is not None and not callable(index):
        return len(index)
    return next((np.asarray(column).shape[0] for column in columns.values() if np.asarray(column).ndim), 0)


def _opens(columns: Columns) -> Minutes:
    from registry.features.times import opens_of

    return opens_of(columns)


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
