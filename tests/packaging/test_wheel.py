"""What an installer gets: files, metadata, entry points."""

from __future__ import annotations

import re
import subprocess
import zipfile
from email import message_from_bytes
from email.message import Message
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import flows
import registry
from tests.paths import ROOT


@pytest.fixture(scope="module")
def members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(members: dict[str, bytes]) -> Message:
    [name] = [name for name in members if name.endswith(".dist-info/METADATA")]
    return message_from_bytes(members[name])


def test_everything_of_both_packages_is_in_it_and_nothing_else(members: dict[str, bytes]) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "champion_gate", "flows", "registry"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    assert {"flows/py.typed", "registry/py.typed", "flows/report/templates/report.html.j2"} <= expected
    packed = {name for name in members if ".dist-info/" not in name}
    assert packed == expected | {"flows/prefect.yaml"}


def test_one_version_is_said_everywhere(metadata: Message) -> None:
    assert metadata["Version"] == registry.__version__ == flows.__version__


def test_it_says_what_it_is_and_for_whom(metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    libraries = {"lightgbm", "xgboost", "catboost"}
    others = {"history", "nights", "signing", "cluster", "parquet", "textbook", "search", "exchanges"}
    assert set(metadata.get_all("Provides-Extra", [])) == libraries | others


def test_no_link_of_its_page_is_relative(metadata: Message) -> None:
    page = metadata.get_payload()
    links = re.findall(r"\]\(([^)\s]+)", page) + re.findall(r'(?:href|src)="([^"]+)', page)
    [home] = [url.partition(", ")[2] for url in metadata.get_all("Project-URL", [])]
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    assert len([link for link in links if link.startswith(f"{home}/docs/")]) > 10


def test_its_commands_and_entry_points_are_there(members: dict[str, bytes]) -> None:
    [name] = [name for name in members if name.endswith(".dist-info/entry_points.txt")]
    found = re.findall(r"^(\w+) = (\S+)$", members[name].decode(), re.MULTILINE)
    assert {name for name, _ in found} == {"retrain", "registry", "ledger"}
    for name, value in found:
        assert callable(EntryPoint(name, value, "any").load())
