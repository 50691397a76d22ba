"""Every check on the registry's write path removed, one at a time: some test must fail. Not collected by pytest.

::

    python -m tests.mutants                    # all; prints which test failed for each mutant, or SURVIVED
    python -m tests.mutants format/keys.py log/log.py:40-90   # of one module, or of some of its lines
    python -m tests.mutants --fast store/s3.py     # the fast suites alone: a slow one may yet kill who survives these

A mutant is made of the module's syntax: an ``if`` that is never (or always) true, one part of an ``and`` or ``or`` left
out, one branch of a conditional expression, a filter that lets everything through, a call for its effect left out, an
``except`` that catches nothing, a ``raise`` left out. :data:`BY_HAND` adds what no rule makes; :data:`EQUIVALENT` names
those that change nothing a caller could see, and why. The tests run on copies of what is committed: those of the module
itself, then the fast ones (of all stores for a store, else :data:`FAST`), then all others. They run once without a
mutant, so that none fails for another reason.
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib
import itertools
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from tests.mutants_known import BY_HAND, EQUIVALENT
from tests.paths import ROOT

FORK = multiprocessing.get_context("fork")
OWN = {
    # module: the tests that know it best, by the beginnings of their files' names
    "log/log.py": ["log_commit", "log_reading"],
    "format/entries.py": ["entries"],
    "format/keys.py": ["keys"],
    "model/transitions.py": ["transitions", "promoter", "person"],
    "model/preparation.py": ["trainer", "promoter", "person"],
    "model/trainer.py": ["trainer", "evidence", "person"],
    "model/decisions.py": ["promoter", "approval", "person"],
    "model/promoter.py": ["promoter", "approval"],
    "model/operator.py": ["person", "approval"],
    "model/retention.py": ["gc_retirement"],
    "registry.py": ["registry"],
    "store/probe.py": ["probe"],
    "store/folder.py": ["folder"],
    "store/bucket.py": ["s3", "connect"],
    "store/credentials.py": ["credentials"],
    "store/s3.py": ["s3", "connect"],
    "store/s3_client.py": ["s3_client", "credentials", "s3", "connect"],
    "store/secrets.py": ["secrets"],
}
FAST = [
    "log_commit",
    "log_reading",
    "promoter",
    "trainer",
    "person",
    "transitions",
    "keys",
    "entries",
    "signing",
    "keyring",
    "approval",
]
LAST = ["commands", "faults", "histories_random", "interleavings", "kills", "races"]
SHARED = [
    "numpy",
    "pandas",
    "botocore.session",
    "boto3",
    "cryptography",
    "xdist.plugin",
    "pytest_timeout",
]
SECONDS = 600
_SECONDS = itertools.count(1_000_000_000)


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

    nodes = [*ast.walk(ast.parse(source))]
    asserted = [node.test for node in nodes if isinstance(node, ast.Assert)]  # what cannot be otherwise
    replaced = (pair for node in nodes if node not in asserted for pair in _replaced(node))
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
    if isinstance(node, ast.FunctionDef | ast.ExceptHandler):  # in an `if` it is the same as a test that is never true
        yield from ((each, "pass") for each in node.body if isinstance(each, ast.Raise))


def main(arguments: list[str]) -> int:
    """Judge the mutants that are asked for; 1 where one survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help="modules, or lines of one: log.py:40-90")
    parser.add_argument("--fast", action="store_true", help="the fast suites alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once (default: one a core)")
    asked = parser.parse_args(arguments)
    for name in SHARED:
        importlib.import_module(name)
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(asked.jobs, FORK) as workers:
        committed = Path(folder) / "committed"
        _unpack(committed)
        parts = asked.parts or [_part(module) for module in OWN]
        found = [mutant for part in parts for mutant in _found(committed, *part)]
        files = {file for part in parts for suite in _suites(committed, part[0], asked.fast) for file in suite}
        for failing in workers.map(functools.partial(_failing, committed), [[file] for file in sorted(files)]):
            if failing is not None:
                raise SystemExit(f"{failing} fails without any mutant")
        return _told(zip(found, workers.map(functools.partial(_judged, committed, asked.fast), found), strict=True))


def _unpack(committed: Path) -> None:
    committed.mkdir()
    names = ["registry", "flows", "tests", "docs", "examples", "pyproject.toml"]
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", "HEAD", *names], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(committed)], input=archive.stdout, check=True)


def _part(text: str) -> tuple[str, range]:
    """A module and its lines, from ``log.py``, ``log.py:40`` or ``log.py:40-90``."""
    written = re.fullmatch(r"([\w/.]+)(?::(\d+)(?:-(\d+))?)?", text)
    if written is None or written[1] not in OWN:
        raise argparse.ArgumentTypeError(f"{text!r} is no part of {', '.join(OWN)}: write log.py or log.py:40-90")
    first, last = written[2] or 1, written[3] or written[2] or 1_000_000
    return written[1], range(int(first), int(last) + 1)


def _found(committed: Path, module: str, lines: range) -> list[Mutant]:
    source = (committed / "registry" / module).read_text(encoding="utf-8")
    return [mutant for mutant in mutants_of(module, source) if mutant.line in lines]


def _suites(committed: Path, module: str, fast: bool) -> list[list[str]]:
    """The test files to ask: the module's own, the fast ones, and all others unless ``fast``; no file twice."""
    folder = committed / "tests" / "registry"
    every = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("test_*.py"))
    stores = [name for name in every if name.startswith("store/")]
    others = [name for name in every if name not in stores]
    of_a_store = module.startswith("store/")
    near = stores if of_a_store else others
    last = _named(LAST, others)
    lists = [
        _named(OWN[module], near),
        stores if of_a_store else _named(FAST, others),
        [] if fast else [*(name for name in stores + others if name not in last), *last],
    ]
    asked = itertools.accumulate(lists, lambda before, names: before | {*names}, initial=set[str]())
    return [[name for name in names if name not in before] for names, before in zip(lists, asked, strict=False)]


def _named(beginnings: list[str], files: list[str]) -> list[str]:
    """The files whose names go on like that after ``test_``, in the order of ``beginnings``."""
    return [file for begun in beginnings for file in files if file.rpartition("/")[2].startswith(f"test_{begun}")]


def _told(judged: Iterator[tuple[Mutant, str]]) -> int:
    counts: dict[str, Counter[str]] = {}
    for mutant, told in judged:
        counts.setdefault(mutant.module, Counter())[told.partition(":")[0]] += 1
        sys.stdout.write(f"{mutant}\n    {told}\n")
        sys.stdout.flush()
    counts["all"] = sum(counts.values(), Counter())
    for module, count in counts.items():
        sys.stdout.write(f"{module}: {count.total()} mutants")
        sys.stdout.write("".join(f", {n} {what}" for what, n in sorted(count.items())) + "\n")
    return 1 if counts["all"]["SURVIVED"] else 0


def _judged(committed: Path, fast: bool, mutant: Mutant) -> str:
    """What became of one mutant: killed (by which test), equivalent (why) or SURVIVED."""
    why = EQUIVALENT.get((mutant.module, mutant.text, mutant.instead))
    if why is not None:
        return f"equivalent: {why}"
    path = _copy(committed) / "registry" / mutant.module
    source = path.read_text(encoding="utf-8")
    try:
        _write(path, mutant.of(source))
        suites = [files for files in _suites(committed, mutant.module, fast) if files]
        killer = next(filter(None, (_failing(committed, files) for files in suites)), None)
    finally:
        _write(path, source)
    return "SURVIVED" if killer is None else f"killed: {killer}"


def _write(path: Path, source: str) -> None:
    """Replace a module; its time is one of its own, since by it and the size Python knows a compiled one again."""
    path.write_text(source, encoding="utf-8")
    os.utime(path, times=(second := next(_SECONDS), second))


@functools.cache
def _copy(committed: Path) -> Path:
    """This worker's own copy of what is committed."""
    return shutil.copytree(committed, committed.with_name(f"copy-{os.getpid()}"))


def _failing(committed: Path, files: list[str]) -> str | None:
    """The first test of ``files`` that fails on this worker's copy, in a fork that has imported all but the copy."""
    copy = _copy(committed)
    told = copy / "told.txt"
    process = FORK.Process(target=_run, args=(copy, files, told))
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
    os.environ["PYTHONPATH"] = str(copy)  # for the processes that tests start
    with told.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # that an example fails is enough to know, the smallest one may take minutes to find
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", deadline=None, phases=phases, derandomize=True, database=None)
    options = ["-x", "-q", "--tb=no", "--timeout=120", "--timeout-method=thread", "--hypothesis-profile=mutants"]
    os._exit(pytest.main([*options, *(f"tests/registry/{file}" for file in files)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
