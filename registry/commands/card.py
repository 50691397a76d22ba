"""The card of a version: what a person asks of it first, one line a question; every field stands in ``--json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from registry.format.phrases import plural

_RULES = {"stream": "the walk-forward of its recipe: each bar by the fit before it", "holdout": "the holdout"}
"""Whose figures they are, by the rule that measured them."""


def version_card(model: str, row: Mapping[str, Any]) -> Table:
    """The card of a ``row`` of :func:`registry.commands.output.version_row`; lines of what is not recorded are left
    out."""
    what = [str(row.get("recipe") or "no recipe"), *(["the champion"] if row.get("champion") else [])]
    title = Text(f"{model} {row['version']}: {', '.join(what)}", style="bold")
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column("question", style="dim", no_wrap=True)
    table.add_column("answer", overflow="fold")
    for question, answer in _lines(row):
        if answer:
            table.add_row(question, Text(answer))  # what a person wrote is no markup
    return table


def _lines(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    night = f", the night of {row['night']}" if row.get("night") else ""
    yield "registered", f"{_minute(row['date'])} UTC by {row['author']}{night}"
    yield "bars", "simulated: it says nothing about a market" if row.get("simulated") else ""
    yield "instrument", "_".join(str(row["instrument"][name]) for name in ("symbol", "bar")) if _traded(row) else ""
    yield "learns", _pairs(row.get("label"))
    yield "trained on", _span(row.get("rows"), row.get("trained_from"), row.get("trained_to"))
    measured = row.get("measured_on") or {}
    span = _span(measured.get("bars"), measured.get("first"), measured.get("last"))
    yield "measured on", ", ".join(each for each in (span, _RULES.get(str(measured.get("rule")), "")) if each)
    figures = dict(row["metrics"]) | ({"no_skill": measured["no_skill"]} if "no_skill" in measured else {})
    yield "figures", "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if value is not None)
    yield "says up", f"where its score is above {row['cut']:g}"
    yield "features", ", ".join(map(str, row.get("features") or ()))
    yield "parameters", _pairs(row.get("parameters"))
    yield "allowed", ", ".join(map(str, row.get("allowed") or ()))
    yield "trained with", ", ".join(f"{name} {version}" for name, version in (row.get("environment") or {}).items())
    yield "source", str(row.get("source_revision") or "")
    yield "archive", f"{row['size']:,} bytes, SHA-256 {row['sha256']}" if row.get("sha256") else "none is kept"


def _traded(row: Mapping[str, Any]) -> bool:
    return {"symbol", "bar"} <= set(row.get("instrument") or ())


def _span(bars: Any, first: Any, last: Any) -> str:
    """``24,926 bars, 2024-01-01 00:00 to 2024-12-31 21:45 UTC``, as far as it is recorded."""
    count = "" if bars is None else plural(bars, "bar")
    span = f"{_minute(first)} to {_minute(last)}" if first and last else ""
    return ", ".join(each for each in (count, span) if each)


def _minute(moment: Any) -> str:
    """``2024-12-31 21:45`` of ``2024-12-31T21:45:00Z``; a date stays one."""
    return str(moment)[:16].replace("T", " ")


def _pairs(values: Mapping[str, Any] | None, prefix: str = "") -> str:
    found = []
    for name, value in (values or {}).items():
        if isinstance(value, Mapping):
            found.append(_pairs(value, f"{prefix}{name}."))
        elif value is not None:
            found.append(f"{prefix}{name} {value}")
    return ", ".join(each for each in found if each)
