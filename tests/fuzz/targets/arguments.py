"""Arguments of the commands ``registry`` and ``retrain``, run in this process on a copy of a small registry."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import click
import typer

from flows import cli as retrain
from registry import cli as registry
from tests.flows.bars.bar_files import rows, write
from tests.fuzz.mutating import of_bytes
from tests.fuzz.real import REGISTRY
from tests.fuzz.target import Target

LEFT_OUT = ("up", "deploy", "alert-test", "demo")
"""They start servers, send something, or play sixty nights."""
_STARTS_SERVERS = ("--prefect", "--dask")

PLACE = "registry"
ENVIRONMENT = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "NO_COLOR": "1",
    "RETRAIN_DATA": "data",
    "RETRAIN_MODEL": "acts",
    "RETRAIN_REGISTRY": PLACE,
}
VALUES: tuple[str, ...] = (
    *("acts", "nightly", "named_years", "none", "v1", "v2", "v3", "v99", "3", "latest", "champion", "shadow", "v0"),
    *(PLACE, "empty", "data", "recipes.toml", "out", "rows.csv", "bundle.zip", "-", "", " ", ".", "registry/models"),
    *("2024-05-31", "2024-05-31T12:00Z", "2024-05-31 21:00", "0001-01-01", "9999-12-31T23:59:59-23:00", "now", "2024"),
    *("0", "1", "-1", "1e9", "1000000000000", "9" * 5000, "nan", "0.5", "true", "[red]x[/red]", "{}", "a=b"),
    *(
        "ann",
        "why",
        "é" * 100,
        "\ud800",
        "x" * 600,
        "--",
        "--help",
        "--json",
        "a\nb",
        "\x00",
        "٣",
        "%s",
        "s3:",
        "s3://",
    ),
    *("Europe/London", "America/New_York+7h", "UTC", "Mars/Base", "UTC+99h", "notebook", "next_bar", "line", "bayes"),
)


@cache
def commands() -> dict[str, dict[str, click.Command]]:
    """By program, its commands by name."""
    found = {}
    for program, app in (("registry", registry.app), ("retrain", retrain.app)):
        group: Any = typer.main.get_command(app)
        context = click.Context(group)
        named = {name: group.get_command(context, name) for name in group.list_commands(context)}
        found[program] = {name: command for name, command in named.items() if name not in LEFT_OUT}
    return found


@cache
def seeds() -> list[bytes]:
    """Each command as a person would begin to type it: an input is the list of its words as JSON."""
    found = []
    for program, named in commands().items():
        for name, command in named.items():
            words = [program, name]
            for parameter in command.params:
                if isinstance(parameter, click.Argument):
                    words.append(_likely(parameter.name or ""))
                elif parameter.required:
                    words += [parameter.opts[0], _likely(parameter.name or "")]
            has_place = any("--registry" in parameter.opts for parameter in command.params)
            found.append(json.dumps([*words, *(["--registry", PLACE] if has_place else [])]).encode())
    return found


def _likely(name: str) -> str:
    likely = {"version": "v3", "first": "v3", "second": "v4", "decision": "2", "n": "2", "reason": "why", "to": "out"}
    return likely.get(name, {"author": "ann", "tag": "best", "table": "rows.csv", "file": "rows.csv"}.get(name, "acts"))


def mutate(random: Random, data: bytes) -> bytes:
    words = json.loads(data)
    program, name = words[0], words[1] if len(words) > 1 else ""
    command = commands()[program].get(name)
    options = [] if command is None else [option for parameter in command.params for option in parameter.opts]
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(2, len(words) + 1) if len(words) > 1 else 1
        match random.randrange(7):
            case 0 if at < len(words):
                del words[at]
            case 1 if at < len(words):
                words[at] = random.choice(VALUES)
            case 2:
                words.insert(at, random.choice(VALUES))
            case 3 | 4 if options:
                words[at:at] = [random.choice(options), random.choice(VALUES)]
            case 5 if options:
                words.insert(at, random.choice(options))
            case _ if at < len(words):
                words[at] = of_bytes(random, words[at].encode(errors="replace")).decode(errors="replace")
    words = [word for word in words if not word.startswith(_STARTS_SERVERS)]
    safe = [word.lstrip("/~").replace("..", "") for word in words[2:]]  # nothing outside of the folder is written
    return json.dumps([program, *words[1:2], *safe]).encode()


def run(data: bytes) -> str:
    program, *words = json.loads(data)
    if words and words[0] in LEFT_OUT:
        return "left out"
    out, told = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace") for _ in range(2))
    with _in_a_folder(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
        before, sys.argv = sys.argv, [program, *words]
        status: Any = 0
        try:
            (registry if program == "registry" else retrain).main()
        except SystemExit as end:
            status = end.code or 0
        finally:
            sys.argv = before
    assert status in (*range(9), 10), f"status {status}"  # 10: a watch that found something to do
    told.seek(0)
    first = "".join(character for character in told.read(200) if character.isalpha() or character == " ")
    return f"{program} {words[:1]} {status} {first[:60]}"


@contextlib.contextmanager
def _in_a_folder() -> Any:
    """A copy of the registry, bars and a table, made anew where the last run changed it."""
    root = _root()
    if _state(root) != _made.get("state"):
        for path in root.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(REGISTRY, root / PLACE)
        (root / "data").mkdir()
        write(root / "data", rows(count=40))
        (root / "empty").mkdir()
        (root / "rows.csv").write_text("timestamp,rsi_14,adx_14\n2024-01-02 10:00,50.0,20.0\n")
        (root / "recipes.toml").write_text(
            '[mine]\nestimator = "sklearn.naive_bayes.GaussianNB"\nfeatures = ["rsi_14"]\n'
        )
        _made["state"] = _state(root)
    with contextlib.chdir(root), patch.dict(os.environ, ENVIRONMENT):  # also run among tests that have their own
        yield


_made: dict[str, Any] = {}


def _state(root: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_size) for path in root.rglob("*") if path.is_file())


@cache
def _root() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def target() -> Target:
    return Target("arguments", seeds, mutate, run, seconds=10.0, native=True)
