"""``python -m benchmarks.registry.growth_picture`` draws ``docs/growth.svg`` from ``benchmarks/results``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from benchmarks.bench import ROOT
from benchmarks.figure import Figure
from benchmarks.report import load

PICTURE = ROOT / "docs" / "growth.svg"
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "growth", "font.sans-serif": ["DejaVu Sans"], "font.size": 10}
INK, GRID = "#222222", "#dddddd"
LINES = {"folder": ("#0072B2", "o"), "S3": ("#D55E00", "s")}
"""Colour and mark of each kind of store."""

_HISTORY = re.compile(r"history of ([\d,]+) versions, (folder|S3) (cold|warm)")
_STEADY = re.compile(r"(.+), (folder|S3), at ([\d,]+)")

Points = dict[str, list[tuple[int, float]]]
"""Name of a line -> versions and milliseconds, ascending."""


def histories(figures: Iterable[Figure]) -> Points:
    """The table of all versions, read for the first time and again: it grows with them."""
    found: Points = {}
    for each in figures:
        match = _HISTORY.match(each.what)
        if match is not None:
            found.setdefault(f"{match[2]}, {match[3]}", []).append((_number(match[1]), each.ours))
    return found


def steady(figures: Sequence[Figure], what: str) -> Points:
    """What must not grow; the time at ten versions is what each figure stands beside."""
    found: Points = {}
    for each in figures:
        match = _STEADY.match(each.what)
        if match is None or match[1] != what or each.theirs is None:
            continue
        line = found.setdefault(match[2], [(10, each.theirs * 1e3)])
        line.append((_number(match[3]), each.ours * 1e3))
    return found


def draw(figures: Sequence[Figure], path: Path = PICTURE) -> None:
    """Writes the picture as SVG, both axes logarithmic; the same figures give the same bytes."""
    shown = {
        "history as a table": histories(figures),
        "load the champion": steady(figures, "load the champion"),
        "register and promote": steady(figures, "register and promote"),
    }
    with mpl.rc_context(STYLE):
        drawing = Drawing(figsize=(11.0, 3.8), layout="constrained")
        for axes, (title, lines) in zip(drawing.subplots(1, len(shown), sharey=True), shown.items(), strict=True):
            _panel(axes, title, lines)
        drawing.axes[0].set_ylabel("milliseconds", color=INK)
        drawing.savefig(path, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})


def _panel(axes: Axes, title: str, lines: Mapping[str, list[tuple[int, float]]]) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(0.5, 60_000)
    axes.set_yticks([1, 10, 100, 1_000, 10_000], ["1", "10", "100", "1,000", "10,000"])
    axes.set_xticks([10, 1_000, 10_000, 100_000], ["10", "1,000", "", "100,000"])
    axes.set_xlabel("versions", color=INK)
    axes.grid(color=GRID, linewidth=0.8)
    axes.minorticks_off()
    axes.tick_params(length=0, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for name, points in lines.items():
        colour, mark = LINES[name.partition(",")[0]]
        dash = "--" if name.endswith("warm") else "-"
        axes.plot(*zip(*points, strict=True), color=colour, marker=mark, markersize=4, linestyle=dash, label=name)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper left")


def _number(text: str) -> int:
    return int(text.replace(",", ""))


if __name__ == "__main__":
    draw(load(["growth"])[0].figures)
