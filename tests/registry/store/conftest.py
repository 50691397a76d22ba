"""The stores that the conformance suite runs on.

``TEST_STORE_URL`` adds one of your own, found by the ``AWS_*`` variables; what is made below a fresh root there stays.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from registry.clock import random_id
from registry.store import S3Settings, Store, connect
from tests.registry.store.aws_places import TEMPORARY, Place, Prepare
from tests.servers.fixtures import new_bucket
from tests.servers.recording import Recording, recording_server
from tests.servers.rgw import Rgw
from tests.servers.stores import MemoryStore

KINDS = [
    *("memory", "folder", "moto"),
    *(["rgw"] if os.environ.get("TEST_RGW") else []),
    *(["yours"] if os.environ.get("TEST_STORE_URL") else []),
]
_roots = itertools.count()
QUICK = S3Settings(read_timeout=5.0, first_wait=0.001)


@dataclass
class Waiting:
    """A clock that never waits and remembers how long it was asked to."""

    waited: list[float]

    def now(self) -> datetime:
        return datetime(2024, 5, 1, 22, tzinfo=UTC)

    def monotonic(self) -> float:
        return sum(self.waited)

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture
def clock() -> Waiting:
    return Waiting([])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a folder store is to be: not there yet."""
    return tmp_path / "registry"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_store(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, aws: Callable[[str], None]
) -> Callable[[], Store]:
    """Makes one store object more on the same, at first empty, place."""
    if kind == "memory":
        store = MemoryStore()
        return lambda: store
    if kind == "folder":
        return lambda: connect(tmp_path / "store")
    if kind == "yours":
        root = f"{os.environ['TEST_STORE_URL']}/{random_id()}"
        return lambda: connect(root)
    server = request.getfixturevalue(f"{kind}_server")
    aws(server.url if isinstance(server, Rgw) else server)
    url = f"{kind_bucket(kind)}/root-{next(_roots)}/registry"
    return lambda: connect(url, s3=QUICK)


@functools.cache
def kind_bucket(kind: str) -> str:
    """One bucket a server: each test has a root of its own in it."""
    return new_bucket()


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    return new_store()


@pytest.fixture
def prepare(
    aws: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> Prepare:
    """Makes a place all there is: nothing else of this machine or of other tests says anything to ``boto3``."""

    def stand(place: Place) -> None:
        aws("")
        for name in [name for name in os.environ if name.startswith("AWS_") or name.upper().endswith("_PROXY")]:
            monkeypatch.delenv(name)
        written = json.dumps([place.variables, place.config, place.credentials])
        for name in ("moto", "giver"):
            if f"{{{name}}}" in written:
                server = request.getfixturevalue("moto_server" if name == "moto" else name)
                written = written.replace(f"{{{name}}}", server if isinstance(server, str) else server.url)
        written = written.replace("{folder}", str(tmp_path))
        variables, config, credentials = json.loads(written)
        usual = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
        for name, value in (usual | variables).items():
            monkeypatch.setenv(name, value)
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws/config").write_text(config)
        (tmp_path / ".aws/credentials").write_text(credentials)

    return stand


@pytest.fixture
def giver() -> Iterator[Recording]:
    """What gives temporary credentials to a container, or to a virtual machine."""
    answers = {
        "/latest/api/token": b"a-token",
        "/latest/meta-data/iam/security-credentials/": b"a-role",
        "/latest/meta-data/iam/security-credentials/a-role": json.dumps(
            {**TEMPORARY, "Code": "Success", "Token": "token"}
        ).encode(),
        "/container": json.dumps({**TEMPORARY, "Token": "token"}).encode(),
    }
    with recording_server(lambda seen: (200, answers[seen.target])) as found:
        yield found
