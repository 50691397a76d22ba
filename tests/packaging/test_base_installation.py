"""`pip install champion-gate` without an extra: reading and serving work, the rest says in one line what to install."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from flows.cli import COMMANDS
from registry import Registry, VersionRecord
from registry.archive.archive import pack
from registry.archive.input_schema import InputSchema

NAME = "gbpusd_m15_direction"
NOTEBOOK = {
    "version": "v1",
    "timestamp": "2024-01-01 00:00:00",
    "params": {},
    "features": ["a"],
    "metrics": {"accuracy": 0.5},
    "path": "model.pkl",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with two versions, of which the first is the champion."""
    folder = tmp_path_factory.mktemp("registry")
    model = Registry(folder).model(NAME)
    x = np.random.default_rng(1).normal(size=(60, 2))
    for accuracy in (0.51, 0.52):
        estimator = LogisticRegression(C=accuracy).fit(x, (x[:, 0] > 0).astype(int))
        record = VersionRecord(
            recipe="logistic", metrics={"accuracy": accuracy}, measured_on={"bars": 9, "fingerprint": "a"}
        )
        model.register(pack(estimator, InputSchema(("rsi_14", "adx_14"))), record, author="trainer")
    model.force("v1", author="ann", reason="to begin with")
    return folder


def python(base: Path, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(base), "-I", *command], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "words",
    [
        ["models"],
        ["champion", NAME],
        ["history", NAME],
        ["log", NAME],
        ["show", NAME, "v2"],
        ["compare", NAME, "v1", "v2"],
        ["verify", NAME],
        ["predict", NAME, "bars.csv"],
    ],
    ids=lambda words: words[0],
)
def test_a_registry_is_read_by_the_command_line(base: Path, place: Path, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "bars.csv").write_text("rsi_14,adx_14\n0.5,0.1\n")
    done = python(base, "-m", "registry.cli", *words, "--registry", str(place), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_champion_is_served(base: Path, place: Path, tmp_path: Path) -> None:
    served = f"registry.load({NAME!r}, url={str(place)!r})"
    code = f"import registry; print({served}.predict({{'rsi_14': [1.0], 'adx_14': [0.0]}}).says)"
    done = python(base, "-c", code, cwd=tmp_path)
    assert done.stdout == "['up']\n", done.stderr


def test_a_store_in_a_bucket_can_be_opened(base: Path, tmp_path: Path) -> None:
    code = "import registry, registry.store.s3, boto3; registry.Registry('s3://models/registry').model('any')"
    assert python(base, "-c", code, cwd=tmp_path).returncode == 0


def test_the_commands_of_the_nights_are_listed(base: Path, tmp_path: Path) -> None:
    done = python(base, "-m", "flows.cli", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(COMMANDS) <= set(done.stdout.split())


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_command_of_the_nights_names_the_extra_in_one_line(base: Path, tmp_path: Path, command: str) -> None:
    given = {"explain": [NAME], "report": [NAME], "replay-decision": [NAME, "1"]}.get(command, [])
    done = python(base, "-m", "flows.cli", command, *given, cwd=tmp_path)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("retrain: ")
    assert line.endswith("which is not installed here: pip install 'champion-gate[nights]'")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("nights", ["export", NAME, "v1", "--to", "out"]),
        ("nights", ["import-notebook", "registry.json", "--trust-pickles", "--registry", "other", "--author", "ann"]),
        ("signing", ["key", "new.pem", "--new"]),
    ],
)
def test_a_command_that_needs_an_extra_names_it_in_one_line(
    base: Path, place: Path, tmp_path: Path, extra: str, words: list[str]
) -> None:
    (tmp_path / "registry.json").write_text(json.dumps({"models": {"m": [NOTEBOOK]}}))
    (tmp_path / "model.pkl").write_bytes(b"N.")
    given = [] if words[0] == "key" or "--registry" in words else ["--registry", str(place)]
    done = python(base, "-m", "registry.cli", *words, *given, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    [line] = done.stderr.splitlines()
    assert line.endswith(f"which is not installed here: pip install 'champion-gate[{extra}]'")


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ("history", "registry.history(name, url=url)"),
        ("history", "registry.compare(model.version('v1'), model.version('v2')).frame()"),
        (
            "nights",
            "from registry.archive.archive import pack\nfrom registry.archive.input_schema import InputSchema\n"
            "pack(type('OfScikitLearn', (), {'__module__': 'sklearn.svm'})(), InputSchema(('a',)))",
        ),
        ("signing", "from registry.trust.signing import Signer; Signer('promoter', b's' * 32)"),
    ],
)
def test_a_function_that_needs_an_extra_raises_an_error_that_names_it(
    base: Path, place: Path, tmp_path: Path, extra: str, code: str
) -> None:
    head = f"import registry; name, url = {NAME!r}, {str(place)!r}; model = registry.Registry(url).model(name)"
    done = python(base, "-c", f"{head}\n{code}", cwd=tmp_path)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("registry.errors.PackageMissing: ")
    assert last.endswith(f"pip install 'champion-gate[{extra}]'")


def test_versions_are_compared_where_nobody_can_read_their_evidence(base: Path, place: Path, tmp_path: Path) -> None:
    code = f"""
from types import SimpleNamespace
from registry import Registry
from registry.commands.versions import paired_days
model = Registry({str(place)!r}).model({NAME!r})
type(model).manifest = lambda self: SimpleNamespace(files=["one night"])
print(paired_days(model, model.version("v1"), model.version("v2")))
"""
    done = python(base, "-c", code, cwd=tmp_path)
    assert done.stdout == "{}\n", done.stderr
