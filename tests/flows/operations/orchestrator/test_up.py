"""``retrain up`` as a person uses it: one command, then nights by themselves. One real server for the whole file.

The tests run in order: the last ones end the server.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from flows.operations.alerts.messages import KINDS
from flows.operations.orchestrator.up import Place, environment
from registry import Registry
from tests.flows.operations.receiver import Receiver, receiving
from tests.paths import ROOT
from tests.servers.prefect_server import ask
from tests.servers.processes import free_ports

pytestmark = [pytest.mark.server, pytest.mark.timeout(400)]

HERE = Path(__file__).resolve().parent
FAST = {"recipes": ["logistic"], "advanced": {"model": "m", "train_days": 60, "backfill_days": 40}}
PROGRAM = str(Path(sys.executable).with_name("retrain"))


class Up:
    """A running ``retrain up`` and the means to ask its server."""

    def __init__(self, folder: Path, data: Path, receiver: Receiver) -> None:
        self.folder, self.receiver = folder, receiver
        self.port = free_ports(1)[0]
        self.api = f"http://127.0.0.1:{self.port}/api"
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RETRAIN_", "AWS"))
        }
        self.env = kept | {
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
            "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
            "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "1",
            "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "RETRAIN_DATA": str(data),
            "RETRAIN_REGISTRY": str(folder / "registry"),
            "RETRAIN_MODEL": "idle",  # what the hourly watch looks at, should the hour come while this runs
            "RETRAIN_CORES": "1",
            "RETRAIN_ALERT_URL": receiver.url,
            "TEST_NOW": "2024-06-05T21:20:00+00:00",
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1",
        }
        self.out = folder / "out"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [PROGRAM, "up", "--port", str(self.port), "--home", str(folder / "prefect")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=folder,
            )

    @property
    def said(self) -> str:
        return self.out.read_text()

    def retrain(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [PROGRAM, *words]
        env = {**self.env, "PREFECT_API_URL": self.api, **env}
        return subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True, check=False)

    def ask(self, path: str, body: dict[str, Any] | list[Any] | None = None, method: str | None = None) -> Any:
        return ask(self.api, path, body, method)

    def pause(self, paused: bool) -> None:
        self.ask("work_pools/retrain", {"is_paused": paused}, method="PATCH")

    def deployments(self) -> dict[str, Any]:
        return {each["name"]: each for each in self.ask("deployments/filter", {})}

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        wanted = {"deployments": {"name": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
        found: list[dict[str, Any]] = self.ask("flow_runs/filter", wanted)
        return found

    def until(self, what: str, found: Callable[[], Any], seconds: float = 120) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := found()):
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}. {self.said}\n{self.logs()}"
            time.sleep(1)  # each question is work for the server that is waited for
        return value

    def logs(self) -> str:
        return "\n".join(f"== {log.name}\n{log.read_text()[-1500:]}" for log in (self.folder / "prefect").glob("*.log"))

    def deploy_attended(self, *names: str) -> list[str]:
        """Deployments of retrain_at_a_moment.py on the pool that ``up`` works for."""
        flow = self.ask("flows/", {"name": "retrain"})["id"]
        step = {"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}
        made = [
            self.ask(
                "deployments/",
                {
                    "name": name,
                    "flow_id": flow,
                    "work_pool_name": "retrain",
                    "entrypoint": f"{HERE / 'retrain_at_a_moment.py'}:retrain",
                    "pull_steps": [step],
                    "parameters": {"request": FAST},
                },
            )
            for name in names
        ]
        return [each["id"] for each in made]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, june: Path) -> Iterator[Up]:
    with receiving() as receiver:
        found = Up(tmp_path_factory.mktemp("up"), june, receiver)
        try:
            found.until("the line Up", lambda: "Ctrl-C stops" in found.said or found.process.poll() is not None, 240)
            assert found.process.poll() is None, found.said
            yield found
        finally:
            found.process.terminate()
            found.process.wait(30)


@pytest.fixture(scope="module")
def killed(up: Up) -> str:
    """The id of a run by hand that was killed while it worked; nobody saw it die."""
    script = (
        "import os, signal, time\nfrom prefect import flow\nfrom prefect.context import FlowRunContext\n"
        "@flow(name='retrain')\ndef night():\n"
        "    print(FlowRunContext.get().flow_run.id, flush=True)\n    time.sleep(300)\nnight()"
    )
    env = {**up.env, "PREFECT_API_URL": up.api, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        assert run.stdout is not None
        identity = run.stdout.readline().strip()
        beats = {"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}}}
        up.until("its first sign of life", lambda: identity in json.dumps(up.ask("events/filter", beats)))
        run.kill()
    return identity


def test_places_and_the_key_are_found_whatever_folder_a_run_works_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    base = {"RETRAIN_DATA": "s3://bars", "RETRAIN_SIGNING_KEY": "night.pem"}
    env = environment(Place(tmp_path, port=4300), base)
    assert env["RETRAIN_SIGNING_KEY"] == str(tmp_path / "night.pem")
    assert (env["RETRAIN_DATA"], env["RETRAIN_REGISTRY"]) == ("s3://bars", str(tmp_path / ".retrain/registry"))
    assert env["PREFECT_UI_URL"] == "http://127.0.0.1:4300/v2", "what opens the UI that / opens"


def test_it_says_where_to_look_and_what_to_click(up: Up, killed: str) -> None:
    assert f"Up: http://127.0.0.1:{up.port}\n" in up.said
    assert "Custom run" in up.said and f"export PREFECT_API_URL={up.api}" in up.said
    assert f"Registry: {up.folder / 'registry'}\n" in up.said and "Bars: simulated" not in up.said
    assert (up.folder / "prefect" / "prefect.db").exists()


def test_deploying_again_changes_nothing(up: Up) -> None:
    before = up.deployments()
    automations = up.ask("automations/filter", {})
    again = up.retrain("deploy")
    assert again.returncode == 0, again.stderr
    after = up.deployments()
    assert {name: each["id"] for name, each in before.items()} == {name: each["id"] for name, each in after.items()}
    crons = {name: [(s["schedule"]["cron"], s["active"]) for s in each["schedules"]] for name, each in after.items()}
    assert crons["nightly"] == [("20 17 * * 1-5", True)] and crons["manual"] == [] and len(crons["watch"]) == 3
    assert not any(each["paused"] for each in after.values())
    assert sorted(each["id"] for each in up.ask("automations/filter", {})) == sorted(each["id"] for each in automations)
    assert len(automations) == 4


def test_the_pages_know_their_server_and_may_ask_nobody_else(up: Up) -> None:
    server = f"http://127.0.0.1:{up.port}"
    assert httpx.get(f"{server}/ui-settings", timeout=30).json()["api_url"] == up.api
    policy = httpx.get(server, timeout=30, follow_redirects=True).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    addresses = re.findall(r"\w+://[^\s;]+", policy)
    assert addresses == [server, f"ws://127.0.0.1:{up.port}"]


def test_a_run_on_schedule_appears_and_is_executed_by_itself(up: Up) -> None:
    nightly = up.deployments()["nightly"]["id"]
    soon = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
    schedule = {"interval": 86_400, "anchor_date": soon, "timezone": "UTC"}
    asked = {**FAST, "advanced": {**FAST["advanced"], "model": "scheduled"}, "as_of": "2024-06-05T21:00:00Z"}
    made = up.ask(
        f"deployments/{nightly}/schedules",
        [{"schedule": schedule, "active": True, "parameters": {"request": asked}}],
    )

    def done() -> Any:
        ended = [run for run in up.runs("nightly") if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED")]
        return [run for run in ended if run["parameters"].get("request") == asked]

    (run,) = up.until("the scheduled run to end", done, 180)
    up.ask(f"deployments/{nightly}/schedules/{made[0]['id']}", method="DELETE")
    assert run["state_type"] == "COMPLETED", run["state"]
    assert run["auto_scheduled"] is True
    decided = Registry(up.folder / "registry").model("scheduled").decisions.head()
    assert decided is not None and decided.state["night"] == "2024-06-05"


def test_two_runs_at_once_train_once_and_the_registry_holds_one_night(up: Up) -> None:
    ids = up.deploy_attended("one", "other")
    asked = {**FAST, "as_of": "2024-06-04T21:00:00Z"}
    for each in ids:
        up.ask(f"deployments/{each}/create_flow_run", {"parameters": {"request": asked}})
    states = up.until("both to end", lambda: _ended(up, "one", "other", count=2), 180)
    assert sorted(state["name"] for state in states) == ["Completed", "Decided before"]
    assert len({state["message"] for state in states}) == 1, "both say what was decided"
    model = Registry(up.folder / "registry").model("m")
    assert [entry.kind for entry in model.versions.walk()].count("registered") == 1
    assert [entry.state["night"] for entry in model.acts()] == ["2024-06-04"]


def test_after_an_outage_one_late_run_trains_and_the_others_end_as_covered(up: Up) -> None:
    (deployment,) = up.deploy_attended("week")
    up.pause(True)
    start = datetime.now(UTC) + timedelta(seconds=2)
    rule = f"DTSTART:{start:%Y%m%dT%H%M%S}Z\nRRULE:FREQ=SECONDLY;INTERVAL=2;COUNT=3"
    schedule = {"rrule": rule, "timezone": "UTC"}
    up.ask(f"deployments/{deployment}/schedules", [{"schedule": schedule, "active": True}])

    def late() -> list[str]:
        return [run["id"] for run in up.runs("week") if run["state"]["name"] == "Late"]

    try:
        up.until("three late runs", lambda: len(late()) == 3)
    finally:
        up.pause(False)
    states = up.until("all late runs to end", lambda: _ended(up, "week", count=3), 240)
    assert sorted(state["name"] for state in states) == ["Completed", *["Covered"] * 2]
    covered = [state["message"] for state in states if state["name"] == "Covered"]
    assert len(set(covered)) == 1 and "night of 2024-06-05" in covered[0]


def _ended(up: Up, *names: str, count: int) -> list[dict[str, Any]]:
    """The states of the runs, once so many have ended; none before."""
    final = ("COMPLETED", "FAILED", "CRASHED")
    states = [run["state"] for name in names for run in up.runs(name) if run["state_type"] in final]
    return states if len(states) >= count else []


def test_alert_test_arrives_through_the_server_in_the_same_words(up: Up) -> None:
    up.receiver.forget()
    done = up.retrain("alert-test", "--model", "m")
    assert done.returncode == 0, done.stderr
    loud = [f"retrain: {kind} (m)" for kind in KINDS if kind != "candidate.held"]
    # that all arrive is the point here; how soon one does is measured by the next test
    up.until("one alert of each kind", lambda: set(loud) <= set(up.receiver.subjects), 180)
    told = sorted(s for s in up.receiver.subjects if s.endswith("(m)"))
    assert told == sorted(loud), [m["body"] for m in up.receiver.messages]
    message = up.receiver.wait_for("retrain: champion.regressed", seconds=1)
    assert "`retrain status`" in message["body"]


def test_a_regression_arrives_once_within_seconds_with_a_link_to_its_run(up: Up) -> None:
    up.receiver.forget()
    script = (
        "from datetime import UTC, datetime\nfrom flows import watch as dag\n"
        "from flows.monitoring.health import Alarm, Health\n"
        "alarm = Alarm('regressed', 'v1 loses 2.1 points since 2024-06-03')\n"
        "for alarms in ((alarm,), (alarm,), ()):\n"
        "    dag.examine_as_task = lambda job, model, due, partial: Health('v1', 3, 0, False, alarms)\n"
        "    dag.watch(as_of=datetime(2024, 6, 6, 12, tzinfo=UTC))\n"
    )
    env = {
        **up.env,
        "RETRAIN_MODEL": "m",
        "PREFECT_API_URL": up.api,
        "PREFECT_UI_URL": f"http://127.0.0.1:{up.port}/v2",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=up.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    over = up.receiver.wait_for("retrain: over: champion.regressed (m)", seconds=5)
    began = up.receiver.wait_for("retrain: champion.regressed (m)", seconds=1)
    assert began["body"].splitlines()[0] == "v1 loses 2.1 points since 2024-06-03" and "\nSince: " in began["body"]
    assert re.search(rf"Run: http://127.0.0.1:{up.port}/v2/runs/flow-run/[0-9a-f-]{{36}}$", began["body"])
    assert "v1 loses 2.1 points" in over["body"]
    assert up.receiver.subjects.count("retrain: champion.regressed (m)") == 1
    named = up.ask("events/filter", {"filter": {"event": {"name": ["champion.regressed"]}}})["events"]
    (event,) = [each for each in named if each["payload"]["body"] == began["body"]]
    delay = began["arrived"] - datetime.fromisoformat(event["occurred"])
    assert delay < timedelta(seconds=5), f"it took {delay}"


def test_a_missed_night_is_told(up: Up) -> None:
    script = (
        "from datetime import timedelta\nfrom flows.operations.orchestrator.automations import apply\nimport os\n"
        "apply(os.environ['RETRAIN_ALERT_URL'], late=timedelta(seconds=10), silent=timedelta(seconds=90))"
    )
    env = {**up.env, "PREFECT_API_URL": up.api}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    up.receiver.forget()
    up.ask("work_pools/", {"name": "nobody", "type": "process"})
    flow = up.ask("flows/", {"name": "elsewhere"})["id"]
    idle = up.ask("deployments/", {"name": "nightly", "flow_id": flow, "work_pool_name": "nobody"})["id"]
    up.ask(f"deployments/{idle}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    message = up.receiver.wait_for("retrain: night.missed", seconds=40)
    assert "No scheduled night has begun" in message["body"] and f"127.0.0.1:{up.port}/v2/runs/" in message["body"]


def test_a_killed_worker_is_started_again_and_the_next_run_is_executed(up: Up) -> None:
    worker = json.loads((up.folder / "prefect" / "up.json").read_text())["worker"]
    os.kill(worker, signal.SIGKILL)
    up.until("the worker to be started again", lambda: "The worker ended with status -9: starting it again" in up.said)
    manual = up.deployments()["manual"]["id"]
    asked = {**FAST, "advanced": {**FAST["advanced"], "model": "scheduled"}, "as_of": "2024-06-05T21:00:00Z"}
    up.ask(f"deployments/{manual}/create_flow_run", {"parameters": {"request": asked}})
    (state,) = up.until("the run to end", lambda: _ended(up, "manual", count=1), 180)
    assert state["type"] == "COMPLETED", state


def test_a_killed_run_is_marked_and_told(up: Up, killed: str) -> None:
    crashed = up.until("it to be marked", lambda: _state(up, killed)["type"] == "CRASHED", 120)
    assert crashed and "no sign of life" in _state(up, killed)["message"]

    def arrived() -> list[str]:
        told = [m["body"] for m in up.receiver.everything if "a run was killed" in m["subject"]]
        return [body for body in told if body.endswith(f"/v2/runs/flow-run/{killed}")]

    up.until("the alert", arrived, 20)
    assert len(arrived()) == 1


def _state(up: Up, run: str) -> dict[str, Any]:
    state: dict[str, Any] = up.ask(f"flow_runs/{run}")["state"]
    return state


def test_a_second_one_on_the_port_says_what_is_there_and_what_to_do(up: Up) -> None:
    done = up.retrain("up", "--port", str(up.port), "--home", str(up.folder / "prefect"))
    assert done.returncode == 1
    assert "(3.8.8)" in done.stderr and f"http://127.0.0.1:{up.port} " in done.stderr
    assert f"kill {up.process.pid} " in done.stderr and f"PORT={up.port + 1}" in done.stderr
    assert up.process.poll() is None


def test_ctrl_c_ends_it_within_five_seconds_and_leaves_no_process_and_no_port(up: Up) -> None:
    tree = psutil.Process(up.process.pid).children(recursive=True)
    assert len(tree) >= 2, "the server and the worker"
    began = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    status = up.process.wait(30)
    took = time.monotonic() - began
    assert status == 0 and "All stopped." in up.said
    assert took < 5, f"it took {took:.1f} s"
    assert [process for process in tree if process.is_running()] == []
    with pytest.raises(httpx.ConnectError):
        up.ask("health")
