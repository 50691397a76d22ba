"""Bars from a bucket are the bars of the folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import boto3
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import load_bars, write_sample
from flows.errors import BarsMissing, BarsRejected, RequestRefused, SourceRefused
from flows.operations.runs.feed import bars_of
from tests.flows.bars.bar_files import rows, write
from tests.paths import ROOT


def upload(folder: Path, url: str) -> None:
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    client = boto3.session.Session().client("s3")
    for path in folder.iterdir():
        client.put_object(Bucket=bucket, Key=f"{prefix}/{path.name}".lstrip("/"), Body=path.read_bytes())
    client.close()


@pytest.mark.parametrize("prefix", ["", "/bars", "/year=all/my bars/"])
def test_bars_from_a_bucket_are_those_of_the_folder(tmp_path: Path, bucket: str, prefix: str) -> None:
    folder = write_sample(tmp_path, first=date(2023, 12, 18), last=date(2024, 1, 10))
    upload(folder, bucket + prefix.rstrip("/"))
    found, expected = load_bars(bucket + prefix), load_bars(folder)
    assert found.frame.equals(expected.frame)
    assert found.simulated
    assert found.source == bucket + prefix
    assert (found.as_of, found.night, found.repairs) == (expected.as_of, expected.night, expected.repairs)


def test_files_below_or_beside_the_prefix_are_not_its_bars(tmp_path: Path, bucket: str) -> None:
    (tmp_path / "one").mkdir()
    upload(write(tmp_path / "one", rows()), f"{bucket}/bars/old")
    upload(tmp_path / "one", f"{bucket}/bars2")
    with pytest.raises(BarsMissing, match="holds no file named"):
        load_bars(f"{bucket}/bars")


def test_a_fault_in_a_bucket_is_named_like_one_in_a_folder(
    tmp_path: Path, bucket: str, snapshot: SnapshotAssertion
) -> None:
    upload(write(tmp_path, [*rows(), "2024-01-02 13:00:00,0"]), f"{bucket}/bars")
    with pytest.raises(BarsRejected, match=r"GBPUSD_M15_2024_features.csv row 14: 2 of 6") as refused:
        load_bars(f"{bucket}/bars")
    assert str(refused.value) == snapshot


def test_a_bucket_that_is_not_there_is_missing(bucket: str, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(BarsMissing, match=r"s3://no-such-bucket/bars: .*NoSuchBucket") as refused:
        load_bars("s3://no-such-bucket/bars")
    assert str(refused.value) == snapshot


def test_a_server_that_does_not_answer_is_one_clear_message(
    aws: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    aws("http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(BarsMissing, match="AWS_ENDPOINT_URL") as refused:
        load_bars("s3://bucket/bars")
    assert str(refused.value) == snapshot


def test_an_endpoint_that_is_no_address_is_one_clear_message(aws: Callable[[str], None]) -> None:
    aws("not an address")
    with pytest.raises(SourceRefused, match="AWS_ENDPOINT_URL"):
        load_bars("s3://bucket/bars")


def test_waiting_for_bars_ends_at_once_where_the_bucket_cannot_be_read_at_all(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night waits for hours for bars that are late, and would then say that there are none."""
    close = datetime(2024, 6, 3, 21, tzinfo=UTC)
    assert bars_of(f"{bucket}/bars", "london-5h", close).count == 0
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token\n")
    with pytest.raises(SourceRefused, match="AWS_SESSION_TOKEN"):
        bars_of(f"{bucket}/bars", "london-5h", close)


@pytest.mark.parametrize(
    "place",
    ["s3:/bucket/bars", "s3:bucket/bars", "S3:/bucket", "gs:/b", "gs://b/bars", "s3://u:p@bucket/bars", "s3://b/x?y=z"],
)
def test_what_is_almost_a_bucket_is_no_folder(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestRefused, match="write s3://bucket/prefix"):
        load_bars(place)
    assert list(tmp_path.iterdir()) == []


def test_bars_from_a_folder_load_no_s3_client() -> None:
    program = "import sys, flows.bars; assert not {'boto3', 'botocore', 'prefect', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
