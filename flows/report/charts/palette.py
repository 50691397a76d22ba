"""The colours of all charts and of the page, for a light and a dark background.

They are Okabe and Ito's, which colour-blind readers can tell apart ("Color Universal Design", 2008), darkened or
lightened until each stands out from its background by 3 : 1 or more.

A chart is drawn in the light colours. On the page they become CSS variables, so that the same drawing follows the
reader's scheme.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """One colour of the page: the CSS variable ``--name``, its value on a light and on a dark background."""

    name: str
    light: str
    dark: str


PAPER = Colour("paper", "#ffffff", "#15181c")
INK = Colour("ink", "#1b1f24", "#e6e9ed")
MUTED = Colour("muted", "#5b6470", "#9aa4b0")
GRID = Colour("grid", "#dfe3e8", "#2c323a")

BLUE = Colour("blue", "#0072b2", "#56b4e9")
ORANGE = Colour("orange", "#b86e00", "#e69f00")
GREEN = Colour("green", "#00805c", "#2fc79a")
RED = Colour("red", "#c04a00", "#f0804a")
PURPLE = Colour("purple", "#a8507f", "#d991bb")

SERIES = (BLUE, ORANGE, GREEN, PURPLE)
"""In the order in which lines take them; from the fifth line on they begin again, with another dash: more colours than
four are not told apart by every eye."""

DASHES = ("solid", "dashed", "dotted")

COLOURS = (PAPER, INK, MUTED, GRID, BLUE, ORANGE, GREEN, RED, PURPLE)


def as_variables(drawing: str) -> str:
    """A drawing (SVG text) whose light colours are replaced by the page's CSS variables."""
    for colour in COLOURS:
        drawing = drawing.replace(colour.light, f"var(--{colour.name})")
    return drawing
