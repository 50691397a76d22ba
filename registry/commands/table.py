"""Reading rows from CSV and writing predictions to it, with the standard library and numpy alone.

Serving has no more than these two.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.clock import read_moment
from registry.errors import InputMismatch, InvalidRequest
from registry.format.phrases import plural
from registry.model.prediction import TIMESTAMP, Prediction


@dataclass(frozen=True, eq=False)
class ColumnTable:
    """The columns of a file that a version needs, float64 of shape (n,) each, and what each row is called: its
    timestamp, or its number from 1 where the file has none. ``named``: what the names are."""

    names: list[str]
    named: str
    columns: dict[str, npt.NDArray[np.float64]]

    def after(self, rows: int) -> ColumnTable:
        """The table without its first rows."""
        return ColumnTable(self.names[rows:], self.named, {name: each[rows:] for name, each in self.columns.items()})


@dataclass(frozen=True, eq=False)
class Predicted:
    """A table and what a version says about its rows."""

    table: ColumnTable
    prediction: Prediction
    trained: tuple[str, str] | None = None
    """Of the version's training bars the first and the last, ISO 8601 in UTC; None where its record does not say."""

    @property
    def seen(self) -> str | None:
        """How many rows lie in the training window, in words; None where rows have no times, or there is no window.

        A time without an offset is taken for UTC: near both ends a file's own clock may move some rows across."""
        if self.trained is None or self.table.named != TIMESTAMP:
            return None
        first, last = (read_moment(end) for end in self.trained)
        try:
            times = [datetime.fromisoformat(name) for name in self.table.names]
        except ValueError:
            return None
        count = sum(first <= (time if time.tzinfo else time.replace(tzinfo=UTC)) <= last for time in times)
        rows = plural(len(times), "row")
        lies = "lies" if count == 1 else "lie"
        return f"{count:,} of {rows} {lies} in its training window, {first:%Y-%m-%d} to {last:%Y-%m-%d}"

    def to_dict(self) -> dict[str, Any]:
        prediction = self.prediction
        expected = None if prediction.expected is None else str(prediction.expected)
        rows = [dict(zip(self._header, row, strict=True)) for row in self._rows]
        probability = {"source": prediction.probability.source, "says": prediction.probability.says}
        return {
            "version": prediction.version,
            "cut": prediction.cut,
            "expected": expected,
            "seen": self.seen,
            "probability": probability,
            "rows": rows,
        }

    def to_csv(self) -> str:
        """Header and a line a row: timestamp (or row), score with every digit, probability with its interval, up or
        down, whether the row is unlike what the version was trained on, version; empty what is not known."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*self._header, "version"])
        writer.writerows([*row, self.prediction.version] for row in self._rows)
        return text.getvalue()

    @property
    def _header(self) -> list[str]:
        return [self.table.named, "score", "probability", "low", "high", "says", "unlike"]

    @property
    def _rows(self) -> list[list[Any]]:
        prediction = self.prediction
        probability = prediction.probability.rows(len(self.table.names))
        count = len(self.table.names)
        columns = (self.table.names, prediction.score.tolist(), probability, prediction.says)
        strange = [None] * count if prediction.unlike is None else prediction.unlike.tolist()
        return [
            [name, score, *known, says, unlike]
            for name, score, known, says, unlike in zip(*columns, strange, strict=True)
        ]


def read_columns(path: str, wanted: Sequence[str]) -> ColumnTable:
    """The ``wanted`` columns of a CSV file with a header; ``-`` reads standard input.

    Raises :class:`InvalidRequest` for a file that cannot be read or has no rows, :class:`InputMismatch` for missing
    columns and for cells that are no numbers, each with its line.
    """
    rows = _rows(path)
    if len(rows) < 2:
        raise InvalidRequest(f"{path} has no rows: the first line names the columns, each line after it is a row")
    (_, header), *numbered = rows
    lines, body = [line for line, _ in numbered], [row for _, row in numbered]
    missing = [name for name in wanted if name not in header]
    twice = [name for name in wanted if header.count(name) > 1]
    if missing or twice:
        faults = [f"column {name} is missing" for name in missing] + [f"column {name} is there twice" for name in twice]
        raise InputMismatch(f"{path}: {'; '.join(faults)}")
    uneven = next((line for line, row in numbered if len(row) != len(header)), None)
    if uneven is not None:
        raise InvalidRequest(f"{path}: line {uneven} has not {len(header)} cells as the header has")
    columns = {name: _numbers(path, name, lines, [row[header.index(name)] for row in body]) for name in wanted}
    if TIMESTAMP in header:
        at = header.index(TIMESTAMP)
        return ColumnTable([row[at] for row in body], TIMESTAMP, columns)
    return ColumnTable([str(n) for n in range(1, len(body) + 1)], "row", columns)


def write_predictions(predicted: Predicted) -> None:
    """The predictions on standard output."""
    sys.stdout.write(predicted.to_csv())


def _text(path: str) -> str:
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is not text in UTF-8: {error}") from error


def _rows(path: str) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line it ends on."""
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise InvalidRequest(f"{path}: line {reader.line_num}: {error}") from error


def _numbers(path: str, name: str, lines: list[int], cells: list[str]) -> npt.NDArray[np.float64]:
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        line, cell = next((line, cell) for line, cell in zip(lines, cells, strict=True) if not _is_number(cell))
        raise InputMismatch(
            f"{path}: line {line}: {name} is {cell[:40]!r}, expected a number with a decimal point"
        ) from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
