"""All use of Matplotlib: an empty chart in the page's style, and a finished chart as SVG or as a PNG data URL.

Without pyplot, a figure belongs to the code that made it, so charts can be drawn in any thread, and the same figures
give the same bytes. Matplotlib takes a third of a second to import, so it is imported only when there is something to
draw: a first night has nothing.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from flows.report.charts.palette import DASHES, GRID, INK, MUTED, SERIES, as_variables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLE: Any = {
    "text.parse_math": False,  # a name with dollar signs is a name, not a formula
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's own font
    "svg.hashsalt": "report",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
}


def empty_chart(
    *, width: float = 6.4, height: float = 3.2, rows: Sequence[float] = (1.0,)
) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches with one chart a row; ``rows`` gives their relative heights."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(len(rows), 1, sharex=len(rows) > 1, squeeze=False, height_ratios=list(rows))
    axes = [row[0] for row in grid]
    for chart in axes:
        chart.grid(axis="y", color=GRID.light, linewidth=0.8)
        chart.set_axisbelow(True)
        chart.tick_params(colors=MUTED.light, labelcolor=MUTED.light, labelsize=10, length=0)
        for side, spine in chart.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(MUTED.light)
    return figure, axes


def name_axes(axes: Axes, *, x: str | None = None, y: str | None = None) -> None:
    """Label the axes, with units."""
    if x is not None:
        axes.set_xlabel(x, color=MUTED.light, fontsize=10)
    if y is not None:
        axes.set_ylabel(y, color=MUTED.light, fontsize=10)


def date_axis(axes: Axes) -> None:
    """Dates on the x axis, as short as they can be told apart."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]  # Matplotlib's dates carry no types
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # matplotlib has no types for it
    axes.xaxis.get_offset_text().set_color(MUTED.light)


def date_numbers(days: Sequence[str]) -> list[float]:
    """Days (``YYYY-MM-DD``) as Matplotlib counts them."""
    from matplotlib.dates import date2num

    return [float(date2num(date.fromisoformat(day[:10]))) for day in days]  # type: ignore[no-untyped-call]  # matplotlib has no types for it


def legend(axes: Axes, *, columns: int = 3) -> None:
    """The names of the lines, above the chart where they cover nothing."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=10,
        labelcolor=INK.light,
        borderaxespad=0.2,
        handlelength=1.6,
        columnspacing=1.4,
    )


def line_style(number: int) -> dict[str, Any]:
    """Colour and dash of the line with this number."""
    return {"color": SERIES[number % len(SERIES)].light, "linestyle": DASHES[number // len(SERIES) % len(DASHES)]}


def svg(figure: Figure, *, title: str) -> str:
    """The figure as inline SVG in the page's variables; ``title`` is what a screen reader says."""
    import matplotlib as mpl

    _no_formulas(figure)
    with mpl.rc_context(_STYLE):
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Title": title})
    text = out.getvalue()
    return as_variables(text[text.index("<svg") :])


def png_data_url(figure: Figure) -> str:
    """The figure as a PNG on white, as ``data:image/png;base64,…``: what markdown can show without a file."""
    import matplotlib as mpl

    _no_formulas(figure)
    with mpl.rc_context(_STYLE):
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=110, facecolor="white", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def _no_formulas(figure: Figure) -> None:
    """Switch formulas off in the texts that exist already; the style does so for those made while drawing."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
