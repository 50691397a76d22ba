"""A command as a person types it here: by its path where the shell would not find the program by its name."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path


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
