"""What ``registry --help`` and the shell's completion say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.registry.actors import NAME

ACTED = ["promote", "rollback", "freeze", "unfreeze", "suspend", "resume", "repair", "retire", "tag"]
EXCHANGED = ["export", "bundle", "import-notebook", "predict"]
COMMANDS = [
    "models",
    "history",
    "show",
    "log",
    "champion",
    "compare",
    *ACTED,
    "verify",
    "gc",
    "fold",
    "copy",
    *EXCHANGED,
]


def test_help_names_every_command_and_what_the_exit_status_means(run):
    status, out, _ = run("--help")
    assert status == 0 and "Exit status: 0 done; 2 wrong usage" in out
    assert set(COMMANDS) <= {line.split()[0] for line in out.splitlines() if line.strip()}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(run, command):
    status, out, _ = run(command, "--help")
    assert status == 0 and "--json" in out and "--registry" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(run, command):
    assert f"Example: registry {command} " in run(command, "--help")[1]


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("registry roll", ["rollback"]),
        (f"registry history {NAME[:2]}", [NAME]),
        ("retrain exp", ["explain"]),
        (f"retrain explain {NAME[:2]}", [NAME]),
        ("registry history --registry nowhere/else g", []),
        ("registry history --registry s3:// g", []),
    ],
)
def test_the_shell_completes_commands_and_models(url, words, completed):
    name = words.split()[0]
    asked = {f"_{name.upper()}_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    program = [str(Path(sys.executable).with_name(name))]
    told = subprocess.run(program, env={**os.environ, **asked}, capture_output=True, text=True, check=False)
    assert (told.stdout.split(), told.stderr) == (completed, "")
