"""This table holds the gate's thresholds at its shipped settings, so that a night need not simulate 20,000 years.

Each number is what :mod:`flows.gate.nightly.calibration` computes, and a test computes all of them again. The table is
only used where every setting that enters is the one it was made with; any other is simulated as before.
"""

from __future__ import annotations

SETTINGS = {
    "windows": (125, 250),
    "recent_windows": (40, 80, 250),
    "cadence": 1,
    "budget": 0.05,
    "together_share": 0.4,
    "nights": 250,
    "paths": 20_000,
    "seed": 20_250_101,
}
"""What the table was made with."""

# fmt: off
GROWN = (
    2.793, 3.198, 3.336, 3.408, 3.468, 3.520, 3.575, 3.606, 3.642, 3.660, 3.692, 3.713, 3.728, 3.742, 3.763, 3.775,
    3.786, 3.794, 3.814, 3.830, 3.840, 3.852, 3.862, 3.873, 3.879, 3.890, 3.898, 3.906, 3.914, 3.925, 3.933, 3.936,
    3.944, 3.952, 3.957, 3.962, 3.968, 3.972, 3.974, 3.980, 3.991, 3.993, 4.003, 4.009, 4.019, 4.030, 4.033, 4.040,
    4.044, 4.051, 4.058, 4.062, 4.065, 4.069, 4.073, 4.075, 4.077, 4.078, 4.079, 4.083, 4.087, 4.091, 4.093, 4.096,
)
"""The threshold of a recipe, by how many there are: one, two, …"""

YOUNG = (
    2.644, 3.076, 3.211, 3.291, 3.353, 3.393, 3.433, 3.472, 3.512, 3.531, 3.559, 3.580, 3.602, 3.621, 3.632, 3.651,
    3.670, 3.680, 3.690, 3.703, 3.710, 3.722, 3.730, 3.740, 3.755, 3.764, 3.773, 3.782, 3.789, 3.799, 3.805, 3.813,
    3.817, 3.826, 3.831, 3.846, 3.851, 3.857, 3.859, 3.864, 3.868, 3.878, 3.880, 3.885, 3.888, 3.897, 3.902, 3.906,
    3.908, 3.909, 3.911, 3.919, 3.922, 3.926, 3.931, 3.935, 3.938, 3.942, 3.946, 3.951, 3.954, 3.960, 3.962, 3.965,
)
"""The same in a champion's first year."""
# fmt: on

GROWN_TOGETHER, YOUNG_TOGETHER = 3.408, 3.302
"""The threshold of the mean of all recipes, however many they are; one recipe is its own mean and has none."""


def shipped(recipes: int, *, young: bool, young_together: bool) -> tuple[float, float | None] | None:
    """A recipe's threshold and the mean's at :data:`SETTINGS`; None for more recipes than the table has."""
    column, together = YOUNG if young else GROWN, YOUNG_TOGETHER if young_together else GROWN_TOGETHER
    if recipes > len(column):
        return None
    return column[recipes - 1], together if recipes > 1 else None
