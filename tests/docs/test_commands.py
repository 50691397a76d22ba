"""Every command in the docs is typed here: in a project of its own a page, in the order of the page.

What cannot be run stands in ``NOT_RUN`` with the reason; that its program and options exist is checked all the same.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import flows.cli
import registry.cli
from tests.docs import project
from tests.docs.commands import PAGES, ROOT, Command, commands_of

APPS = {"retrain": flows.cli.app, "registry": registry.cli.app}

NOT_RUN = {
    "make": "installs, serves until Ctrl-C or takes minutes: the targets are checked to be there",
    "retrain up": "runs until Ctrl-C: tests/flows/operations/orchestrator/test_up.py",
    "retrain deploy": "needs a Prefect server: tests/flows/operations/orchestrator/test_up.py",
    "retrain run --scheduled": "waits for tonight's bars: tests/flows/operations",
    "retrain status --again": "needs a pool of two models: tests/flows/fleet/test_pooled_fleet.py",
    "retrain replay": "fits every recipe of 390 nights: tests/flows/night/test_replay_and_explain.py",
    "registry approve": "needs a night that waits for it: tests/flows/night/test_signed_nights.py",
    "registry repair": "refused where nothing lies in the future: tests/registry/model/test_repair_dates.py",
    "python -m benchmarks": "takes minutes to hours: the module is checked to be there",
    "python -m pytest": "the tests are running already",
    "pip": "would change this environment",
    "kubectl": "needs a cluster",
    "docker": "needs Docker",
    "prefect": "needs a Prefect server: tests/flows/operations",
    "aws": "needs an account",
    "curl": "needs a server that runs",
    "git": "would change this checkout",
    "openssl": "its output is a secret",
    "systemctl": "needs systemd",
    "crontab": "would change the machine",
}

ENDS_WITH = {"retrain watch": 10, "retrain status --check": 1, "retrain alert-test": 2}
"""The project's bars are old and nobody is to be told: what the command is there to say."""

PLACES = {"s3://models/registry": ".retrain/registry", "/srv/bars": "path/to/bars"}
"""Folders stand for buckets: tests/registry/store runs the same on real S3."""


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project.make(tmp_path_factory.mktemp("docs") / "project")


@pytest.fixture
def inside(lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh copy of the project is where the commands are typed, without Prefect and without anybody's settings."""
    place = tmp_path / "project"
    shutil.copytree(lived, place)
    monkeypatch.chdir(place)
    for name in list(os.environ):
        if name.startswith(("RETRAIN_", "PREFECT_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("RETRAIN_DATA", "path/to/bars")
    monkeypatch.setenv("RETRAIN_RECIPES_FILE", "recipes.toml")
    monkeypatch.setenv("RETRAIN_AUTHOR", "ann")
    project.quick_thresholds(monkeypatch)
    yield place


@pytest.mark.parametrize("page", [page for page in PAGES if commands_of(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_work_in_its_order(page: Path, inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in commands_of(page):
        if why_not(command) is None:
            run(command, monkeypatch)
        else:
            check_it_exists(command)


def test_the_docs_hold_commands_at_all() -> None:
    assert len([command for page in PAGES for command in commands_of(page)]) > 40


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retrain run --no-such-option", "No such option"),
        ("retrain no-such-command", "no command"),
        ("make no-such-target", "no target"),
        ("python -m benchmarks.no_such_module", "no module"),
    ],
)
def test_what_does_not_exist_is_found(text: str, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_it_exists(Command(ROOT / "README.md", 1, (), tuple(text.split())))


def test_commands_are_found_in_blocks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "retrain prose\n\n    retrain indented --a 'b | c'   # comment\n    an output line\n      retrain output\n"
        "    A=b registry \\\n        two lines\n\n- a list\n    retrain continued prose\n"
        "\n```sh\n$ make fenced | head\n```\n\n```python\nretrain = 1\n```\n"
        "\n    20 17 * * 1-5  cd /srv && X=y .venv/bin/retrain cron >/dev/null\n"
    )
    found = [(command.line, command.words, command.environment) for command in commands_of(page)]
    assert found == [
        (3, ("retrain", "indented", "--a", "b | c"), ()),
        (6, ("registry", "two", "lines"), (("A", "b"),)),
        (13, ("make", "fenced"), ()),
        (20, ("retrain", "cron"), (("X", "y"),)),
    ]


def why_not(command: Command) -> str | None:
    """The reason why ``command`` is not run; None if it is."""
    return _listed(command, NOT_RUN)


def _listed(command: Command, listed: Mapping[str, Any]) -> Any:
    """What stands in ``listed`` under the command's first words, options in any place."""
    for beginning, value in listed.items():
        words = beginning.split()
        plain = [word for word in words if not word.startswith("--")]
        begins = all(
            said == word or said.startswith(f"{word}.") for said, word in zip(command.words, plain, strict=False)
        )
        if begins and len(command.words) >= len(plain) and set(words) - set(plain) <= set(command.words):
            return value
    return None


def run(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _listed(command, ENDS_WITH) or 0
    words = [PLACES.get(word, word) for word in command.words]
    with monkeypatch.context() as patch:
        for name, value in command.environment:
            patch.setenv(name, PLACES.get(value, value))
        if words[0] in APPS:
            done = CliRunner().invoke(APPS[words[0]], words[1:])
            # errors for people are printed by main(), which ends with their status
            status = getattr(done.exception, "exit_status", done.exit_code)
            assert status == expected, f"{command}\nended with {status}: {done.output}{done.exception!r}"
        elif words[0] in ("python", "cmp"):
            program = sys.executable if words[0] == "python" else words[0]
            words = [program, *(str(ROOT / word) if word.startswith("examples/") else word for word in words[1:])]
            outcome = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            assert outcome.returncode == expected, f"{command}\n{outcome.stderr}"
        else:
            raise AssertionError(f"{command} is neither run nor listed in NOT_RUN with the reason why not")


def check_it_exists(command: Command) -> None:
    """That the program's command and options are there, without running it."""
    program, *words = command.words
    if program in APPS:
        group = typer.main.get_command(APPS[program])
        found = group.get_command(None, words[0]) if words else None
        assert found is not None, f"{command}: no command {words[:1]}"
        try:
            found.make_context(words[0], words[1:])
        except Exception as refused:  # whatever the parser raises is what a reader would see
            raise AssertionError(f"{command}: {getattr(refused, 'message', refused)}") from refused
    elif program == "make":
        targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        asked = [word for word in words if "=" not in word]
        assert set(asked) <= set(targets), f"{command}: no target {shlex.join(asked)}"
    elif program == "python" and words[:1] == ["-m"]:
        assert _is_module(words[1]), f"{command}: no module {words[1]}"


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
