"""The resources of a part: the bars, a scratch folder, the number of turns, and environments for peers."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PEERS = ROOT / ".bench"
"""Environments of peers stand here, never in the project's own."""


@dataclass(frozen=True)
class Bench:
    """``data``: folder of yearly files; ``real`` says whether a market made them. ``say`` tells a person what is being
    done now."""

    data: Path
    real: bool
    scratch: Path
    times: int
    say: Callable[[str], None]

    def peers(self, name: str, *requirements: str) -> Path:
        """The Python of an environment with these packages and nothing of the project, made on first use."""
        mark = hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:12]
        place = PEERS / f"{name}-{mark}"
        python = place / "bin" / "python"
        if not (place / "ready").exists():
            self.say(f"installing {', '.join(requirements)} into {place.relative_to(ROOT)}")
            venv.create(place, with_pip=True, clear=True)
            pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", *requirements]
            subprocess.run(pip, check=True, stdout=sys.stderr)
            (place / "ready").touch()
        return python

    def folder(self, name: str) -> Path:
        """A new folder in the scratch one."""
        place = self.scratch / name
        place.mkdir(parents=True)
        return place
