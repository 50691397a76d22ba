"""``retrain run`` where no Prefect server helps: from cron, or because the server is down."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.cli import main
from flows.operations.runs import unattended
from flows.operations.runs.lock import run_lock
from registry import Registry
from tests.clocks import FixedClock
from tests.flows.operations.receiver import Receiver, receiving

NOBODY = "http://127.0.0.1:9/api"  # port 9: nothing listens
WEDNESDAY = datetime(2024, 6, 5, 21, 20, tzinfo=UTC)
FAST = ("--recipe", "logistic", "--no-backfill")

Retrain = Callable[..., tuple[int, str, str]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def retrain(
    june: Path,
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Retrain:
    """The command ``retrain`` on Wednesday evening; gives its status, output and errors."""
    values = {"DATA": june, "REGISTRY": tmp_path / "registry", "MODEL": "m", "CORES": 1, "ALERT_URL": receiver.url}
    for name, value in (values | {"CONDITIONS": tmp_path / "conditions"}).items():
        monkeypatch.setenv(f"RETRAIN_{name}", str(value))
    monkeypatch.setenv("PREFECT_API_URL", NOBODY)
    clock = FixedClock(WEDNESDAY)
    monkeypatch.setattr(unattended, "SystemClock", lambda: clock)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["retrain", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def nights(folder: Path) -> list[str]:
    return [entry.state["night"] for entry in Registry(folder / "registry").model("m").acts()]


def test_a_server_that_is_down_does_not_keep_the_night_from_running(
    retrain: Retrain, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    status, out, err = retrain("run", *FAST, "--as-of", "2024-06-05T21:00Z")
    assert status == 0, err
    assert NOBODY in out.splitlines()[0] and out.splitlines()[0] == snapshot
    assert nights(tmp_path) == ["2024-06-05"]


def test_and_what_goes_wrong_is_told_directly(
    retrain: Retrain, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_FEED", "echo quota used up; exit 3")
    status, out, err = retrain("run", *FAST)
    assert status == 3 and "quota used up" in err
    assert "feed: quota used up" in out, "what the feed says is shown as it happens"
    assert receiver.subjects == ["retrain: data.missing (m)"]


def test_asked_for_prefect_a_server_that_is_down_is_an_error(retrain: Retrain, tmp_path: Path) -> None:
    status, _, err = retrain("run", *FAST, "--prefect")
    assert status == 2 and f"{NOBODY} does not answer" in err and "Traceback" not in err
    assert not (tmp_path / "registry").exists()


def test_cron_waits_for_the_days_bars_and_a_second_line_of_it_is_covered(
    retrain: Retrain, receiver: Receiver, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    status, out, err = retrain("run", "--scheduled", *FAST)
    assert status == 0, err
    assert "Running without Prefect." in out and nights(tmp_path) == ["2024-06-05"]
    status, out, err = retrain("run", "--scheduled", *FAST)
    assert (status, err) == (0, "")
    assert "night of 2024-06-05" in out.splitlines()[1] and out == snapshot
    told = json.loads(retrain("run", "--scheduled", "--json", *FAST)[1])
    assert told["covered"] == out.splitlines()[1]


def test_cron_without_the_days_bars_is_missing_data_after_the_wait(
    retrain: Retrain, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr(unattended, "SystemClock", lambda: FixedClock(datetime(2026, 6, 3, 21, 20, tzinfo=UTC)))
    status, out, err = retrain("run", "--scheduled", *FAST)
    assert status == 3 and "2026-06-03" in err and "180 minutes" in err
    assert err == snapshot
    assert out.count("looking again in") == 36, "every five minutes for three hours"
    assert receiver.subjects == ["retrain: data.missing (m)"] and not (tmp_path / "registry" / "models").exists()


def test_a_run_that_waits_for_another_one_says_so(
    retrain: Retrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_TURN_MINUTES", "0")
    with run_lock(str(tmp_path / "registry"), "m", clock=FixedClock(), limit=timedelta(0)):
        status, _, err = retrain("run", *FAST)
    assert status == 5 and "another run of m " in err


def test_cron_and_prefect_exclude_each_other(retrain: Retrain) -> None:
    status, _, err = retrain("run", *FAST, "--scheduled", "--prefect")
    assert status == 2 and "--scheduled is for cron" in err
