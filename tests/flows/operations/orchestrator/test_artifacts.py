"""Names, keys and tables that Prefect's UI shows; the pages themselves are looked at in tests/ui."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.operations.orchestrator import artifacts
from flows.operations.orchestrator.artifacts import artifact_key, run_name, versions_table
from flows.report.markdown import escaped
from registry import Registry
from tests.flows.report.lived import Lived

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


def test_the_pages_of_a_night_begin_with_the_verdict_and_say_the_sentence_once(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: dict[str, tuple[Any, str]] = {}
    for name in ("create_markdown_artifact", "create_table_artifact"):
        monkeypatch.setattr(
            artifacts, name, lambda content, key, description: written.update({key: (content, description)})
        )
    artifacts.publish(lived.model, lived.outcome)
    assert {key: description for key, (_, description) in written.items()} == {
        "m-decision": "Held, night of 2022-06-14, m.",
        "m-champion": "v1 (line) is in production since 2022-06-01, m.",
        "m-versions": "v20 is the newest version of m; 50 at most are shown.",
    }
    page = written["m-decision"][0]
    assert page.count(escaped(lived.outcome.sentence)) == 1
    written.clear()
    artifacts.publish(lived.model, replace(lived.outcome, dry_run=True, decision=None))
    assert list(written) == ["m-dry-run"]


def test_the_table_of_versions_of_an_empty_model_is_empty(tmp_path: Path) -> None:
    assert versions_table(Registry(str(tmp_path)).model("m")) == []
