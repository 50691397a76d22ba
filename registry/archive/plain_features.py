"""One feature of a model: a plain form of columns, or what a text says that is none.

Plain forms read the bar itself; :mod:`registry.features` is loaded for a text that is none of them, and for no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from registry.errors import InvalidRequest

if TYPE_CHECKING:
    from registry.features.grammar import Expression

FloatArray = npt.NDArray[np.float64]

WORDS = frozenset(("hour", "weekday", "minutes_to_close"))
"""What the clock says. Before there were expressions these could be names of columns, and in a version that was stored
with such a column they still are."""

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
        feature = cls._of(text)
        if feature is None:
            raise InvalidRequest(
                f"feature {text!r} is not understood: write a column (rsi_14), a difference (close_15m - ema_20), "
                "a ratio (atr_14 / close_15m) or a difference over a column ((close_15m - ema_20) / atr_14)"
            )
        return feature

    @classmethod
    def _of(cls, text: str) -> Self | None:
        """The same; None for a text of another form."""
        match = _FORMS.fullmatch(text)
        if match is None:
            return None
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


def feature_of(text: str, words: frozenset[str]) -> Feature | Expression:
    """The feature that a text spells; :class:`InvalidRequest` if it is none. ``words``: the clock's, and no columns."""
    plain = Feature._of(text)
    if plain is not None and words.isdisjoint(plain.columns):
        return plain
    from registry.features.parsing import parse

    return plain_or_tree(parse(text), words)


def plain_or_tree(tree: Expression, words: frozenset[str]) -> Feature | Expression:
    """A tree that is spelled as one of the plain forms is that form: a feature has one spelling and one fingerprint."""
    plain = Feature._of(str(tree))
    return tree if plain is None or not words.isdisjoint(plain.columns) else plain


def tree_of(part: Feature | Expression) -> Expression:
    """A feature as a tree, also where it is a plain form."""
    if not isinstance(part, Feature):
        return part
    from registry.features.parsing import parse

    return parse(str(part))
