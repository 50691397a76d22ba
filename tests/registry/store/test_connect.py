"""Which urls are stores, what importing costs, and which settings make no sense."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader

from registry.errors import InvalidName, InvalidRequest, StoreDenied, StoreRefused
from registry.store import S3Settings, connect
from tests.paths import ROOT


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", InvalidRequest),
        ("  ", InvalidRequest),
        ("gs://bucket/registry", InvalidRequest),
        ("file:///srv/registry", InvalidRequest),
        ("s3://", InvalidRequest),
        ("s3://ab", InvalidRequest),
        ("s3://a bucket", InvalidRequest),
        ("s3:///registry", InvalidRequest),
        ("s3://bucket/../other", InvalidName),
        ("s3://bucket/a//b", InvalidName),
        ("s3://bucket/.hidden", InvalidName),
        ("s3://bucket/caf\u00e9", InvalidName),
        ("s3://bucket--use1-az4--x-s3/registry", StoreRefused),
    ],
)
def test_what_is_no_store_is_refused_with_the_url(url: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"s3://bucket|not a key"):
        connect(url)


@pytest.mark.parametrize("url", ["folder\0", "half a character \ud800", "~nobody-of-this-name/registry"])
def test_what_is_no_path_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be the folder of a registry"):
        connect(url)


def test_a_folder_is_a_store_and_keeps_the_name_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = connect("some/registry")
    assert store.url == "some/registry"
    monkeypatch.chdir("/")  # the folder is the one it was when connecting
    store.create("k", b"data")
    assert (tmp_path / "some/registry/k").read_bytes() == b"data"


def test_a_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    connect("~/registry").create("k", b"data")
    assert (tmp_path / "registry/k").exists()


def test_importing_loads_no_s3_client() -> None:
    program = (
        "import sys, registry.store; sys.exit(any(name.split('.')[0] in ('boto3', 'botocore') for name in sys.modules))"
    )
    root = ROOT
    assert subprocess.run([sys.executable, "-c", program], cwd=root, timeout=60).returncode == 0


@pytest.mark.parametrize("endpoint", ["not a url", "127.0.0.1:9000"])
def test_an_endpoint_that_is_no_url_is_refused(endpoint: str) -> None:
    with pytest.raises(InvalidRequest, match="AWS_ENDPOINT_URL"):
        connect("s3://bucket", s3=S3Settings(endpoint_url=endpoint))


def test_an_unknown_profile_is_refused(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(InvalidRequest, match="nobody"):
        connect(bucket)


def test_missing_credentials_are_told_with_the_variables_to_set(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for operation in (lambda store: store.get("k"), lambda store: store.create("k", b"")):
        with pytest.raises(StoreDenied, match="AWS_ACCESS_KEY_ID"):
            operation(connect(bucket))


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"read_timeout": 0.0}, {"connect_timeout": -1.0}, {"first_wait": -1.0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidRequest):
        S3Settings(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_a_second_client_of_other_credentials_reads_no_description_again(
    aws: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws("http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "one")
    connect("s3://bucket")
    read: list[str] = []
    load = JSONFileLoader.load_file
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda self, path: read.append(path) or load(self, path))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    connect("s3://bucket")
    assert read == []
