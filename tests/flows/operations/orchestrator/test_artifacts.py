"""Names, keys and tables that Prefect's UI shows; the pages themselves are looked at in tests/ui."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.operations.orchestrator import artifacts
from flows.operations.orchestrator.artifacts import artifact_key, place, run_name, versions_table
from registry import Registry

KEY = re.compile("[a-z0-9-]+")


def named(monkeypatch: pytest.MonkeyPatch, request: Any) -> str:
    monkeypatch.setattr(artifacts, "runtime", SimpleNamespace(parameters={"request": request}))
    return run_name()


def test_a_run_is_named_by_its_model_and_how_far_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETRAIN_DATA", raising=False)
    monkeypatch.delenv("RETRAIN_MODEL", raising=False)
    assert named(monkeypatch, {}) == "gbpusd_m15_direction_simulated"
    assert named(monkeypatch, {"advanced": {"data": "bars"}}) == "gbpusd_m15_direction"
    asked = {"as_of": "2024-12-31T22:00:00+00:00", "advanced": {"model": "cable"}}
    assert named(monkeypatch, asked) == "cable as of 2024-12-31 22:00"


def test_a_wrong_request_does_not_end_in_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named(monkeypatch, {"bananas": 1}) == "retrain"
    monkeypatch.setenv("RETRAIN_CORES", "none")
    assert named(monkeypatch, {}) == "retrain"


def test_a_model_has_one_key_and_two_models_never_share_it() -> None:
    names = ["gbpusd_m15_direction", "gbpusd-m15-direction", "gbpusd.m15_direction", "a", "a-1", "a_1", "a__1"]
    keys = [artifact_key(name) for name in names]
    assert keys[0] == "gbpusd-m15-direction" and len(set(keys)) == len(names)
    assert all(KEY.fullmatch(key) for key in keys)
    assert keys == [artifact_key(name) for name in names]


def test_an_artifact_is_linked_where_it_lies(tmp_path: Path) -> None:
    assert place("s3://models/registry/", "models/m/artifacts/x") == "s3://models/registry/models/m/artifacts/x"
    assert place(str(tmp_path), "models/m/a") == f"file://{tmp_path}/models/m/a"


def test_the_table_of_versions_of_an_empty_model_is_empty(tmp_path: Path) -> None:
    assert versions_table(Registry(str(tmp_path)).model("m")) == []
