"""A command as a person types it here: by its path where the shell would not find the program by its name."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

# in backticks, at the beginning of a line, or after "then": where a command of ours stands in a sentence
_COMMAND = re.compile(r"(?:(?<=`)|^|(?<=\bthen ))(retrain|registry)(?= [a-z]|`)", re.MULTILINE)


def as_typed(text: str) -> str:
    """A sentence with its commands of ``retrain`` and ``registry`` as whoever called one of them can type them.

    It stays as it is where nobody did: in a library, under ``python -m``.
    """
    called = sys.argv[0]
    if os.sep not in called or Path(called).name not in ("retrain", "registry"):
        return text
    return _COMMAND.sub(lambda found: program_here(found[1]), text)


def typed(program: str, *words: str) -> str:
    """``program words …``, quoted for a shell; ``.venv/bin/program`` where PATH has none, or that of another
    environment."""
    return shlex.join([program_here(program), *words])


def program_here(program: str) -> str:
    """The name of a program of this environment, or its path from the present folder."""
    ours = Path(sys.executable).with_name(program)
    found = shutil.which(program)
    if not ours.exists() or (found is not None and Path(found).resolve() == ours.resolve()):
        return program
    return os.path.relpath(ours) if ours.is_relative_to(Path.cwd()) else str(ours)
