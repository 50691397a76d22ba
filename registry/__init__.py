"""A model registry that cannot lose or mix up a version, on a folder or in an S3-compatible bucket.

The protocol, on one page:

- A model has two append-only **logs**: ``versions`` (what was trained: registered, scored, retired, tagged) and
  ``decisions`` (what production uses and why: promoted, held, returned, rolled back, frozen, suspended). Two logs,
  because a training job gets the right to write one and not the other.
- An **entry** is one immutable object named by its number, added by creating ``number n + 1`` **if it is absent**: of
  any number of writers one wins, the others look again. That is the only commit there is: no lock, no pointer that
  moves, no index that is rewritten.
- Every entry holds the SHA-256 of the one before it, and the whole **state after it**. Keys are inverted, so that the
  newest entry is the first key: one LIST of one key and one GET are a complete view.
- An **artifact** is uploaded before the entry that names it and its digest; what no entry names is garbage. It is
  checked against the digest before it is parsed, and reading it runs no code.
- Every operation has an **idempotency key**: repeated, it adds nothing. After a lost answer the writer reads what is
  there; where the store does not answer at all it raises ``OutcomeUnknown``: repeat with the same key.
- A **promotion** is compare-and-swap on the champion that the decision was judged against: its version *and* the
  decision that made it champion. ``StaleDecision`` means: judge again. It is never applied.

::

    import registry

    loaded = registry.load("gbpusd_m15_direction", url="s3://models/registry")   # the champion, never "latest"
    loaded.predict(bars).says                       # ["up", "down", ...]; registry.follow(...) does so for a server
    model = registry.Registry("s3://models/registry").model("gbpusd_m15_direction")
    model.champion(at=some_moment)          # what was in production then, and by which decision
    for entry in model.log():
        print(entry.time, entry)            # one sentence each
    registry.history("gbpusd_m15_direction")                                # every version, a DataFrame
    print(registry.compare(model.version("v1"), model.version("v2")))       # better, worse, or within noise

Importing this package loads neither scikit-learn nor an S3 client nor pandas. Errors: :mod:`registry.errors`.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from registry import errors
from registry.analysis.comparison import Comparison, compare
from registry.analysis.history import read_history
from registry.analysis.noise import PairedDays
from registry.clock import Clock, NewId, SystemClock, random_id
from registry.errors import InvalidRequest, ModelNotFound, RegistryError
from registry.format.entries import Entry, key_digest
from registry.format.records import ChampionRecord, VersionRecord
from registry.model.prediction import Expectation, LoadedModel, Prediction
from registry.model.roles import Model
from registry.model.transitions import Night
from registry.model.version import Version
from registry.registry import Registry
from registry.serving import Follower

if TYPE_CHECKING:
    import pandas as pd

__version__ = "0.1.0"

__all__ = [
    "ChampionRecord",
    "Clock",
    "Comparison",
    "Entry",
    "Expectation",
    "Follower",
    "LoadedModel",
    "Model",
    "NewId",
    "Night",
    "PairedDays",
    "Prediction",
    "Registry",
    "RegistryError",
    "SystemClock",
    "Version",
    "VersionRecord",
    "compare",
    "errors",
    "follow",
    "history",
    "key_digest",
    "load",
    "random_id",
]


def load(
    name: str, which: str | int = "champion", *, url: str | None = None, at: datetime | None = None
) -> LoadedModel:
    """The champion of a model (or ``"latest"``, ``"v3"``, a tag; or the champion at a past moment), ready to predict.

    ``url`` defaults to ``RETRAIN_REGISTRY``. With ``RETRAIN_TRUSTED_PROMOTERS`` a champion that none of these keys
    promoted is refused. Raises below :class:`RegistryError`: see :meth:`ModelReader.load`.
    """
    return Registry(_registry_url(url, "load")).model(name).load(which, at=at)


def follow(name: str, *, every: float = 60.0, url: str | None = None) -> Follower:
    """A handle that serves the champion, looks every ``every`` seconds for a new one and swaps without dropping a call.

    ``url`` defaults to ``RETRAIN_REGISTRY``, trusted keys are as for :func:`load`. Close it, or use it in a
    ``with``: see :mod:`registry.serving`.
    """
    clock = SystemClock()
    model = Registry(_registry_url(url, "follow"), clock=clock).model(name)
    return Follower(model, clock=clock, every=every).start()


def history(name: str, *, url: str | None = None, cache: str | Path | None = None) -> pd.DataFrame:
    """Every version of a model, oldest first: ``version, date, author, recipe``, metrics, ``param_*``.

    ``url`` defaults to ``RETRAIN_REGISTRY``, ``cache`` (a folder of one's own) to ``RETRAIN_CACHE``: with one, what was
    read before is not read again. Columns: :func:`registry.analysis.history.history_frame`. :class:`ModelNotFound`.
    """
    folder = cache or os.environ.get("RETRAIN_CACHE") or None
    model = Registry(_registry_url(url, "history"), cache=None if folder is None else Path(folder)).model(name)
    table = read_history(model)
    if table.empty:
        raise ModelNotFound(f"there is no model {name} in {model.store.url}; `registry models` lists them")
    return table


def _registry_url(url: str | None, function: str) -> str:
    place = url or os.environ.get("RETRAIN_REGISTRY")
    if not place:
        raise InvalidRequest(f"say where the registry is: {function}(..., url=...) or the variable RETRAIN_REGISTRY")
    return place
