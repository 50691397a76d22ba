"""Training bars may weigh more or less: by their age, and by whether they went up.

In ``recipes.toml``, both parts may be left out:

    weights = { half_life_days = 90, up = "balanced" }

A bar that is ``half_life_days`` older than the newest training bar weighs half as much. ``up`` is what a bar that went
up weighs beside one that did not; ``balanced`` gives both kinds the same total.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats

_DAY = np.timedelta64(1, "D")


def weights_of(said: Mapping[str, Any], opens: pd.Index[Any], label: npt.NDArray[np.int64]) -> Floats | None:
    """The weight of each training bar, shape (n,) with mean 1; None where a recipe says nothing of weights.

    ``opens``: when each bar opened, ascending; ``label``: 0 or 1. Age falls by ``0.5 ** (days / half_life_days)``.
    """
    if not said:
        return None
    weights = np.ones(len(label))
    if "half_life_days" in said:
        days = np.asarray((opens[-1] - opens) / _DAY, np.float64)
        weights *= 0.5 ** (days / float(said["half_life_days"]))
    up = label == 1
    if said.get("up") == "balanced":
        weights[up] *= weights[~up].sum() / weights[up].sum()
    elif "up" in said:
        weights[up] *= float(said["up"])
    return np.asarray(weights / weights.mean())
