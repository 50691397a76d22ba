"""The interactive charts: Plotly figures as JSON, and Plotly's own script, packed once for the page.

The colours are those of the light scheme; the page's script replaces them by the reader's scheme.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from flows.report.charts.evidence import evidence_lines, threshold_line
from flows.report.charts.palette import BLUE, GRID, INK, MUTED, RED, SERIES
from flows.report.charts.score_history import RUN_DAYS, initial_span, nonzero_references, running_mean
from flows.report.data import DailyLine, Quality
from flows.report.decisions import DecisionSummary

_DASHES = ("solid", "dash", "dot")


@cache
def packed_plotly() -> tuple[str, str]:
    """Plotly's JavaScript, gzipped in base64 (two fifths of its size), and the SHA-256 of it for the page's policy."""
    script = get_plotlyjs()
    packed = gzip.compress(script.encode(), compresslevel=6, mtime=0)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return base64.b64encode(packed).decode("ascii"), digest


def score_figure(quality: Quality) -> dict[str, Any]:
    """The champion's running mean beside the references, and the CUSUM below with its alarm level."""
    figure = _figure()
    for number, line in enumerate(nonzero_references(quality), start=1):
        figure.add_trace(_line(running_mean(line), SERIES[number % len(SERIES)].light, width=1.3))
    figure.add_trace(_line(running_mean(quality.earlier), BLUE.light, width=2.4, dash="dot"))
    figure.add_trace(_line(running_mean(quality.since), BLUE.light, width=2.6))
    if quality.baseline is not None:
        figure.add_hline(
            y=quality.baseline,
            line={"color": INK.light, "width": 1, "dash": "dash"},
            annotation={"text": "baseline", "xanchor": "left", "x": 0.0},
        )
    begin, end = initial_span(quality)
    figure.update_xaxes(range=[begin, end])
    figure.update_yaxes(title=f"{quality.score} a bar, {RUN_DAYS}-day mean", zeroline=True, zerolinecolor=MUTED.light)
    if quality.cusum.values and quality.threshold is not None:
        level = _line(quality.cusum, BLUE.light, width=2)
        level.update(yaxis="y2", showlegend=False)
        figure.add_trace(level)
        figure.add_hline(
            y=quality.threshold,
            yref="y2",
            line={"color": RED.light, "width": 2, "dash": "dash"},
            annotation={"text": f"alarm at {quality.threshold:g}", "yref": "y2", "font": {"color": RED.light}},
        )
        top = max(quality.threshold, *quality.cusum.values) * 1.2
        figure.update_layout(
            yaxis={"domain": [0.4, 1.0]},
            yaxis2={
                "domain": [0.0, 0.28],
                "range": [0.0, top],
                "title": {"text": "CUSUM (no unit)"},
                "gridcolor": GRID.light,
                "anchor": "x",
            },
            xaxis={"anchor": "y2"},
        )
    return _plain(figure)


def evidence_figure(decisions: Sequence[DecisionSummary]) -> dict[str, Any]:
    """Each challenger's largest z night by night, with the threshold and the promotions."""
    figure = _figure()
    for number, (name, (days, values)) in enumerate(evidence_lines(decisions).items()):
        figure.add_trace(
            go.Scatter(
                x=days,
                y=values,
                name=name,
                mode="lines+markers",
                marker={"size": 5},
                line={
                    "color": SERIES[number % len(SERIES)].light,
                    "width": 2,
                    "dash": _DASHES[number // len(SERIES) % 3],
                },
                hovertemplate="%{y:.2f}",
            )
        )
    days, thresholds = threshold_line(decisions)
    figure.add_trace(
        go.Scatter(
            x=days,
            y=thresholds,
            name="threshold",
            mode="lines",
            line={"color": RED.light, "width": 2, "dash": "dash"},
            hovertemplate="%{y:.2f}",
        )
    )
    for decision in decisions:
        day = (decision.night or decision.time)[:10]
        if decision.kind in ("promoted", "returned", "rolled_back") and day:
            figure.add_vline(x=day, line={"color": INK.light, "width": 1, "dash": "dot"})
    figure.update_yaxes(title="largest z (no unit)", zeroline=True, zerolinecolor=MUTED.light)
    return _plain(figure)


def _figure() -> go.Figure:
    return go.Figure(
        layout={
            "template": go.layout.Template(),
            "font": {"color": MUTED.light, "size": 12},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 60, "r": 12, "t": 8, "b": 36},
            "hovermode": "x unified",
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": MUTED.light, "activecolor": INK.light},
            "hoverlabel": {"bgcolor": GRID.light, "font": {"color": INK.light}},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"color": INK.light}},
            "xaxis": {"type": "date", "gridcolor": GRID.light, "linecolor": MUTED.light, "showline": True},
            "yaxis": {"gridcolor": GRID.light},
        }
    )


def _line(line: DailyLine, colour: str, *, width: float, dash: str = "solid") -> Any:
    return go.Scatter(
        x=list(line.days),
        y=list(line.values),
        name=line.name,
        mode="lines",
        line={"color": colour, "width": width, "dash": dash},
        hovertemplate="%{y:+.4f}",
    )


def _plain(figure: go.Figure) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(figure.to_json())
    return plain
