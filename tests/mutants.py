"""Every check on the registry's write path removed, one at a time: some test must fail. Not collected by pytest.

::

    python -m tests.mutants                # all; prints which test failed for each mutant, or SURVIVED
    python -m tests.mutants log.py         # only those of one module
    python -m tests.mutants --fast log.py  # the fast suites alone: who survives these may yet be killed by a slow one

A mutant is made of the module's syntax: an ``if`` that is never (or always) true, one part of an ``and`` or ``or`` left
out, one branch of a conditional expression, a filter that lets everything through, a call for its effect left out, an
``except`` that catches nothing. :data:`BY_HAND` adds what no rule makes; :data:`EQUIVALENT` names those that change
nothing a caller could see, and why. The tests run on a copy of what is committed, the fast ones first, and once without
a mutant, so that no test fails for another reason.
"""

from __future__ import annotations

import ast
import importlib
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants_known import BY_HAND, EQUIVALENT

ROOT = Path(__file__).resolve().parents[1]
MODULES = [
    "log.py",
    "entries.py",
    "keys.py",
    "transitions.py",
    "trainer.py",
    "promoter.py",
    "model.py",
    "retirement.py",
    "registry.py",
    "store/probe.py",
    "store/folder.py",
    "store/s3.py",
]
FAST = ["log_commit", "promoter", "trainer", "person", "transitions", "keys", "entries", "signing"]
SLOW = [
    "store/",
    "serving",
    "commands",
    "gc",
    "verify",
    "bundle",
    "interleavings_upkeep",
    "faults",
    "kills",
    "histories",
    "races",
]
SHARED = [
    "hypothesis",
    "numpy",
    "pandas",
    "botocore.session",
    "boto3",
    "cryptography",
    "xdist.plugin",
    "pytest_timeout",
]
SECONDS = 900


@dataclass(frozen=True)
class Mutant:
    """The text between two places of a module, and what is put there instead."""

    module: str
    start: int
    end: int
    text: str
    instead: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {' '.join(self.text.split())[:80]}  ->  {self.instead[:40]}"

    def of(self, source: str) -> str:
        return source[: self.start] + self.instead + source[self.end :]


def mutants_of(module: str, source: str) -> Iterator[Mutant]:
    """Those that rules make, in the order of the source, and those by hand."""
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line.encode()))
    data = source.encode()

    def place(node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        ends = lines[node.lineno - 1] + node.col_offset, lines[node.end_lineno - 1] + node.end_col_offset
        start, end = (len(data[:byte].decode()) for byte in ends)
        return start, end

    replaced = (pair for node in ast.walk(ast.parse(source)) for pair in _replaced(node))
    for old, instead in sorted(replaced, key=lambda pair: (pair[0].lineno, pair[0].col_offset)):
        start, end = place(old)
        new = instead if isinstance(instead, str) else f"({source[slice(*place(instead))]})"
        yield Mutant(module, start, end, source[start:end], new, old.lineno)
    for name, before, after in BY_HAND:
        if name == module:
            if source.count(before) != 1:
                raise SystemExit(f"{module} holds {source.count(before)} times {before!r}: mend tests/mutants_known.py")
            start = source.index(before)
            yield Mutant(module, start, start + len(before), before, after, source[:start].count("\n") + 1)


def _replaced(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, ast.expr | str]]:
    """What rules put in the place of a node or a part of it."""
    match node:
        case ast.If(test=test):
            yield test, "False"
            if node.orelse or not isinstance(node.body[-1], ast.Raise):
                yield test, "True"
        case ast.IfExp(body=body, orelse=orelse):
            yield node, body
            yield node, orelse
        case ast.BoolOp(op=ast.Or(), values=values):
            for value in values:
                yield value, "False"
        case ast.BoolOp(op=ast.And(), values=values):
            for value in values:
                yield value, "True"
        case ast.comprehension(ifs=ifs):
            for test in ifs:
                yield test, "True"
        case ast.Expr(value=ast.Call()):
            yield node, "pass"
        case ast.ExceptHandler(type=ast.expr() as caught):
            yield caught, "()"
        case _:
            pass


def main(arguments: list[str]) -> int:
    suites = [FAST] if "--fast" in arguments else [FAST, SLOW]
    only = [argument for argument in arguments if argument != "--fast"]
    for name in SHARED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        _unpack(copy)
        if failing := _killer(copy, "", suites):
            raise SystemExit(f"{failing} fails without any mutant")
        counts = {"killed": 0, "equivalent": 0, "SURVIVED": 0}
        for module in only or MODULES:
            path = copy / "registry" / module
            source = path.read_text(encoding="utf-8")
            for mutant in mutants_of(module, source):
                told = _judged(copy, path, mutant, source, suites)
                counts[told.partition(":")[0]] += 1
                sys.stdout.write(f"{mutant}\n    {told}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{', '.join(f'{count} {what}' for what, count in counts.items())}\n")
    return 1 if counts["SURVIVED"] else 0


def _judged(copy: Path, path: Path, mutant: Mutant, source: str, suites: list[list[str]]) -> str:
    why = EQUIVALENT.get((mutant.module, mutant.text, mutant.instead))
    if why is not None:
        return f"equivalent: {why}"
    path.write_text(mutant.of(source), encoding="utf-8")
    killer = _killer(copy, mutant.module, suites)
    path.write_text(source, encoding="utf-8")
    return "SURVIVED" if killer is None else f"killed: {killer}"


def _unpack(copy: Path) -> None:
    committed = ["git", "-C", str(ROOT), "archive", "HEAD", "registry", "tests", "docs", "examples", "pyproject.toml"]
    archive = subprocess.run(committed, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(copy)], input=archive, check=True)


def _killer(copy: Path, module: str, suites: list[list[str]]) -> str | None:
    """The first test that fails on a copy, those named after the module are asked first."""
    own = re.sub(r"\.py$", "", module).replace("store/", "store/test_")
    ordered = [[own], *suites] if own else suites
    return next(filter(None, (_failing(copy, suite) for suite in ordered)), None)


def _failing(copy: Path, suite: list[str]) -> str | None:
    """The first test of a suite that fails on a copy, run in a fork that has imported all but the copy."""
    folder = copy / "tests" / "registry"
    patterns = [name if "/" in name else f"test_{name}" for name in suite]
    files = [str(path) for pattern in patterns for path in sorted(folder.glob(f"{pattern}*.py"))]
    if not files:
        return None  # a module without tests of its own name
    told = copy / "told.txt"
    process = multiprocessing.get_context("fork").Process(target=_run, args=(copy, files, told))
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        return f"none ended within {SECONDS} seconds"
    if process.exitcode == 0:
        return None
    said = told.read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^(?:FAILED|ERROR) \S*?(test_\w+\.py\S*)", said, re.MULTILINE)
    return found[1] if found else said[-150:].strip().replace("\n", " ")


def _run(copy: Path, files: list[str], told: Path) -> None:
    os.chdir(copy)
    with told.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os._exit(pytest.main(["-x", "-q", "--tb=no", "--timeout=60", *files]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
