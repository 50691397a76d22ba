"""Tables of a few rows as HTML, for what a notebook shows: every value escaped, no style beyond what Jupyter gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_LEFT = ' style="text-align:left"'


def facts(caption: str, rows: Iterable[tuple[str, object]]) -> str:
    """Name and value a row; a row without a value (None) is left out."""
    kept = [(name, value) for name, value in rows if value is not None]
    lines = [f"<tr>{_cell('th', name)}{_cell('td', value)}</tr>" for name, value in kept]
    return _table(caption, lines)


def grid(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows below a head; None is an empty cell, and a column of nothing else is left out."""
    body = list(rows)
    shown = [column for column in range(len(head)) if not body or any(row[column] is not None for row in body)]
    lines = [f"<tr>{''.join(_cell('th', head[column]) for column in shown)}</tr>"]
    lines += [f"<tr>{''.join(_cell('td', row[column]) for column in shown)}</tr>" for row in body]
    return _table(caption, lines)


def _table(caption: str, lines: list[str]) -> str:
    return "\n".join([f"<table><caption{_LEFT}>{_text(caption)}</caption>", *lines, "</table>"])


def _cell(tag: str, value: object) -> str:
    return f"<{tag}{_LEFT}>{_text(value)}</{tag}>"


def _text(value: object) -> str:
    return "" if value is None else escape(str(value))
