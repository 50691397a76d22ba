"""``retrain run`` and ``registry`` as a person types them, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sklearn

from flows.cli import main
from registry import Registry
from tests.servers.prefect_server import PrefectServer

PARITY = (
    *("--train", "2022", "--holdout", "2024", "--labels", "notebook"),
    *("--recipe", "rf_shallow", "--recipe", "rf_deep", "--model", "rf_direction_classifier"),
)
SHORT = ("--recipe", "logistic", "--recipe", "hist_gradient_boosting", "--model", "m", "--as-of", "2024-06-05T21:00Z")

NOTEBOOK = {  # scikit-learn -> (accuracy, F1) of v1 and v2, as the notebook's own code gives them
    "1.6": ((0.5134397817539919, 0.3425845620121422), (0.5101500441306267, 0.32985729967069155)),
    "1.7": ((0.5134397817539919, 0.3425845620121422), (0.5101500441306267, 0.32985729967069155)),
    "1.8": ((0.5136804942630185, 0.3424107627210589), (0.5097488566155821, 0.32493647110816487)),
    "1.9": ((0.5136804942630185, 0.3424107627210589), (0.5097488566155821, 0.32493647110816487)),
}


def run(*command: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name(command[0])
    base = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RETRAIN_"))}
    return subprocess.run(
        [str(program), *command[1:]],
        env={**base, "PREFECT_PROFILES_PATH": os.devnull, **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def log_of(url: str, model: str) -> list[dict[str, Any]]:
    """The entries of both logs without ids, times and what follows from them."""
    opened = Registry(url).model(model)
    entries = [*opened.versions.walk(), *opened.decisions.walk()]
    return [_without_ids(entry.to_dict()) for entry in entries]


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        dropped = {"operation", "time", "since", "seconds", "previous", "registry", "seen"}
        return {name: _without_ids(item) for name, item in value.items() if name not in dropped}
    if isinstance(value, list):
        return [_without_ids(item) for item in value]
    return re.sub(r"-[0-9a-f]{32}\b", "-id", value) if isinstance(value, str) else value


def test_the_notebooks_figures_come_out_and_v1_stays_champion(real_bars: Path, tmp_path: Path) -> None:
    place = str(tmp_path / "registry")
    done = run("retrain", "run", "--data", str(real_bars), *PARITY, "--registry", place, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    by_version = {row["version"]: row for row in told["rows"] if row["version"]}
    expected = NOTEBOOK[".".join(sklearn.__version__.split(".")[:2])]
    for name, (accuracy, f1) in zip(("v1", "v2"), expected, strict=True):
        assert by_version[name]["accuracy"] == pytest.approx(accuracy, abs=1e-9)
        assert by_version[name]["f1"] == pytest.approx(f1, abs=1e-9)
        assert by_version[name]["bars"] == 24926
    assert told["champion"]["version"] == "v1"
    assert by_version["v2"]["status"] == "held"
    assert "rf_deep (v2) held: 0.39 points" in told["detail"]
    assert Registry(place).model("rf_direction_classifier").version("v1").record.rows == 24918


@dataclass(frozen=True)
class Ran:
    """A night that was run: the registry, and what the command printed."""

    registry: str
    told: str


@pytest.fixture(scope="module")
def plain(june: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The night without Prefect, in a folder. Tests only read its log."""
    place = str(tmp_path_factory.mktemp("plain") / "registry")
    done = run("retrain", "run", "--data", str(june), *SHORT, "--registry", place)
    assert done.returncode == 0, done.stderr
    return Ran(place, done.stdout)


def test_a_bucket_gets_the_same_log_as_a_folder(plain: Ran, june: Path, bucket: str) -> None:
    done = run("retrain", "run", "--data", str(june), *SHORT, "--registry", f"{bucket}/registry")
    assert done.returncode == 0, done.stderr
    assert log_of(plain.registry, "m") == log_of(f"{bucket}/registry", "m")
    assert len(log_of(plain.registry, "m")) == 4  # evidence, two versions, one decision


@pytest.mark.server
def test_through_prefect_and_without_it_leaves_the_same_log(
    plain: Ran, june: Path, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    assert "Running without Prefect: " in plain.told
    flow = str(tmp_path / "flow")
    through = run("retrain", "run", "--data", str(june), *SHORT, "--registry", flow, env=prefect_server.env)
    assert through.returncode == 0, through.stderr
    assert f"Running through Prefect at {prefect_server.url}" in through.stdout
    assert log_of(plain.registry, "m") == log_of(flow, "m")


def test_a_store_that_ignores_the_condition_is_refused_before_anything_is_lost(
    june: Path, rclone_server: str, aws: Callable[[str], None]
) -> None:
    from tests.servers.fixtures import new_bucket

    aws(rclone_server)
    place = new_bucket()
    done = run("retrain", "run", "--data", str(june), *SHORT, "--registry", f"{place}/registry")
    assert done.returncode == 6
    assert "ignores 'If-None-Match: *'" in done.stderr
    assert Registry(f"{place}/registry").store.list("") == ["format/2.json"]


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("--recipe", "rf_shalow"), 4, "rf_shalow"),
        (("--data", "no/such/folder"), 3, "no/such/folder"),
        (("--as-of", "yesterday"), 2, "yesterday"),
        (("--train", "2022"), 2, "both train and holdout"),
        (("--train", "2022", "--holdout", "2035"), 3, "2035"),
        (("--labels", "tomorrow"), 2, "labels"),
        (("--model", "a/b"), 2, "model name 'a/b'"),
        (("--registry", "ftp://x"), 2, "ftp://x"),
        (("--registry", "/dev/null/x"), 6, "/dev/null/x"),
        (("--as-of", "1999-01-01"), 3, "1999"),
    ],
)
def test_a_mistake_ends_with_one_message_and_no_traceback(
    sample: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    usual = {"--data": str(sample), "--registry": str(tmp_path / "registry"), "--recipe": "logistic"}
    usual |= dict(zip(options[::2], options[1::2], strict=True))
    words = [word for pair in usual.items() for word in pair]
    monkeypatch.setattr(sys, "argv", ["retrain", "run", "--no-prefect", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert ended.value.code == status, told
    assert says in told
    assert told.startswith("retrain: ") and "Traceback" not in told


def test_a_wrong_variable_is_named() -> None:
    done = run("retrain", "run", "--no-prefect", env={"RETRAIN_CORES": "none"})
    assert done.returncode == 2
    assert "RETRAIN_CORES" in done.stderr


def test_the_sample_is_labelled_simulated_everywhere(tmp_path: Path) -> None:
    done = run("retrain", "run", "--no-prefect", "--recipe", "logistic", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "gbpusd_m15_direction_simulated: " in done.stdout and "simulated bars" in done.stdout
    place = str(tmp_path / ".retrain" / "registry")
    champion = run("registry", "champion", "gbpusd_m15_direction_simulated", "--registry", place)
    assert "trained on simulated bars" in champion.stdout, champion.stderr
