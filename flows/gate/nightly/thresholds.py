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
)
"""The threshold of a recipe, by how many there are: one, two, …"""

YOUNG = (
    2.644, 3.076, 3.211, 3.291, 3.353, 3.393, 3.433, 3.472, 3.512, 3.531, 3.559, 3.580, 3.602, 3.621, 3.632, 3.651,
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
