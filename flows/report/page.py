"""The report as one HTML file: no network, no other file, the same bytes for the same data.

Values are escaped by the template; the page's policy lets no script run but its own two, named by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from flows.report.calendar import calendar
from flows.report.charts.drawing import svg
from flows.report.charts.evidence import evidence_over_nights, evidence_tonight
from flows.report.charts.interactive import evidence_figure, packed_plotly, score_figure
from flows.report.charts.money import net_against_selectivity, net_against_spread, running_result
from flows.report.charts.palette import COLOURS
from flows.report.charts.reliability import reliability_chart
from flows.report.charts.score_history import RUN_DAYS, score_chart
from flows.report.data import ReportData
from flows.report.front import felt, front, last_judged
from flows.report.number_format import MINUS, brief, minute, signed
from registry.format.phrases import plural

TEMPLATES = Path(__file__).parent / "templates"

OPEN_DECISIONS = 8
"""Decisions that stand open in their section; earlier ones unfold."""

OPEN_ADVICE = 3
"""Things to do next that stand on the first screen; the others unfold."""


def render(data: ReportData) -> str:
    """The whole page."""
    script = (TEMPLATES / "report.js").read_text()
    drawings, figures = _charts(data)
    plotly, plotly_digest = packed_plotly() if figures else ("", "")  # packing takes as long as all the rest
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            front=front(data),
            calendar=() if data.money is None else calendar(data.money.net),
            felt=None if data.money is None else felt(data.money),
            drawings=drawings,
            figures=_embedded(figures),
            comparisons=_embedded(data.comparisons.to_dict()),
            colours=COLOURS,
            style=Markup((TEMPLATES / "report.css").read_text()),
            script=Markup(script),
            script_digest=_sha256(script),
            plotly=Markup(plotly),
            plotly_digest=plotly_digest,
            last=last_judged(data.decisions),
            decisions=data.decisions[::-1],
            open_decisions=OPEN_DECISIONS,
            open_advice=OPEN_ADVICE,
            run_days=RUN_DAYS,
        )
        + "\n"
    )


def _charts(data: ReportData) -> tuple[dict[str, Markup], dict[str, Any]]:
    """The drawings by name, and the interactive figures for some of them."""
    simulated = " (simulated)" if data.simulated else ""
    drawings: dict[str, Markup] = {}
    figures: dict[str, Any] = {}

    def draw(name: str, figure: Any, title: str) -> None:
        if figure is not None:
            drawings[name] = Markup(svg(figure, title=title + simulated))

    if data.quality is not None:
        draw("score", score_chart(data.quality), "The champion's score over time")
        if "score" in drawings:
            figures["score"] = score_figure(data.quality)
    if data.money is not None:
        draw("spread", net_against_spread(data.money), "Net result against the spread")
        if data.money.selectivity is not None:
            draw("selectivity", net_against_selectivity(data.money.selectivity), "Net pips a day against selectivity")
        draw("sum", running_result(data.money), "Running result before and after costs")
    if data.reliability is not None:
        draw("reliability", reliability_chart(data.reliability), "How often bars of a score went up")
    draw("evidence", evidence_over_nights(data.decisions), "Evidence of each challenger night by night")
    if "evidence" in drawings:
        figures["evidence"] = evidence_figure(data.decisions)
    last = last_judged(data.decisions)
    draw("tonight", None if last is None else evidence_tonight(last), "Evidence of the last night")
    return drawings, figures


def _embedded(values: Any) -> Markup:
    """JSON inside a script element: nothing in it can end the element."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


@cache
def page_environment() -> Environment:
    """The templates of this folder, where every value is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"signed": _signed, "plain": _plain, "percent": _percent}
    environment.filters |= {"day": minute, "brief": brief, "pips": lambda value: f"{signed(value, 1)} pips"}
    environment.globals["plural"] = plural
    return environment


def _signed(value: float | None, digits: int) -> Markup:
    return _figure(value, "" if value is None else signed(value, digits))


def _plain(value: float | None, digits: int) -> Markup:
    return _figure(value, "" if value is None else f"{value:,.{digits}f}".replace("-", MINUS))


def _percent(value: float | None) -> Markup:
    return _figure(value, "" if value is None else f"{100.0 * value:.2f} %")


def _figure(value: float | None, text: str) -> Markup:
    """The text of a figure, with all its digits as its machine-readable value."""
    return Markup("–") if value is None else Markup('<data value="{}">{}</data>').format(repr(value), text)
