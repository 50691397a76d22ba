"""A follower in a forked worker, as under a web server that loads its application before it forks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry import Model, Registry
from tests.registry.serving.test_serving_follower import NAME, WHO, crown

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

SERVER = """
import os, sys, time
import registry
from registry.errors import Suspended

follower = registry.follow({name!r}, url={url!r}, every=0.02)
follower._looking.acquire()  # the parent's thread is at its look while the worker is made
worker = os.fork()
if worker:
    follower._looking.release()
    follower.close()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))
print("serving", flush=True)
end = time.monotonic() + 20
while time.monotonic() < end:
    try:
        follower.predict({{"rsi_14": [55.0], "atr_14": [0.02]}})
    except Suspended:
        follower.close()
        print("stands aside", flush=True)
        os._exit(0)
    time.sleep(0.01)
print("went on", flush=True)
os._exit(1)
"""


@pytest.fixture(params=["folder", "S3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "registry")
    place: str = request.getfixturevalue("bucket")
    return f"{place}/forked"


@pytest.fixture
def model(url: str) -> Model:
    made = Registry(url).model(NAME)
    crown(made)
    return made


@pytest.fixture
def server(model: Model, url: str) -> Iterator[subprocess.Popen[str]]:
    """A process that followed the champion and then forked the worker that serves it."""
    script = SERVER.format(name=NAME, url=url)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_a_forked_worker_stands_aside_when_production_is_suspended(server: subprocess.Popen[str], model: Model):
    assert server.stdout is not None
    assert server.stdout.readline() == "serving\n"
    model.suspend(**WHO)
    assert server.stdout.readline() == "stands aside\n"
    assert server.wait(20) == 0
