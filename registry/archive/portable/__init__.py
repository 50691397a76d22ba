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

:func:`write` compares what it wrote with the estimator's own probabilities and raises
:class:`~registry.errors.NotPortable` where they differ or where it has no form for the estimator, which is then served
from its ``skops`` form. No module here imports scikit-learn: a fitted estimator is known by its class's name.
"""

from __future__ import annotations

from registry.archive.portable.fitted import TOLERANCE, write
from registry.archive.portable.form import PortableModel, read

__all__ = ["TOLERANCE", "PortableModel", "read", "write"]
