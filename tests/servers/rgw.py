"""A Ceph RADOS Gateway of its own: one monitor, one object daemon that keeps everything in memory, one gateway.

Debian's ``radosgw ceph-mon ceph-osd`` are a real S3 server with real signatures, and its conditional PUT is atomic. All
state lives below one folder that the caller removes; nothing listens on anything but 127.0.0.1, and no daemon outlives
:meth:`Rgw.stop`. Needs no root beyond having the packages installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.processes import answers, free_ports, start, stop

PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "monmaptool")
START_SECONDS = 60.0
NOT_ASKED = "problem getting command descriptions from mon"
"""What ``ceph`` ends with where it spoke before it knew the monitor's cluster: the command itself was not sent."""

_CONF = """\
[global]
fsid = {fsid}
mon_initial_members = a
mon_host = [v1:127.0.0.1:{mon_port}]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
keyring = {folder}/keyring
run_dir = {folder}
log_file = {folder}/$name.log
admin_socket = {folder}/$name.asok
crash_dir = {folder}/crash
pid_file =
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1

[mon]
mon_data = {folder}/mon

[osd]
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_journal =
# A starting object daemon that places itself can die of "wrong fsid": so it is placed by hand.
osd_class_update_on_start = false
osd_crush_update_on_start = false

[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:{rgw_port}
rgw_data = {folder}/rgw
rgw_enable_usage_log = false
rgw_enable_gc_threads = false
rgw_dynamic_resharding = false
rgw_thread_pool_size = 64
"""


def missing_programs() -> list[str]:
    """The programs of the three packages that this machine has not got."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


@dataclass
class Rgw:
    """A running gateway; ``url`` answers S3 requests signed with ``access_key`` and ``secret_key``."""

    folder: Path
    access_key: str
    secret_key: str
    url: str = ""
    _daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start the three daemons and create the user; stops what it started when anything fails.

        Once more with other ports where that fails: somebody may have taken one before the daemon did.
        """
        try:
            self._start_or_stop()
        except (RuntimeError, subprocess.TimeoutExpired):
            shutil.rmtree(self.folder)
            self.folder.mkdir()
            self._start_or_stop()

    def _start_or_stop(self) -> None:
        try:
            self._start()
        except BaseException:  # Ctrl-C too: no daemon outlives it
            self.stop()
            raise

    def _start(self) -> None:
        mon_port, rgw_port = free_ports(2)
        fsid = str(uuid.uuid4())
        for name in ("mon", "osd", "rgw", "crash"):
            (self.folder / name).mkdir()
        self._conf.write_text(
            _CONF.format(fsid=fsid, mon_port=mon_port, rgw_port=rgw_port, folder=self.folder), encoding="ascii"
        )
        monmap = self.folder / "monmap"
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v1:127.0.0.1:{mon_port}]", str(monmap))
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", str(monmap))
        self._daemon("ceph-mon", "-i", "a")
        self._run("ceph", "--connect-timeout", "30", "osd", "new", fsid)
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", fsid)
        self._daemon("ceph-osd", "-i", "0")
        self._wait(lambda: json.loads(self._run("ceph", "osd", "stat", "-f", "json"))["num_up_osds"] == 1, "osd.0")
        self._daemon("radosgw", "-n", "client.rgw")
        self.url = f"http://127.0.0.1:{rgw_port}"
        self._wait(lambda: answers(self.url), "client.rgw")
        self.create_user("registry", self.access_key, self.secret_key)

    def create_user(self, name: str, access_key: str, secret_key: str) -> None:
        """Make an S3 user who may create buckets."""
        created = self._run(
            *("radosgw-admin", "user", "create", "--uid", name, "--display-name", name),
            *("--access-key", access_key, "--secret-key", secret_key),
        )
        if json.loads(created)["user_id"] != name:
            raise RuntimeError(f"radosgw-admin did not create {name}: {created}")

    def allow_user_policies(self, name: str) -> None:
        """Let a user attach policies to all users."""
        self._run("radosgw-admin", "caps", "add", "--uid", name, "--caps", "user-policy=*")

    def stop(self) -> None:
        """End every daemon, the gateway first, and wait for each."""
        while self._daemons:
            stop(self._daemons.pop())

    @property
    def _conf(self) -> Path:
        return self.folder / "ceph.conf"

    def _daemon(self, *command: str) -> subprocess.Popen[bytes]:
        daemon = start(
            [*command, "-f", "-c", str(self._conf)], log=self.folder / f"{command[0]}.out", env=_environment()
        )
        self._daemons.append(daemon)
        return daemon

    def _run(self, program: str, *arguments: str) -> str:
        config = () if program == "monmaptool" else ("-c", str(self._conf))
        command = [program, *config, *arguments]
        deadline = time.monotonic() + START_SECONDS
        while True:
            done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, env=_environment())
            if done.returncode == 0:
                return done.stdout
            if NOT_ASKED not in done.stderr or time.monotonic() > deadline:
                raise RuntimeError(f"{program} {' '.join(arguments)} failed: {done.stderr.strip()[-2000:]}")
            time.sleep(0.2)

    def _wait(self, ready: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > deadline or any(daemon.poll() is not None for daemon in self._daemons):
                log = self.folder / f"{name}.log"
                said = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else "it wrote no log"
                raise RuntimeError(f"{name} did not start: {said}")
            time.sleep(0.2)


def _environment() -> dict[str, str]:
    # The `ceph` command is a Python script of the system's interpreter; a virtual environment would mislead it.
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "CEPH_"))}
