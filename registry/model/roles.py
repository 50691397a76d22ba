"""The roles of a model: which object may write what, as the table of ``docs/security.md`` gives rights in a bucket.

======== ==================== =========================================================================================
role     class                writes
======== ==================== =========================================================================================
reader   ``ModelReader``      nothing
trainer  ``ModelTrainer``     ``versions/``, ``artifacts/``: versions, tags
promoter ``ModelPromoter``    ``decisions/``, ``evidence/``: what a gate judges by, and decides
operator ``ModelOperator``    ``decisions/``: what a person decides; ``versions/`` where a repair concerns that log
keeper   ``ModelKeeper``      ``segments/``: folded runs of old entries
======== ==================== =========================================================================================

Every role reads. :class:`Model` has every right; who has no use for one of them asks for a role instead.
"""

from __future__ import annotations

from typing import Literal

from registry.log.parallel import Progress, quiet
from registry.log.segments import Folded, fold
from registry.model.operator import ModelOperator
from registry.model.promoter import ModelPromoter
from registry.model.reader import ModelReader
from registry.model.trainer import ModelTrainer

Role = Literal["reader", "trainer", "promoter", "operator", "keeper"]


class ModelKeeper(ModelReader):
    """One model with the right to fold its logs. What collects garbage is :func:`registry.maintenance.gc.collect`."""

    def fold(self, *, progress: Progress = quiet) -> Folded:
        """Fold runs of old entries of both logs, so that history is few requests (see :mod:`registry.log.segments`)."""
        versions, decisions = (fold(log, progress=progress) for log in (self.versions, self.decisions))
        return Folded((*versions.segments, *decisions.segments), versions.bytes + decisions.bytes)


class Model(ModelTrainer, ModelPromoter, ModelOperator, ModelKeeper):
    """One model with every right. Made by :meth:`registry.Registry.model`."""


BY_ROLE: dict[Role, type[ModelReader]] = {
    "reader": ModelReader,
    "trainer": ModelTrainer,
    "promoter": ModelPromoter,
    "operator": ModelOperator,
    "keeper": ModelKeeper,
}
