"""A year that lies there in a form that is not read is named, in a folder and in a bucket; it is never skipped."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import load_bars, year_file
from flows.errors import BarsMissing, BarsRejected
from tests.flows.bars.bar_files import HEADER, rows, write

NEWEST = year_file(2025)

FORMS: dict[str, Callable[[Path], Path]] = {
    "gzip": lambda folder: folder / f"{NEWEST}.gz",
    "zip": lambda folder: folder / "GBPUSD_M15_2025_features.zip",
    "Feather": lambda folder: folder / "GBPUSD_M15_2025_features.feather",
    "a download in progress": lambda folder: folder / f"{NEWEST}.part",
    "capitals": lambda folder: folder / NEWEST.upper(),
    "no capitals": lambda folder: folder / NEWEST.lower(),
    "no ending": lambda folder: folder / "GBPUSD_M15_2025_features",
}


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The year 2024."""
    return write(tmp_path, rows())


@pytest.mark.parametrize("form", FORMS)
def test_the_newest_year_in_another_form_is_named(older: Path, form: str) -> None:
    path = FORMS[form](older)
    path.write_bytes(gzip.compress(b"x"))
    with pytest.raises(BarsRejected, match=f"1 fault:(.|\n)*{path.name}: it is not called {NEWEST}"):
        load_bars(older)
    with pytest.raises(BarsRejected, match=path.name):
        load_bars(older, years=(2025,))


def test_a_folder_of_that_name_and_links_are_named(older: Path, snapshot: SnapshotAssertion) -> None:
    (older / NEWEST).mkdir()
    (older / year_file(2026)).symlink_to(older / "nowhere")
    (older / year_file(2027)).symlink_to(older)
    with pytest.raises(BarsRejected, match=f"3 faults(.|\n)*{NEWEST}: a folder") as refused:
        load_bars(older)
    assert str(refused.value) == snapshot


def test_a_link_to_a_file_is_read(older: Path) -> None:
    (older / "elsewhere").mkdir()
    write(older / "elsewhere", rows("2025-01-02 10:00:00"), year=2025)
    (older / NEWEST).symlink_to(older / "elsewhere" / NEWEST)
    assert len(load_bars(older).frame) == 24


def test_a_folder_with_years_in_other_forms_alone_names_them(tmp_path: Path) -> None:
    (tmp_path / f"{NEWEST}.gz").write_bytes(b"")
    with pytest.raises(BarsRejected, match=rf"{NEWEST}\.gz"):
        load_bars(tmp_path)


def test_what_lies_beside_the_file_of_its_year_is_a_note(older: Path, snapshot: SnapshotAssertion) -> None:
    (older / f"{year_file(2024)}.bak").write_text(HEADER)
    bars = load_bars(older)
    assert len(bars.frame) == 12
    assert bars.repairs == snapshot


def test_years_that_nobody_asked_for_are_not_looked_at(older: Path) -> None:
    (older / f"{NEWEST}.gz").write_bytes(b"")
    (older / f"{year_file(2023)}.gz").write_bytes(b"")
    assert load_bars(older, years=(2024,)).repairs == ()
    early = datetime(2024, 1, 2, 17, tzinfo=UTC)
    with pytest.raises(BarsRejected, match="1 fault"):  # of 2023 alone
        load_bars(older, as_of=early)


@pytest.mark.parametrize("name", ["EURUSD_M15_2025_features.csv.gz", "GBPUSD_M15_25_features.csv.gz", "notes.gz"])
def test_files_of_other_names_are_nobodys_year(older: Path, name: str) -> None:
    (older / name).write_bytes(b"")
    assert load_bars(older).repairs == ()


@pytest.mark.parametrize("key", [f"{NEWEST}.gz", NEWEST.lower(), f"{NEWEST}/part-0.csv"])
def test_a_bucket_names_them_too(older: Path, bucket: str, key: str) -> None:
    client = boto3.session.Session().client("s3")
    name = bucket.removeprefix("s3://")
    client.put_object(Bucket=name, Key=f"bars/{year_file(2024)}", Body=(older / year_file(2024)).read_bytes())
    client.put_object(Bucket=name, Key="bars/", Body=b"")
    assert len(load_bars(f"{bucket}/bars").frame) == 12
    client.put_object(Bucket=name, Key=f"bars/{key}", Body=b"x")
    with pytest.raises(BarsRejected, match=f"1 fault:(.|\n)*{key.split('/')[0]}: "):
        load_bars(f"{bucket}/bars")
    client.close()


def test_a_year_asked_for_that_is_in_no_form_there_is_missing_as_before(older: Path) -> None:
    with pytest.raises(BarsMissing, match="no file of 2025"):
        load_bars(older, years=(2025,))
