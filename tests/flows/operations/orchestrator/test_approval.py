"""Asking a person: when nobody is asked, and what the form takes. The dialog itself is clicked through in tests/ui."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from prefect.utilities.schema_tools.validation import validate
from pydantic import ValidationError

from flows.job.plan import plan
from flows.job.request import Force, RetrainRequest
from flows.night.overrides import needs_approval
from flows.night.state import NightContext, Verdict
from flows.operations.orchestrator import approval
from flows.operations.orchestrator.approval import Approval, wait_for_approval
from flows.settings import Settings
from registry import SystemClock
from registry.trust.keyring import write_new_key

ANSWER = {"decision": "promote", "author": "ada", "reason": "it does what it should"}
PROMOTED = Verdict("promoted", "promoted: line", "evidence", None, (), "line")
FORCED = replace(PROMOTED, force=Force(promote="v1", author="ada", reason="why"))
HELD = replace(PROMOTED, action="held", winner=None)


def job(tmp_path: Path, hours: float | None, **asked: Any) -> Any:
    settings = Settings(data=str(tmp_path), registry=str(tmp_path / "registry"), approval_hours=hours)
    return plan(RetrainRequest(**asked), settings)


def context(job: Any) -> NightContext:
    """A night of which nothing but the job and the clock may be looked at."""
    nothing = cast(Any, None)
    return NightContext(job, nothing, nothing, SystemClock())


@pytest.mark.parametrize(
    ("hours", "verdict", "dry", "asked"),
    [
        (2, PROMOTED, False, True),
        (0, PROMOTED, False, True),
        (None, PROMOTED, False, False),
        (2, HELD, False, False),
        (2, FORCED, False, False),
        (2, PROMOTED, True, False),
    ],
)
def test_a_person_is_asked_about_promotions_of_the_gate_alone(
    tmp_path: Path, hours: float | None, verdict: Verdict, dry: bool, asked: bool
) -> None:
    assert needs_approval(job(tmp_path, hours, dry_run=dry), verdict) is asked


def test_outside_of_a_server_nobody_is_asked_and_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def paused(*given: Any, **named: Any) -> Any:
        raise AssertionError("it waits")

    monkeypatch.setattr(approval, "pause_flow_run", paused)
    assert wait_for_approval(context(job(tmp_path, 2)), PROMOTED) is PROMOTED


def test_on_a_server_nobody_is_asked_whose_click_would_not_be_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", write_new_key(tmp_path / "approver.pem"))
    monkeypatch.setattr(approval, "configured_api", lambda: "http://127.0.0.1:9/api")
    monkeypatch.setattr(approval, "flow_run", lambda: 1 / 0)  # whoever asks needs the run
    for hours in (None, 0, 2):
        night = context(job(tmp_path, hours))
        assert needs_approval(night.job, PROMOTED) and wait_for_approval(night, PROMOTED) is PROMOTED


@pytest.mark.parametrize(
    "wrong", [{"decision": "maybe"}, {"author": ""}, {"author": "  "}, {"reason": "two\nlines"}, {"reason": "x" * 501}]
)
def test_an_answer_that_cannot_be_recorded_is_refused_by_the_dialog_and_by_the_run(wrong: dict[str, str]) -> None:
    schema = Approval.model_json_schema()
    assert validate(ANSWER, schema) == [] and Approval(**ANSWER).author == "ada"  # type: ignore[arg-type]  # as the form hands them in
    assert validate({**ANSWER, **wrong}, schema)
    with pytest.raises(ValidationError):
        Approval.model_validate({**ANSWER, **wrong})
    missing = {name: value for name, value in ANSWER.items() if name not in wrong}
    assert validate(missing, schema)


def test_a_wait_is_shorter_than_a_day() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 20"):
        Settings(approval_hours=24)
