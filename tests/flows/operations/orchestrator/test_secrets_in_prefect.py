"""A secret that a Prefect server is given, or that a run of it stumbles over, is shown by none of its pages."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.servers.prefect_server import PrefectServer, ask

CANARY = "CANARY8d1f0b"
KINDS = ("block_documents", "automations", "deployments", "flow_runs", "task_runs", "logs", "variables", "artifacts")


@pytest.mark.server
@pytest.mark.timeout(300)
def test_a_secret_is_shown_by_no_page_of_the_server(prefect_server: PrefectServer, june: Path, tmp_path: Path) -> None:
    """The alert's address is kept in a block; the night fails at a session token with a new line at its end."""
    given = {
        "RETRAIN_ALERT_URL": f"http://127.0.0.1:1/{CANARY}?token={CANARY}",
        "RETRAIN_REGISTRY": "s3://bucket/registry",
        "AWS_ACCESS_KEY_ID": "OURS",
        "AWS_SECRET_ACCESS_KEY": CANARY,
        "AWS_SESSION_TOKEN": f"{CANARY}\n",
        "AWS_DEFAULT_REGION": "eu-west-3",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,botocore.credentials",
        "PREFECT_LOGGING_LEVEL": "INFO",
    }
    server = dataclasses.replace(prefect_server, env=prefect_server.env | given)
    deployed = server.run("retrain", "deploy", cwd=ROOT)
    assert deployed.returncode == 0, deployed.stderr
    night = server.run("retrain", "run", "--prefect", "--data", str(june), "--model", "m", cwd=tmp_path)
    assert night.returncode == 6 and "look at AWS_SESSION_TOKEN" in night.stderr
    shown = {kind: json.dumps(ask(server.url, f"{kind}/filter", {})) for kind in KINDS}
    assert "retrain-alerts" in shown["block_documents"] and "AWS_SESSION_TOKEN" in shown["logs"]
    home = Path(server.env["PREFECT_HOME"])
    kept = {path.name: path.read_bytes().decode("latin-1") for path in home.rglob("*") if path.is_file()}
    searched = {
        **shown,
        **kept,
        "deploy": deployed.stdout + deployed.stderr,
        "night": night.stdout + night.stderr,
        "events": json.dumps(ask(server.url, "events/filter", {"filter": {}})),
    }
    assert [name for name, text in searched.items() if CANARY in text] == []
