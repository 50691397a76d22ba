"""``retrain`` lists its commands without importing what they need, and finds each of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from flows.cli import COMMANDS, app

HEAVY = ("pandas", "scipy", "sklearn", "prefect", "matplotlib", "botocore", "httpx", "psutil")


def loaded_after(code: str) -> set[str]:
    """Which of the heavy packages a fresh process holds after this."""
    program = f"{code}\nimport sys; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_help_imports_none_of_what_commands_need() -> None:
    code = "from flows.cli import app\ntry:\n    app(['--help'])\nexcept SystemExit:\n    pass"
    assert loaded_after(code) == set()


def test_a_nights_code_is_imported_without_scikit_learn() -> None:
    assert loaded_after("import flows.night.run") == {"pandas"}


def test_a_deployment_reads_the_form_of_the_flow_without_scikit_learn() -> None:
    assert loaded_after("import flows.retrain; flows.retrain.retrain.parameters") & {"sklearn", "scipy"} == set()


def test_the_help_names_every_command_in_words_that_fit() -> None:
    lines = CliRunner().invoke(app, ["--help"]).output.splitlines()
    for name, words in COMMANDS.items():
        assert any(line.split(maxsplit=1) == [name, words] for line in lines), name


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_is_found_and_tells_its_options(name: str) -> None:
    told = CliRunner().invoke(app, [name, "--help"])
    assert told.exit_code == 0 and f" {name} " in told.output.splitlines()[0]
    assert "--help" in told.output


def test_a_command_that_is_not_there_is_refused() -> None:
    assert CliRunner().invoke(app, ["explode"]).exit_code == 2
