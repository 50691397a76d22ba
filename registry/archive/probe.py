"""A model answers a fixed probe before it is handed out, and every answer after that is checked too.

What an archive holds can be of allowed types, whole and within bounds, and still be no model: a variance that is
negative, a class that is missing, a share of 3. So it is asked, for a dozen rows that are the same for every model, and
each answer has to be a probability of two classes. What compiled code would trust is vetted before, without running
anything: :mod:`registry.archive.vetting`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.errors import InputMismatch, UnsafeArtifact

FloatArray = npt.NDArray[np.float64]

_SIZES = (0.0, 1.0, -1.0, 50.0, 100.0, 1e-3, 1.3, -20.0)
"""Of features: prices are near 1, oscillators between 0 and 100, ranges a thousandth, differences on both sides."""
_MIXED = 4
_TOLERANCE = 1e-6
"""By how much the probabilities of both classes may miss 1 together."""

FAULTS = (
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError, ImportError, NameError),
    *(RuntimeError, MemoryError, StopIteration),
)
"""What the code of an estimator raises where its parts do not fit together."""


def probe_rows(features: int) -> FloatArray:
    """The rows: every feature of one size, then of sizes in turn; shape (12, features)."""
    alike = np.repeat(np.array(_SIZES)[:, None], features, axis=1)
    turns = np.arange(features)[None, :] + np.arange(_MIXED)[:, None] * 3
    return np.concatenate((alike, np.array(_SIZES)[turns % len(_SIZES)]))


def probe_form(up: Callable[[FloatArray], FloatArray], features: int) -> None:
    """Refuse with :class:`UnsafeArtifact` a data-only form that does not answer with probabilities."""
    rows = probe_rows(features)
    try:
        with np.errstate(all="ignore"):
            p = up(rows)
    except InputMismatch as error:
        raise UnsafeArtifact(f"the data-only form cannot take plain rows ({error}); not loaded") from error
    _check(p, (len(rows),))


def probe_estimator(estimator: Any, features: int) -> None:
    """Refuse with :class:`UnsafeArtifact` an estimator that does not tell up from not up by probabilities."""
    up_column(estimator)
    rows = probe_rows(features)
    p = _asked(estimator, rows)
    _check(p, (len(rows), 2))
    if not (np.abs(p.sum(axis=1) - 1.0) <= _TOLERANCE).all():
        raise UnsafeArtifact("the model's probabilities of both classes do not add up to 1; not loaded")


def up_column(estimator: Any) -> int:
    """Which of the two columns of its probabilities is that of up (1); :class:`UnsafeArtifact` where there is none."""
    try:
        classes = np.asarray(estimator.classes_)
    except FAULTS as error:
        raise UnsafeArtifact(f"the model names no classes ({type(error).__name__}: {error}); not loaded") from error
    if classes.shape != (2,) or classes.dtype.kind not in "iufb" or not classes[0] < classes[1] or 1 not in classes:
        raise UnsafeArtifact(
            f"the model tells the classes {str(classes)[:60]} apart, not up (1) from not up (0): it cannot be served"
        )
    return int(np.flatnonzero(classes == 1)[0])


def ask(estimator: Any, column: int, x: FloatArray) -> FloatArray:
    """The estimator's probability of its class ``column`` for each row; :class:`UnsafeArtifact` where it is none."""
    p = _asked(estimator, x)
    _check(p, (len(x), 2))
    return np.ascontiguousarray(p[:, column])


def check_answer(p: FloatArray, rows: int) -> FloatArray:
    """``p``, where it is a probability for each of the rows; :class:`UnsafeArtifact` where it is not."""
    _check(p, (rows,))
    return p


def _asked(estimator: Any, rows: FloatArray) -> npt.NDArray[Any]:
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return np.asarray(estimator.predict_proba(rows))
    except FAULTS as error:
        raise UnsafeArtifact(
            f"the model cannot predict ({type(error).__name__}: {str(error)[:200]}): its parts do not fit together; "
            "not loaded"
        ) from error


def _check(p: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    if p.shape != shape or p.dtype.kind != "f":
        raise UnsafeArtifact(f"the model answers with {p.dtype} of shape {p.shape}, expected {shape}; not loaded")
    if not ((p >= 0) & (p <= 1)).all():  # NaN is neither
        raise UnsafeArtifact("the model answers with what is no score (outside 0 to 1, or NaN); not loaded")
