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
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import typer
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

import flows.cli
import registry.cli
from registry.commands.variables import VARIABLES
from tests.docs import project
from tests.docs.commands import PAGES, ROOT, Command, commands_of, files_of, python_of

APPS = {"retrain": flows.cli.app, "registry": registry.cli.app}

NOT_RUN = {
    "make": "installs, serves until Ctrl-C or takes minutes: the targets are checked to be there",
    "retrain demo": "plays a minute: tests/flows/demo",
    "retrain run --model": "trains on the whole sample: tests/flows/job/test_sample_recipes.py",
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

PYTHON_TOO = ("tutorial", "from-a-notebook", "from-cron", "from-mlflow")
"""Pages whose Python stands alone and is run between their commands; elsewhere it goes on from what a text assumes."""

PLACES = {"s3://models/registry": ".retrain/registry", "s3://mine/registry": "bucket", "/srv/bars": "path/to/bars"}
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
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # a settings file of a page sets them, and monkeypatch puts back what was there
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("RETRAIN_DATA", "path/to/bars")
    monkeypatch.setenv("RETRAIN_RECIPES_FILE", "recipes.toml")
    monkeypatch.setenv("RETRAIN_AUTHOR", "ann")
    project.quick_thresholds(monkeypatch)
    yield place


@pytest.mark.parametrize("page", [page for page in PAGES if commands_of(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_work_in_its_order(page: Path, inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", mlflow())
    for step in sorted(steps_of(page), key=lambda each: each[0]):
        match step:
            case (_, Command() as command):
                if why_not(command) is None:
                    run(command)
                else:
                    check_it_exists(command)
            case (_, str(name), str(text)):
                (inside / name).write_text(text)
            case (int(line), str(block)):
                run_python(block, f"{page.name}, line {line}")


def steps_of(page: Path) -> list[tuple[Any, ...]]:
    """What a reader of ``page`` types: commands, files, and where it stands alone Python, each with its line."""
    python = python_of(page) if page.stem in PYTHON_TOO else []
    return [*((command.line, command) for command in commands_of(page)), *files_of(page), *python]


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
        "\nIn `mine.toml`:\n\n```toml\na = 1\n```\n"
        "\n    retrain wrong # refused, status 3\n"
        "\n    20 17 * * 1-5  cd /srv && X=y .venv/bin/retrain cron >/dev/null\n"
    )
    found = [(command.line, command.words, command.environment) for command in commands_of(page)]
    assert found == [
        (3, ("retrain", "indented", "--a", "b | c"), ()),
        (6, ("registry", "two", "lines"), (("A", "b"),)),
        (13, ("make", "fenced"), ()),
        (26, ("retrain", "wrong"), ()),
        (28, ("retrain", "cron"), (("X", "y"),)),
    ]
    assert [command.refused for command in commands_of(page)] == [None, None, None, 3, None]
    assert files_of(page) == [(20, "mine.toml", "a = 1\n")]
    assert python_of(page) == [(16, "retrain = 1\n")]


def mlflow() -> ModuleType:
    """What the page on MLflow calls of it, answered as MLflow 3.17 does: installing it takes 700 MB."""
    rows = np.random.default_rng(1).normal(size=(200, 5))
    stub = ModuleType("mlflow")
    versions = [SimpleNamespace(version=number, run_id=f"run{number}") for number in ("2", "1")]
    data = SimpleNamespace(params={"C": "1.0"}, metrics={"accuracy": 0.51})
    fitted = LogisticRegression().fit(rows, rows[:, 0] > 0)
    vars(stub).update(
        search_model_versions=lambda *, filter_string: versions,
        get_run=lambda run_id: SimpleNamespace(data=data),
        sklearn=SimpleNamespace(load_model=lambda uri: fitted),
    )
    return stub


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


def run_python(block: str, where: str) -> None:
    for place, folder in PLACES.items():
        block = block.replace(place, folder)
    exec(compile(block, where, "exec"), {})


def run(command: Command) -> None:
    expected = command.refused or _listed(command, ENDS_WITH) or 0
    words = [PLACES.get(word, word) for word in command.words]
    # a command fills its environment from retrain.toml: the next one is a process of its own
    with patch.dict(os.environ, {name: PLACES.get(value, value) for name, value in command.environment}):
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
