"""``retrain up``: Prefect server, deployments, automations and the worker that executes runs, in one command.

Everything of the server lies in one folder (``.retrain/prefect``). Ctrl-C ends it all; a run that is under way is ended
with it, and the next run completes what is missing.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import httpx
import psutil

from flows.errors import RetrainError
from flows.operations.orchestrator.deployments import POOL
from flows.operations.orchestrator.pauses import STAYS
from flows.operations.orchestrator.processes import Child, end_all
from flows.operations.orchestrator.schedules import night_words
from flows.settings import Settings, load_settings
from registry.clock import Clock
from registry.store.place import is_bucket

LOOPBACK = ("127.0.0.1", "localhost", "::1")

START_SECONDS = 120.0
"""A first start makes the database: 10 s on an idle machine, more than 60 s on a busy one."""

_RESTARTS = 5  # of one part, after which something is wrong that a restart does not fix
_LOOK_SECONDS = 0.5
_PATIENCE_WORKER, _PATIENCE_SERVER = 2.5, 1.5  # seconds; together with the rest below the five that Ctrl-C may take


class PortTaken(RetrainError):
    """The port is in use: by another program, or by a server that was left behind."""


class AlreadyUp(RetrainError):
    """Another ``retrain up`` has the folder of the server's database; nothing was started."""


class UpFailed(RetrainError):
    """A part did not start, or ended again and again; everything was stopped."""


class Stopped(Exception):
    """A signal asked for the end."""


@dataclass(frozen=True)
class Place:
    """Where the server is to be. ``home``: the folder of its database and logs."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 4200

    @property
    def ui(self) -> str:
        return f"http://{'127.0.0.1' if self.host in ('0.0.0.0', '::') else self.host}:{self.port}"

    @property
    def pages(self) -> str:
        """Where pages have their addresses: ``/`` leads here, while its own addresses open Prefect's former UI."""
        return f"{self.ui}/v2"

    @property
    def api(self) -> str:
        return f"{self.ui}/api"

    @property
    def note(self) -> Path:
        """The file that says which processes are up."""
        return self.home / "up.json"

    @property
    def lock(self) -> Path:
        """The file that the living ``up`` of this folder holds, with its process and its address in it."""
        return self.home / "up.lock"


def environment(place: Place, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of server and worker: this server and no other, no telemetry, our log lines in the runs' logs."""
    kept = {name: value for name, value in base.items() if name not in ("PREFECT_PROFILE", "PREFECT_API_KEY")}
    secret = base.get("PREFECT_SERVER_API_AUTH_STRING")
    return {
        "PREFECT_WORKER_QUERY_SECONDS": "5",
        **kept,
        **_absolute(base),
        **({"PREFECT_API_AUTH_STRING": secret} if secret else {}),
        "PYTHONSAFEPATH": "1",  # a folder of the user's that is called flows must not be taken for the package
        "PREFECT_HOME": str(place.home),
        "PREFECT_PROFILES_PATH": str(place.home / "profiles.toml"),
        "PREFECT_API_URL": place.api,
        "PREFECT_SERVER_API_HOST": place.host,
        "PREFECT_SERVER_API_PORT": str(place.port),
        "PREFECT_SERVER_UI_API_URL": place.api,
        "PREFECT_UI_URL": place.pages,
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(place.home / "ui"),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows",
    }


def _absolute(base: Mapping[str, str]) -> dict[str, str]:
    """Where bars, registry and what else is a file are, whatever folder a run works in."""
    named = {"RETRAIN_REGISTRY": ".retrain/registry", "RETRAIN_SAMPLE": ".retrain/sample"}
    named |= {"RETRAIN_CONDITIONS": ".retrain/conditions"}
    named |= {
        name: base[name] for name in ("RETRAIN_DATA", "RETRAIN_RECIPES_FILE", "RETRAIN_SIGNING_KEY") if base.get(name)
    }
    if base.get("RETRAIN_INSTRUMENT", "").endswith(".toml"):
        named["RETRAIN_INSTRUMENT"] = base["RETRAIN_INSTRUMENT"]
    if _fleet_of(base).exists():
        named["RETRAIN_FLEET"] = str(_fleet_of(base))
    places = {name: base.get(name) or usual for name, usual in named.items()}
    return {
        name: at if is_bucket(at, f"a place for {name}") else str(Path(at).expanduser().absolute())
        for name, at in places.items()
    }


def _fleet_of(env: Mapping[str, str]) -> Path:
    return Path(env.get("RETRAIN_FLEET") or Settings.model_fields["fleet"].default).expanduser()


def _starts(env: Mapping[str, str]) -> str:
    """Which deployment has the nights, and when they start."""
    if _fleet_of(env).exists():
        return "fleet runs by itself after each trading day"
    return f"nightly runs by itself at {night_words(load_settings().traded.hours)}"


def up(place: Place, tell: Callable[[str], None], clock: Clock) -> None:
    """Run until a signal; ``tell`` shows a line. Raises :class:`PortTaken`, :class:`AlreadyUp`,
    :class:`UpFailed`."""
    place.home.mkdir(parents=True, exist_ok=True)
    _refuse_taken(place)
    with _alone(place):
        _run(place, tell, clock)


def _run(place: Place, tell: Callable[[str], None], clock: Clock) -> None:
    if place.host not in LOOPBACK and not os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        tell(f"Warning: {place.host} is reachable from other machines and nobody is asked for a password:")
        tell("  set PREFECT_SERVER_API_AUTH_STRING=user:password, or leave --host at 127.0.0.1.")
    supervisor = _Supervisor(place, tell, clock)
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        supervisor.start()
        _show(place, supervisor.env, tell)
        supervisor.watch()
    except Stopped:
        tell("Stopping …")
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of them behind
        supervisor.end()
        for number, handler in before.items():
            signal.signal(number, handler)
    tell("All stopped.")


class _Supervisor:
    """The processes of one ``up``."""

    def __init__(self, place: Place, tell: Callable[[str], None], clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._tell = tell
        self.env = environment(place, os.environ)
        self._children: dict[str, Child] = {}
        self._restarts: dict[str, int] = {}

    def start(self) -> None:
        self._tell("Starting the Prefect server …")
        self._launch("server")
        self._wait_for_server()
        self._tell("Writing deployments and automations …")
        self._launch("deploy")
        deploying = self._children["deploy"]
        self._await("deploy")
        for line in deploying.output().splitlines():
            if line.endswith(STAYS):
                self._tell(f"Note: {line}.")
        self._launch("worker")

    def watch(self) -> None:
        """Start again what ends; :class:`UpFailed` where that does not help."""
        while True:
            self._clock.sleep(_LOOK_SECONDS)
            for name, child in list(self._children.items()):
                status = child.ended()
                if status is None:
                    continue
                self._restarts[name] = self._restarts.get(name, 0) + 1
                if self._restarts[name] > _RESTARTS:
                    raise UpFailed(f"the {name} ended {_RESTARTS + 1} times, see {child.log}: {child.last_words()}")
                self._tell(f"The {name} ended with status {status}: starting it again (log: {child.log}).")
                self._launch(name)

    def end(self) -> None:
        server = self._children.pop("server", None)
        end_all(self._children.values(), patience=_PATIENCE_WORKER)  # first: a run under way still tells the server
        end_all([] if server is None else [server], patience=_PATIENCE_SERVER)
        self._place.note.unlink(missing_ok=True)

    def _launch(self, name: str) -> None:
        command = [sys.executable, "-P", "-m", *_COMMANDS[name](self._place)]
        log = self._place.home / f"{name}.log"
        self._children[name] = Child(name, command, env=self.env, log=log, cwd=Path.cwd())
        pids = {"up": os.getpid(), **{child.name: child.process.pid for child in self._children.values()}}
        self._place.note.write_text(json.dumps(pids))

    def _wait_for_server(self) -> None:
        child = self._children["server"]
        deadline = self._clock.monotonic() + START_SECONDS
        while _server_answer(f"{self._place.api}/health") is None:
            if child.ended() is not None or self._clock.monotonic() > deadline:
                raise UpFailed(f"the Prefect server did not start, see {child.log}: {child.last_words()}")
            self._clock.sleep(0.1)

    def _await(self, name: str) -> None:
        """Until a child has done its work, after which it is none any more."""
        child = self._children[name]
        try:
            status = child.process.wait(START_SECONDS)
        except psutil.TimeoutExpired:
            status = None
        if status != 0:
            raise UpFailed(f"{name} failed, see {child.log}: {child.last_words()}")
        del self._children[name]


_INSTALLED = Path(__file__).resolve().parents[3]
"""What holds the packages: uvicorn puts the working folder before all others where it is given none."""

_COMMANDS: dict[str, Callable[[Place], list[str]]] = {
    "server": lambda place: [
        *("uvicorn", "--factory", "flows.operations.orchestrator.server:create_app"),
        *(
            "--app-dir",
            str(_INSTALLED),
            "--host",
            place.host,
            "--port",
            str(place.port),
            "--timeout-keep-alive",
            "5",
            "--log-level",
            "warning",
        ),
        *("--timeout-graceful-shutdown", "1"),
    ],
    "deploy": lambda place: ["flows.cli", "deploy"],
    "worker": lambda place: ["prefect", "worker", "start", "--pool", POOL, "--name", "up", "--limit", "4"],
}


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _show(place: Place, env: Mapping[str, str], tell: Callable[[str], None]) -> None:
    for line in (
        "",
        f"Up: {place.ui}",
        f"  {place.pages}/deployments    {_starts(env)}; manual: open it, Run, Custom run",
        f"  {place.pages}/runs           what ran, with its log",
        f"  {place.pages}/automations    who is told of what",
        f"Bars: {env.get('RETRAIN_DATA', 'simulated (RETRAIN_DATA is not set)')}",
        f"Registry: {env['RETRAIN_REGISTRY']}",
        f"In other terminals: export PREFECT_API_URL={place.api}",
        "Ctrl-C stops everything.",
    ):
        tell(line)


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """Holds the folder's lock, the kernel's, which a killed process gives back; :class:`AlreadyUp`.

    Two servers on one database both schedule its runs, and each marks those of the other late or lost.
    """
    with place.lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            file.seek(0)
            pid, _, ui = file.read().strip().partition(" ")
            raise AlreadyUp(
                f"`retrain up` is running already: process {pid} at {ui}, with its database in {place.home}. Use that "
                f"one (export PREFECT_API_URL={ui}/api), stop it (`kill {pid}`), or give this one a database of its "
                "own with --home FOLDER"
            ) from held
        file.truncate(0)
        file.write(f"{os.getpid()} {place.ui}\n")
        file.flush()
        yield


def _refuse_taken(place: Place) -> None:
    with socket.socket(socket.AF_INET6 if ":" in place.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((place.host, place.port))
            return
        except OSError as error:
            cause = error
    version = _server_answer(f"{place.api}/admin/version")
    if version is None:
        raise PortTaken(
            f"port {place.port} of {place.host} cannot be used ({cause.strerror}): stop what uses it, or choose "
            f"another, `make up PORT={place.port + 1}`"
        ) from cause
    left = _left_behind(place)
    raise PortTaken(
        f"a Prefect server ({version}) answers at {place.ui} already. "
        + (f"It was left by an earlier `retrain up`: stop it with `kill {left}`" if left else "Stop it")
        + f", use it (export PREFECT_API_URL={place.api}), or choose another port, `make up PORT={place.port + 1}`"
    ) from cause


def _left_behind(place: Place) -> str:
    """The processes that the note of an earlier ``up`` names."""
    try:
        pids = json.loads(place.note.read_text())
    except (OSError, ValueError):
        return ""
    return " ".join(str(pid) for name, pid in pids.items() if name != "deploy")


def _server_answer(url: str) -> str | None:
    """What a server says at ``url``; None where there is none, or none of this kind."""
    try:
        answer = httpx.get(url, timeout=2, verify=False, trust_env=False)  # on this machine: no TLS, no proxy
    except httpx.HTTPError:
        return None
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return "with a password"
    return answer.text[:200].strip().strip('"') if answer.is_success else None
