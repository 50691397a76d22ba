"""The colours stand out from the paper, and from each other to colour-blind eyes, in the light and in the dark."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from flows.report.charts.palette import COLOURS, GRID, INK, MUTED, PAPER, SERIES, as_variables

Floats = npt.NDArray[np.float64]

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency",
# IEEE Transactions on Visualization and Computer Graphics 15, 2009: full deficiency, linear RGB
EYES = {
    "usual": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> Floats:
    """Linear light of a hexadecimal sRGB colour."""
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """As WCAG 2 defines it."""
    low, high = sorted(float(TO_XYZ[1] @ linear(each)) for each in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(light: Floats) -> Floats:
    x = TO_XYZ @ np.clip(light, 0, 1) / (TO_XYZ @ np.ones(3))
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_and_text_stand_out_from_the_paper(scheme: str) -> None:
    paper = getattr(PAPER, scheme)
    for colour in COLOURS:
        if colour not in (PAPER, GRID):
            enough = 4.5 if colour in (INK, MUTED) else 3.0
            assert contrast(getattr(colour, scheme), paper) >= enough, (colour, scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("eyes", EYES)
def test_lines_are_told_apart_by_every_eye(scheme: str, eyes: str) -> None:
    """By ten units of CIELAB at the least."""
    seen = {each.name: lab(np.array(EYES[eyes]) @ linear(getattr(each, scheme))) for each in SERIES}
    for a, b in combinations(seen, 2):
        assert np.linalg.norm(seen[a] - seen[b]) >= 10, (a, b, eyes, np.linalg.norm(seen[a] - seen[b]))


def test_no_two_colours_of_a_scheme_are_the_same() -> None:
    """A drawing is recoloured by its light colours: two alike could not be told apart."""
    assert len({each.light for each in COLOURS}) == len(COLOURS)
    assert as_variables(f"stroke: {SERIES[0].light}; fill: {INK.light}") == "stroke: var(--blue); fill: var(--ink)"
