"""The form of a dossier: sections of facts and tables, each with the command that makes its numbers again.

What nothing recorded says is said to be not recorded; no text of a dossier is typed in by whoever makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NOT_RECORDED = "not recorded"
LONGEST_WORD = 30
"""Characters of a cell that needs no room of its own."""

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Fact:
    """``value``: None where nothing recorded says it."""

    name: str
    value: Value

    @property
    def said(self) -> str | int | float | bool:
        return NOT_RECORDED if self.value is None or self.value == "" else self.value


@dataclass(frozen=True)
class FactTable:
    """Rows under their columns; a cell is None where it does not apply. One without rows says ``empty``."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    empty: str = NOT_RECORDED

    @property
    def reads_as(self) -> tuple[str, ...]:
        """How each column is set: as a ``figure``, a ``word`` or a long ``text``; one word in it makes it words."""
        columns = zip(*self.rows, strict=True)
        longest = [max((len(cell) for cell in column if isinstance(cell, str)), default=0) for column in columns]
        return tuple("figure" if not size else "word" if size <= LONGEST_WORD else "text" for size in longest)

    @property
    def digits(self) -> tuple[int, ...]:
        """After the point, of the figures of each column: one where they go into the hundreds, else four."""
        columns = zip(*self.rows, strict=True)
        largest = [max((abs(cell) for cell in column if isinstance(cell, float)), default=0.0) for column in columns]
        return tuple(1 if size >= 100.0 else 4 for size in largest)


@dataclass(frozen=True)
class DossierSection:
    """``how``: the command that makes its numbers again."""

    key: str
    title: str
    how: str
    facts: tuple[Fact, ...] = ()
    tables: tuple[FactTable, ...] = ()


@dataclass(frozen=True)
class Dossier:
    """``at``: the moment it describes, ISO 8601 in UTC; ``decision``: the newest entry of the decisions log then."""

    model: str
    version: str
    at: str
    decision: int
    simulated: bool
    sections: tuple[DossierSection, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON: facts by their names."""
        return {
            "model": self.model,
            "version": self.version,
            "at": self.at,
            "decision": self.decision,
            "simulated": self.simulated,
            "sections": {
                section.key: {
                    "title": section.title,
                    "facts": {fact.name: fact.said for fact in section.facts},
                    "tables": [
                        {
                            "title": table.title,
                            "columns": list(table.columns),
                            "rows": [list(row) for row in table.rows],
                            **({} if table.rows else {"empty": table.empty}),
                        }
                        for table in section.tables
                    ],
                    "how": section.how,
                }
                for section in self.sections
            },
        }


def facts(**values: Value) -> tuple[Fact, ...]:
    """A fact for each value; underscores in its name are spaces."""
    return tuple(Fact(name.replace("_", " "), value) for name, value in values.items())
