"""Writes the tables of ``architecture.md`` from the first line of each module's docstring: ``make docs``."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PAGE = Path(__file__).with_name("architecture.md")
ROOT = PAGE.parents[1]

_TABLE = re.compile(r"(<!-- modules of (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """``text`` with each table between its marks as it should be."""
    return _TABLE.sub(lambda found: found[1] + _table(ROOT / found[2]) + found[3], text)


def _table(folder: Path) -> str:
    paths = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    packages = sorted(path.parent for path in folder.glob("*/__init__.py"))
    rows = [(f"`{path.stem}`", _first_line(path)) for path in paths]
    rows += [(f"`{path.name}/`", _first_line(path / "__init__.py")) for path in packages]
    lines = [f"| {name} | {said} |" for name, said in rows]
    return "\n".join(["", "| module | what it is for |", "| --- | --- |", *lines, "", ""])


def _first_line(path: Path) -> str:
    """The docstring up to its first empty line."""
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(re.sub(r":\w+:`~?([^`]*)`", r"`\1`", said.split("\n\n")[0]).replace("``", "`").split())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
