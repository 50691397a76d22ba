"""Writes the rooms and modules of ``architecture.md`` from the code: ``make docs``.

Rooms stand in the order of the import contracts in ``pyproject.toml``, the lowest first, so that a page reads in the
order that data flows. What is said of a room or a module is the first paragraph of its docstring.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

PAGE = Path(__file__).with_name("architecture.md")
ROOT = PAGE.parents[1]

_ROOMS = re.compile(r"(<!-- rooms of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_MODULES = re.compile(r"(<!-- modules of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """``text`` with what stands between its marks as it should be."""
    text = _ROOMS.sub(lambda mark: mark[1] + _rooms(mark[2]) + mark[3], text)
    return _MODULES.sub(lambda mark: mark[1] + _modules(ROOT / mark[2]) + mark[3], text)


def layers(package: str) -> list[str]:
    """The modules and rooms of a package by the import contracts, the lowest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    found = next(each["layers"] for each in contracts if each.get("containers") == [package])
    return [name.strip() for layer in reversed(found) for name in layer.split("|")]


def _rooms(package: str) -> str:
    """One line a room, and one for each module that stands in none."""
    lines = []
    for name in layers(package):
        path = ROOT / package / name
        place = f"`{name}/`" if path.is_dir() else f"`{name}.py`"
        lines.append(f"| {place} | {_purpose(path / '__init__.py' if path.is_dir() else path.with_suffix('.py'))} |")
    return "\n".join(["", "| room | what it is for |", "| --- | --- |", *lines, "", ""])


def _modules(package: Path) -> str:
    """A table for each room, its own rooms after it."""
    named = [package / name for name in layers(package.name) if (package / name).is_dir()]
    rooms = [
        inner for room in named for inner in [room, *sorted(path.parent for path in room.glob("*/**/__init__.py"))]
    ]
    return "\n" + "\n".join(_table(room) for room in rooms)


def _table(room: Path) -> str:
    paths = sorted(path for path in room.glob("*.py") if path.name != "__init__.py")
    lines = [f"| `{path.stem}` | {_purpose(path)} |" for path in paths]
    title = f"### {room.relative_to(ROOT).as_posix()}"
    return "\n".join(
        [title, "", _purpose(room / "__init__.py"), "", "| module | what it is for |", "| --- | --- |", *lines, ""]
    )


def _purpose(path: Path) -> str:
    """The docstring up to its first empty line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(re.sub(r":\w+:`~?([^`]*)`", r"`\1`", text.split("\n\n")[0]).replace("``", "`").split())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
