"""What a person paused in Prefect's UI is still paused after ``retrain deploy``, which says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.operations.orchestrator.pauses import STAYS, Pauses
from tests.paths import ROOT
from tests.servers.prefect_server import PrefectServer, ask

MARKING = "retrain: mark killed runs as crashed"
FRIDAY = "5 0-16 * * 5"


def described() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    return read


def test_without_pauses_what_is_deployed_is_prefect_yaml() -> None:
    assert Pauses().applied(described()) == described()
    assert list(Pauses().sentences()) == []


def test_a_pause_is_written_where_it_was_made_and_nowhere_else() -> None:
    pauses = Pauses(frozenset({"nightly"}), frozenset({("watch", FRIDAY, "America/New_York")}))
    nightly, manual, watch, _ = pauses.applied(described())["deployments"]
    assert nightly["paused"] is True and [each["active"] for each in nightly["schedules"]] == [True]
    assert "paused" not in manual and "paused" not in watch
    assert [each["active"] for each in watch["schedules"]] == [True, True, False]
    assert "paused" not in described()["deployments"][0]


def test_a_schedule_that_prefect_yaml_no_longer_has_changes_nothing() -> None:
    gone = Pauses(schedules=frozenset({("watch", "0 0 * * *", None), ("nobody", FRIDAY, None)}))
    assert gone.applied(described()) == described()


@pytest.fixture
def deployed(prefect_server: PrefectServer, tmp_path: Path) -> Iterator[PrefectServer]:
    """The server with everything deployed, and everything switched on again afterwards."""
    done = prefect_server.run("python", "-m", "flows.cli", "deploy", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    yield prefect_server
    api = prefect_server.url
    for each in ask(api, "deployments/filter", {}):
        ask(api, f"deployments/{each['id']}/resume_deployment", {})
        for schedule in each["schedules"]:
            ask(api, f"deployments/{each['id']}/schedules/{schedule['id']}", {"active": True}, "PATCH")
    ask(api, "work_pools/retrain", {"is_paused": False}, "PATCH")
    for each in ask(api, "automations/filter", {}):
        ask(api, f"automations/{each['id']}", {"enabled": True}, "PATCH")


@pytest.mark.server
@pytest.mark.timeout(300)  # a busy machine takes a minute for one deploy
def test_what_a_person_paused_stays_paused_when_deployments_are_written_again(
    deployed: PrefectServer, tmp_path: Path
) -> None:
    api = deployed.url
    made = {each["name"]: each for each in ask(api, "deployments/filter", {})}
    ask(api, f"deployments/{made['nightly']['id']}/pause_deployment", {})
    (friday,) = [each for each in made["watch"]["schedules"] if each["schedule"]["cron"] == FRIDAY]
    ask(api, f"deployments/{made['watch']['id']}/schedules/{friday['id']}", {"active": False}, "PATCH")
    ask(api, "work_pools/retrain", {"is_paused": True}, "PATCH")
    (marking,) = [each for each in ask(api, "automations/filter", {}) if each["name"] == MARKING]
    ask(api, f"automations/{marking['id']}", {"enabled": False}, "PATCH")
    again = deployed.run("python", "-m", "flows.cli", "deploy", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert [line for line in again.stdout.splitlines() if line.endswith(STAYS)] == [
        f"deployment nightly {STAYS}",
        f"schedule {FRIDAY} of watch {STAYS}",
        f"work pool {STAYS}",
        f"automation {MARKING} {STAYS}",
    ]
    after = {each["name"]: each for each in ask(api, "deployments/filter", {})}
    assert {name: each["paused"] for name, each in after.items() if name in made} == {
        **dict.fromkeys(made, False),
        "nightly": True,
    }
    active = {each["schedule"]["cron"]: each["active"] for each in after["watch"]["schedules"]}
    assert active.pop(FRIDAY) is False and list(active.values()) == [True, True]
    assert ask(api, "work_pools/retrain")["is_paused"] is True
    assert [each["enabled"] for each in ask(api, "automations/filter", {}) if each["name"] == MARKING] == [False]
