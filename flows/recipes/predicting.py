"""Fitted models predict bars here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.arrays import Floats, Mask
from flows.recipes.threads import one_thread
from flows.recipes.training import LARGEST, Fit, is_forest
from registry.archive.input_schema import InputSchema, RowsOf, row_name
from registry.errors import InputMismatch
from registry.log.parallel import threads

if TYPE_CHECKING:
    from registry.archive.archive import Archive
    from registry.archive.input_schema import Columns


def probabilities(model: Fit | Any, signature: InputSchema, frame: Columns | RowsOf, *, cores: int = 1) -> Floats:
    """The scores of the rows of ``frame``, shape (n,), of a :class:`Fit` or of a fitted classifier of labels 0 and 1.

    A fit says to the last bit what its archive will say: its threshold lies among its own scores, and a bar that is on
    it now must not be above it tomorrow.

    Of :class:`RowsOf` each of its rows has one: NaN where the bars before it are fewer than the features look back on.

    The same bits for any number of ``cores``: a forest's rows are shared out, and each row is summed over the trees in
    their order (scikit-learn's own threads add them up as they come). Other estimators predict on one core.
    Raises :class:`registry.errors.InputMismatch` when the columns do not fit.
    """
    form = model.form if isinstance(model, Fit) else None
    if form is not None:
        with one_thread():
            return where_known(signature, frame, lambda rows: form.up(input_matrix(signature, rows)))
    estimator = model.estimator if isinstance(model, Fit) else model
    return where_known(signature, frame, lambda rows: scores_of(estimator, input_matrix(signature, rows), cores=cores))


def where_known(signature: InputSchema, frame: Columns | RowsOf, score: Callable[[Columns | RowsOf], Floats]) -> Floats:
    """``score`` of the rows of ``frame``; of :class:`RowsOf` NaN for those whose inputs are not known."""
    if not isinstance(frame, RowsOf) or signature.bars == 1:
        return score(frame)
    known = signature.known(frame)[frame.places]
    p = np.full(known.size, np.nan)
    p[known] = score(RowsOf(frame.columns, frame.places[known]))
    return p


def input_matrix(signature: InputSchema, frame: Columns | RowsOf) -> Floats:
    """What a model reads of each row of ``frame``, shape (n, features); raises as :func:`probabilities`."""
    features = signature.matrix(frame)
    too_large = np.flatnonzero((np.abs(features) > LARGEST).any(axis=1))
    if too_large.size:
        whole = frame.taken if isinstance(frame, RowsOf) else frame
        where = row_name(int(too_large[0]), getattr(whole, "index", None))
        raise InputMismatch(f"a feature is beyond {LARGEST:.2g} at {where}, which no model reads: correct the bar")
    return features


def scores_of(estimator: Any, features: Floats, *, cores: int) -> Floats:
    """The scores of rows as a fitted classifier reads them, shape (n, features): shape (n,)."""
    if not len(features):
        return np.empty(0)
    up = list(estimator.classes_).index(1)
    with one_thread():
        if cores == 1 or not is_forest(estimator):
            return np.ascontiguousarray(estimator.predict_proba(features)[:, up])
        shares = [share for share in np.array_split(features, cores) if len(share)]
        with threads(cores) as workers:
            return np.concatenate([p[:, up] for p in workers.map(estimator.predict_proba, shares)])


def archived_scores(archive: Archive, frame: Columns | RowsOf) -> Floats:
    """The scores of the rows of ``frame`` by an archived version, whatever was installed meanwhile: shape (n,).

    From its data-only form, or through scikit-learn where it has none; else as :func:`probabilities`.
    """
    with one_thread():
        return where_known(archive.signature, frame, lambda rows: archive.up(input_matrix(archive.signature, rows)))


def says_up(p: Floats, threshold: float) -> Mask:
    """Where the score, shape (n,), lies above the decision threshold."""
    return np.asarray(p > threshold)
