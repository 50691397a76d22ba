"""``import champion_gate`` gives the public names of both packages, and imports nothing before it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import champion_gate
import registry


def test_it_has_every_public_name_of_the_registry_and_those_of_nights() -> None:
    assert set(champion_gate.__all__) == {*registry.__all__, *champion_gate.NIGHTS}
    for name in registry.__all__:
        assert getattr(champion_gate, name) is getattr(registry, name)
    assert champion_gate.__version__ == registry.__version__
    assert {getattr(champion_gate, name).__module__ for name in ("plan", "run_night")} == {
        "flows.job.plan",
        "flows.night.run",
    }


def test_a_type_checker_sees_the_same_names() -> None:
    tree = ast.parse(Path(champion_gate.__file__).read_text())
    typed = {alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed - {None} == {*champion_gate.__all__, "__version__"}


@pytest.mark.parametrize("name", ["no_such_name", "Path", "_registry_url"])
def test_what_is_not_public_is_not_there(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(champion_gate, name)


def test_importing_it_imports_neither_package_and_loading_no_nights() -> None:
    code = (
        "import sys, champion_gate; assert 'registry' not in sys.modules; champion_gate.load;"
        "print(sorted({'flows', 'sklearn', 'pandas', 'boto3', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
