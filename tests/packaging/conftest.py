"""The wheel of this checkout, and a virtual environment that holds it and what the base installation brings."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from tests.paths import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as an installer would, without a network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its Python. What the wheel asks for without any extra is linked from this environment."""
    home = tmp_path_factory.mktemp("base") / "venv"
    venv.create(home, symlinks=True)
    [site] = home.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    [metadata] = site.glob("champion_gate-*.dist-info")
    for needed in _closure(Distribution.at(metadata)):
        for path in {Path(str(file)).parts[0] for file in needed.files or ()} - {"..", "__pycache__"}:
            if not (site / path).exists():
                (site / path).symlink_to(Path(str(needed.locate_file(path))))
    return home / "bin" / "python"


def _closure(installed: Distribution) -> list[Distribution]:
    """What a distribution needs without its extras, directly or by way of others."""
    found: dict[str, Distribution] = {}
    todo = [installed]
    while todo:
        for requirement in todo.pop().requires or ():
            name = re.match(r"[\w.-]+", requirement)
            assert name is not None
            if ";" in requirement or name[0] in found:
                continue  # of an extra, of another system or Python
            found[name[0]] = distribution(name[0])
            todo.append(found[name[0]])
    return list(found.values())
