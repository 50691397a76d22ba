"""The data-only form of a model: arrays and nothing else, from which numpy alone predicts.

::

    members = write(estimator, features=5)      # at registration: {"form.json": …, "feature.npy": …}
    form = read(members, features=5)            # in production: every bound checked, no code, no scikit-learn
    form.up(x)                                  # scores, shape (n,)

What it holds: trees (random forests, extra trees, single trees: the mean of their leaves; histogram boosting: the
logistic of their sum) or a linear score (logistic regression), either behind a standard scaler. Trees are written in
preorder without any pointer (see :mod:`registry.archive.portable.preorder`): a stored tree cannot point outside itself
or in a circle, because it cannot point. Sums run over the trees in scikit-learn's order, so that a forest's
probabilities are scikit-learn's to the last bit, and a boosting's to the last but one.

What is more than one scaler and trees or a line is a :mod:`~registry.archive.portable.program` of several steps, made
by the :mod:`~registry.archive.portable.converters`: layers, calibrated or stacked classifiers, other libraries'
boosting. Both are imported by what writes or reads a program alone.

:func:`write` compares what it wrote with the estimator's own probabilities and raises
:class:`~registry.errors.NotPortable` where they differ or where it has no form for the estimator, which is then served
from its ``skops`` form where it has one. No module here imports scikit-learn: a fitted estimator is known by its
class's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from registry.archive.portable import form
from registry.archive.portable.fitted import TOLERANCE, is_program, rows_for, write
from registry.archive.portable.form import HEAD, PortableModel, says_program

if TYPE_CHECKING:
    from registry.archive.portable.program import Program

__all__ = ["HEAD", "TOLERANCE", "PortableModel", "is_program", "read", "rows_for", "write"]


def read(members: Mapping[str, bytes], features: int) -> PortableModel | Program:
    """The form in ``members``, whole and within bounds: predicting from it reads nothing outside its arrays.

    Raises :class:`~registry.errors.UnsafeArtifact` that says what is wrong,
    :class:`~registry.errors.FormatTooNew` for a later format.
    """
    if not says_program(members):
        return form.read(members, features)
    from registry.archive.portable import program

    return program.read(members, features)
