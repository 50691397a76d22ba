"""What a person is told, how often, and that no secret is in it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from flows.errors import RequestRefused
from flows.operations.alerts.conditions import FileMemory, update_conditions, variable_name
from flows.operations.alerts.messages import CONDITIONS, KINDS, Alert, ping, send
from flows.operations.alerts.notifier import Notifier
from flows.operations.alerts.selftest import NotDelivered, send_one_of_each
from flows.operations.settings import Operations, load_operations
from registry.errors import Corrupt
from tests.flows.operations.receiver import receiving

NOW = datetime(2026, 1, 5, 22, 30, tzinfo=UTC)
SECRET = "token-7f3a"


@pytest.fixture(autouse=True)
def no_prefect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    monkeypatch.setenv("RETRAIN_CONDITIONS", str(tmp_path / "conditions"))
    for name in ("RETRAIN_ALERT_URL", "RETRAIN_PING_URL", "RETRAIN_ALERT_HELD"):
        monkeypatch.delenv(name, raising=False)


def operations(url: str | None = None, **values: str) -> Operations:
    told = {} if url is None else {"alert_url": url}
    return Operations.model_validate({**load_operations().model_dump(), **told, **values})


def test_an_alert_says_what_since_when_what_to_do_and_where(snapshot: SnapshotAssertion) -> None:
    alert = Alert("champion.regressed", "m", "v12 loses 1.9 points since 2026-01-02", NOW, "http://ui/runs/1")
    assert alert.subject == "retrain: champion.regressed (m)"
    what, since, to_do, run = alert.body.splitlines()
    assert (what, since) == ("v12 loses 1.9 points since 2026-01-02", "Since: 2026-01-05 22:30 UTC")
    assert "`registry rollback m`" in to_do and run == "Run: http://ui/runs/1"
    assert alert.body == snapshot


def test_a_webhook_receives_subject_body_and_the_text_that_chats_show(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving() as receiver:
        assert send(Alert("data.missing", "m", "no bars", NOW), f"{receiver.url}?key={SECRET}")
    (message,) = receiver.messages
    assert message["subject"] == "retrain: data.missing (m)"
    assert message["text"] == f"{message['subject']}\n{message['body']}"
    assert SECRET not in str(message)
    assert SECRET not in caplog.text, "no library that is used here logs it either"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:9/hook?key={}",  # nobody listens on port 9
        "http://[{}",
        "http://127.0.0.1:{}/hook",
        "no-such-scheme://{}",
        "mailto://{}",
    ],
)
def test_an_alert_that_cannot_be_delivered_is_logged_without_the_secret(
    target: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not send(Alert("data.missing", "m", "no bars", NOW), target.format(SECRET))
    told = [record.getMessage() for record in caplog.records if record.name.startswith("flows")]
    assert any("data.missing was not delivered" in line for line in told)
    assert SECRET not in "".join(told)


def test_a_receiver_that_refuses_is_told_by_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    with receiving(status=403) as receiver:
        assert not send(Alert("data.missing", "m", "no bars", NOW), receiver.url)
        assert not ping(receiver.url)
    assert "the receiver answered 403" in caplog.text


def test_a_condition_is_told_once_when_it_begins_and_once_when_it_ends(snapshot: SnapshotAssertion) -> None:
    with receiving() as receiver:
        for hours, what in enumerate([None, "no bars", "no bars", "still none", None, None, "again"]):
            Notifier("m", operations(receiver.url)).update({"data.missing": what}, now=NOW + timedelta(hours=hours))
    assert receiver.subjects == [
        "retrain: data.missing (m)",
        "retrain: over: data.missing (m)",
        "retrain: data.missing (m)",
    ]
    over = receiver.messages[1]["body"]
    assert "3 hours" in over and "no bars" in over and "Since: 2026-01-05 23:30 UTC" in over
    assert over == snapshot


def test_conditions_of_two_models_do_not_mix() -> None:
    with receiving() as receiver:
        for model in ("a", "b"):
            Notifier(model, operations(receiver.url)).update({"night.missed": "late"}, now=NOW)
        Notifier("a", operations(receiver.url)).update({"night.missed": None}, now=NOW)
    assert receiver.subjects[2:] == ["retrain: over: night.missed (a)"]


FINDINGS = st.dictionaries(st.sampled_from(sorted(CONDITIONS)), st.none() | st.just("wrong"), max_size=4)


@given(st.lists(FINDINGS, max_size=12))
def test_beginnings_and_ends_take_turns_whatever_is_found(looks: list[dict[str, str | None]]) -> None:
    open_now: object = {}
    told: dict[str, list[bool]] = {}
    for hours, found in enumerate(looks):
        open_now, alerts = update_conditions(open_now, found, model="m", now=NOW + timedelta(hours=hours))  # type: ignore[arg-type]  # names and values of the table
        for alert in alerts:
            told.setdefault(alert.kind, []).append(alert.ended)
        for kind, what in found.items():
            assert (kind in open_now) == (what is not None)  # type: ignore[operator]  # a mapping after the first look
    for ends in told.values():
        assert ends == [number % 2 == 1 for number in range(len(ends))]


def test_a_memory_that_was_damaged_is_told_and_the_alert_sent_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "conditions").mkdir()
    (tmp_path / "conditions" / "m.json").write_text('{"data.missing": 3}')
    with pytest.raises(Corrupt, match="delete it"):
        FileMemory(tmp_path / "conditions").read("m")
    with receiving() as receiver:
        Notifier("m", operations(receiver.url)).update({"data.missing": "no bars"}, now=NOW)
    assert receiver.subjects == ["retrain: data.missing (m)"]
    assert "may be sent again" in caplog.text


def test_a_held_night_is_quiet_unless_asked_for() -> None:
    with receiving() as receiver:
        Notifier("m", operations(receiver.url)).send_occurrence("candidate.held", "held: nothing better", now=NOW)
        assert receiver.messages == []
        Notifier("m", operations(receiver.url, alert_held="true")).send_occurrence("candidate.held", "held", now=NOW)
    assert receiver.subjects == ["retrain: candidate.held (m)"]


def test_alert_test_sends_one_of_each_kind() -> None:
    with receiving() as receiver:
        said = send_one_of_each("m", operations(receiver.url), now=NOW)
    assert receiver.subjects == [f"retrain: {kind} (m)" for kind in KINDS]
    assert "without Prefect" in said


def test_alert_test_without_anybody_to_tell_is_refused() -> None:
    with pytest.raises(RequestRefused, match="RETRAIN_ALERT_URL"):
        send_one_of_each("m", operations(), now=NOW)


def test_alert_test_says_when_nothing_arrived() -> None:
    with receiving(status=500) as receiver, pytest.raises(NotDelivered, match=f"{len(KINDS)} of {len(KINDS)}"):
        send_one_of_each("m", operations(receiver.url), now=NOW)


def test_settings_never_show_where_alerts_go() -> None:
    assert SECRET not in f"{operations(f'https://x/{SECRET}')!r}"


@pytest.mark.parametrize("name", ["RETRAIN_WAIT_MINUTES", "RETRAIN_FEED_SECONDS", "RETRAIN_ALERT_HELD"])
def test_a_wrong_setting_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "-x")
    with pytest.raises(RequestRefused, match=name):
        load_operations()


def test_two_models_never_share_a_variable_of_the_server() -> None:
    names = {variable_name(model) for model in ("a.b", "a_b", "A_b", "a-b")}
    assert len(names) == 4
    assert all(name == name.lower() and "." not in name for name in names)
