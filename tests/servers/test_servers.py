"""The servers of the tests end with them, and a broken one says why it did not start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.fixtures import serve_moto
from tests.servers.processes import answers, free_ports, start, stop, wait_until_answers
from tests.servers.rgw import NOT_ASKED, Rgw
from tests.servers.scripted import Scripted, scripted_server


def test_nobody_listens_after_a_server_was_stopped(tmp_path: Path) -> None:
    with serve_moto(tmp_path / "log") as url:
        assert answers(url)
    assert not answers(url)
    with scripted_server(Scripted()) as script:
        assert answers(script.url)
    assert not answers(script.url)


def test_a_server_that_dies_at_once_is_told_with_its_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    server = start([sys.executable, "-c", "import sys; sys.exit('no such option')"], log=log)
    with pytest.raises(RuntimeError, match="no such option"):
        wait_until_answers(server, f"http://127.0.0.1:{free_ports(1)[0]}", log)
    assert server.returncode == 1


def test_a_server_that_does_not_listen_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    server = start([sys.executable, "-c", program], log=log)
    while not log.read_text():
        pass
    with pytest.raises(subprocess.TimeoutExpired):
        server.wait(0.01)
    stop(server, seconds=0.1)
    assert server.returncode == -9


def test_a_ceph_command_that_was_not_asked_is_asked_again_and_one_that_was_refused_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ceph"
    program.write_text(
        "#!/bin/sh\n"
        f"echo asked >>{tmp_path}/asked\n"
        f'[ "$3" = refused ] && {{ echo "Error EPERM: refused" >&2; exit 1; }}\n'
        f'[ "$(wc -l <{tmp_path}/asked)" -gt 2 ] && {{ echo done; exit 0; }}\n'
        f'echo "Error EPERM: {NOT_ASKED}." >&2; exit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    gateway = Rgw(tmp_path, "key", "secret")
    assert gateway._run("ceph", "osd", "new") == "done\n"
    assert (tmp_path / "asked").read_text().split() == ["asked"] * 3
    with pytest.raises(RuntimeError, match="ceph refused failed: Error EPERM: refused"):
        gateway._run("ceph", "refused")
    assert len((tmp_path / "asked").read_text().split()) == 4
