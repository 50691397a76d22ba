"""The commands in the docs: lines of fenced or indented blocks that begin with a program a reader would type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))

PROGRAMS = frozenset(
    [
        "retrain",
        "registry",
        "make",
        "prefect",
        "python",
        "pip",
        "docker",
        "kubectl",
        "helm",
        "curl",
        "aws",
        "rclone",
        "cmp",
        "git",
        "openssl",
        "systemctl",
        "crontab",
    ]
)

_FENCE = re.compile(r"\s*```\s*(\w*)")
_SHELLS = ("", "sh", "bash", "console", "shell", "text")
_SETTING = re.compile(r"[A-Z_][A-Z0-9_]*=.*")
_CRON = re.compile(r"([\d*/,-]+\s+){5}(cd \S+ && )?")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_REFUSED = re.compile(r"# refused, status (\d+)$")
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_TOML = re.compile(r"In `([\w.]+\.toml)`:\n\n```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)
_END = re.compile(r"\s(\||&&|;|\d?>|<)")


@dataclass(frozen=True)
class Command:
    """One command of a page. ``words``: without its settings (``environment``) and comment."""

    page: Path
    line: int
    environment: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    refused: int | None = None
    """The status that its comment says it ends with: ``# refused, status 3``."""

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}: {shlex.join(self.words)}"


def commands_of(page: Path) -> list[Command]:
    """Every command of ``page``, in its order."""
    found = [_command(page, number, text) for number, text in _whole(_lines(page.read_text(encoding="utf-8")))]
    return [command for command in found if command is not None]


def python_of(page: Path) -> list[tuple[int, str]]:
    """Line and text of every block of Python of ``page``."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, block.start()) + 1, block[1]) for block in _PYTHON.finditer(text)]


def files_of(page: Path) -> list[tuple[int, str, str]]:
    """Line, name and text of every file that ``page`` has its reader write: a block of TOML after "In `NAME`:"."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, file.start()) + 1, file[1], file[2]) for file in _TOML.finditer(text)]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that stands in a block; what is set in further is output or goes on a command."""
    language: str | None = None
    before, in_block = "", False
    for number, line in enumerate(text.split("\n"), start=1):
        fence = _FENCE.match(line)
        if fence is not None:
            language = fence[1] if language is None else None
        elif language is not None:
            if language in _SHELLS:
                yield number, line.rstrip()
        else:
            in_block = line.startswith("    ") and (in_block or not before.strip())
            if in_block:
                yield number, line[4:].rstrip()
        before = line


def _whole(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """A line that ends in a backslash goes on in the next; so does one within a quote, as a shell reads it."""
    begun, first = "", 0
    for number, line in lines:
        first = first if begun else number
        begun += line.removesuffix("\\")
        quoted = begun.count("'") % 2 == 1 and begun.split("'")[0].rstrip().endswith((" -c", "python -c"))
        if quoted:
            begun += "\n"
        elif not line.endswith("\\"):
            yield first, begun
            begun = ""


def _command(page: Path, number: int, text: str) -> Command | None:
    if text.startswith(" "):
        return None
    line = _CRON.sub("", text.removeprefix("$ "), count=1)
    end = _END.search(_QUOTED.sub(lambda quoted: "x" * len(quoted[0]), line))
    try:
        words = shlex.split(line if end is None else line[: end.start()], comments=True)
    except ValueError:  # output with a lone quote
        return None
    settings = []
    while words and _SETTING.fullmatch(words[0]):
        name, _, value = words.pop(0).partition("=")
        settings.append((name, value))
    program = words[0].removeprefix(".venv/bin/") if words else ""
    if program not in PROGRAMS:
        return None
    refused = _REFUSED.search(text)
    return Command(page, number, tuple(settings), (program, *words[1:]), int(refused[1]) if refused else None)
