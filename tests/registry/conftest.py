"""The command ``registry`` called on a registry of three versions; a store in memory with a clock of the tests."""

from __future__ import annotations

import sys

import pytest

from tests.registry.actors import HandClock
from tests.servers.fixtures import new_bucket
from tests.servers.stores import MemoryStore


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A registry with v1, v2 and v3, of which v1 and then v2 were champions."""
    from tests.registry.commanded import fill  # scikit-learn, which most tests do without

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("RETRAIN_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("RETRAIN_AUTHOR", "ann")
    fill(tmp_path / "registry")
    return str(tmp_path / "registry")


@pytest.fixture
def raced_url(place, request, tmp_path, aws):
    """Where processes race: a folder, or a bucket of Ceph; see :data:`tests.servers.fixtures.RACED`."""
    if place == "folder":
        return str(tmp_path / "registry")
    aws(request.getfixturevalue("rgw_server").url)
    return f"{new_bucket()}/registry"


@pytest.fixture
def registry_command(monkeypatch, capsys):
    """Runs the command ``registry``: (exit status, standard output, standard error)."""
    from registry import cli  # and what prints tables, as above

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["registry", *map(str, arguments)])
        status: str | int = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
        told = capsys.readouterr()
        return status, told.out, told.err

    return called


@pytest.fixture
def run(url, registry_command):
    """A command on that registry."""
    return registry_command


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store(clock):
    """A store with the tests' clock: it ages only when a test lets time pass."""
    return MemoryStore(clock=clock)
