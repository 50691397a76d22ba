"""``s3:/bucket``, with one slash as ``pathlib`` leaves it: every command refuses it, and makes no folder of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import flows.cli
import registry.cli
from flows.operations.orchestrator.up import Place, environment
from registry.errors import InvalidRequest
from registry.store import connect
from registry.store.place import is_bucket, local_path

ONE_SLASH = "s3:/bucket/place"
RETRAIN = [
    ("run", "--no-prefect"),
    ("run", "--no-prefect", "--dry-run"),
    ("run", "--scheduled"),
    ("replay", "--from", "2024-05-01", "--to", "2024-05-03"),
    ("report", "m"),
    ("explain", "m"),
    ("replay-decision", "m", "1"),
    ("watch",),
    ("set-policy", "m", "--budget", "0.1", "--author", "a", "--reason", "why"),
    ("status",),
    ("doctor",),
    ("features", "raw.csv", "--out", ONE_SLASH),
]
REGISTRY = [
    ("models",),
    ("history", "m"),
    ("log", "m"),
    ("champion", "m"),
    ("verify", "m"),
    ("gc", "m"),
    ("fold", "m"),
    ("show", "m", "v1"),
    ("promote", "m", "v1", "--force", "--reason", "why"),
    ("copy", "m", "--to", ONE_SLASH),
]


@pytest.mark.parametrize(
    ("program", "arguments"),
    [*((flows.cli.main, each) for each in RETRAIN), *((registry.cli.main, each) for each in REGISTRY)],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_registry_with_one_slash_is_refused_and_no_folder_is_made(
    program: Callable[[], None],
    arguments: tuple[str, ...],
    tmp_path: Path,
    june: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_API_URL", "")
    for name, value in {"REGISTRY": ONE_SLASH, "DATA": str(june), "MODEL": "m", "CONDITIONS": "conditions"}.items():
        monkeypatch.setenv(f"RETRAIN_{name}", value)
    monkeypatch.setattr("sys.argv", ["command", *arguments])
    with pytest.raises(SystemExit) as ended:
        program()
    out = capsys.readouterr()
    assert ended.value.code not in (0, None)
    assert "write s3://bucket/prefix" in out.out + out.err or "kept on this machine" in out.err
    assert list(tmp_path.rglob("s3:*")) == []


WRITING = [
    (flows.cli.main, ("report", "m", "--out", ONE_SLASH)),
    (flows.cli.main, ("replay", "--from", "2024-01-02", "--to", "2024-01-03", "--tape", ONE_SLASH)),
    (registry.cli.main, ("export", "m", "v1", "--to", ONE_SLASH)),
    (registry.cli.main, ("bundle", "m", "1", "--to", ONE_SLASH)),
    (registry.cli.main, ("predict", "m", "bars.csv", "--to", ONE_SLASH)),
    (registry.cli.main, ("key", ONE_SLASH, "--new")),
]


@pytest.mark.parametrize(("program", "arguments"), WRITING, ids=[arguments[0] for _, arguments in WRITING])
def test_what_is_written_on_this_machine_is_not_written_to_a_folder_named_like_a_bucket(
    program: Callable[[], None],
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["command", *arguments])
    with pytest.raises(SystemExit) as ended:
        program()
    assert ended.value.code == 2 and "kept on this machine" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["RETRAIN_REGISTRY", "RETRAIN_DATA", "RETRAIN_CONDITIONS", "RETRAIN_SAMPLE"])
def test_a_server_hands_no_such_folder_on_to_its_runs(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=name):
        environment(Place(tmp_path, "127.0.0.1", 4200), {name: ONE_SLASH})


@pytest.mark.parametrize("place", ["s3:/b", "s3:b", "S3:/b", "s3a:/b", "gs:/b", " s3:/b", "http:/b", "s3://", "", "\t"])
def test_what_is_no_place_is_no_store(place: str) -> None:
    with pytest.raises(InvalidRequest, match="s3://bucket"):
        connect(place)


@pytest.mark.parametrize("place", ["registry", "./s3:/b", "/srv/a:b/c", "~/registry", "2024-06-01T12:00/registry", "C"])
def test_what_is_a_folder_stays_one(place: str) -> None:
    assert not is_bucket(place)
    assert local_path(place, "a cache") == Path(place).expanduser()


def test_a_bucket_is_one(tmp_path: Path) -> None:
    assert is_bucket("s3://bucket/place/with space/year=2024")
    with pytest.raises(InvalidRequest, match="kept on this machine"):
        local_path(Path("s3://bucket/place"), "a cache")
