"""What no import contract says of the structure: loose modules, names that stand twice, long parameter lists."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.paths import ROOT

PACKAGES = ("flows", "registry")


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    """Each module of a package: its path from the root of the checkout, and its syntax tree."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("package", "most"), [("flows", 6), ("registry", 7)])
def test_few_modules_stand_outside_a_room(package: str, most: int) -> None:
    loose = [path.name for path in (ROOT / package).glob("*.py") if path.name != "__init__.py"]
    assert len(loose) <= most, sorted(loose)


def test_a_class_name_stands_once_in_the_project() -> None:
    places = defaultdict(list)
    for package in PACKAGES:
        for path, tree in modules(package):
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(path)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_every_module_says_in_a_sentence_what_it_is_for() -> None:
    for package in PACKAGES:
        for path, tree in modules(package):
            first = (ast.get_docstring(tree) or "").split("\n\n")[0]
            assert first.endswith((".", ":", "?")), f"{path} begins with {first!r}"


def is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is a command of a command line: its parameters are the options a person types."""
    return any("typer" in ast.unparse(each.annotation) for each in node.args.args if each.annotation) or any(
        "command(" in ast.unparse(each) for each in node.decorator_list
    )


def test_a_function_takes_six_parameters_at_most() -> None:
    long = {}
    for package in PACKAGES:
        for path, tree in modules(package):
            for node in ast.walk(tree):
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_command(node):
                    continue
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                count = sum(each.arg not in ("self", "cls") for each in given)
                if count > 6:
                    long[f"{path}:{node.name}"] = count
    assert long == {}
