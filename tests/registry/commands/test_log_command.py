"""The command ``registry`` read from: text for a person, JSON for a program, one message and a status for a fault."""

from __future__ import annotations

import json

import pytest

from registry import Registry
from tests.registry.actors import NAME, crowned, register


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A registry with v1, v2 and v3, of which v1 and then v2 were champions."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("RETRAIN_REGISTRY", raising=False)
    place = tmp_path / "registry"
    register(crowned("a", "b", store=Registry(place).store), "c")
    return str(place)


def test_models_are_listed(url, registry_command):
    assert registry_command("models", "--registry", url)[:2] == (0, f"{NAME}\n")
    status, out, _ = registry_command("models", "--registry", url, "--json")
    assert (status, json.loads(out)) == (0, [NAME])


def test_an_empty_registry_says_so(tmp_path, registry_command):
    status, out, _ = registry_command("models", "--registry", str(tmp_path / "none"))
    assert status == 0 and "no models" in out


def test_history_shows_every_version_and_marks_the_champion(url, registry_command):
    status, out, _ = registry_command("history", NAME, "--registry", url)
    lines = [line for line in out.splitlines() if " trainer " in line]
    assert status == 0 and [line.split()[0] for line in lines] == ["v1", "v2", "v3"]
    assert ["champion" in line for line in lines] == [False, True, False]
    rows = json.loads(registry_command("history", NAME, "--registry", url, "--json")[1])
    assert [(row["version"], row["champion"]) for row in rows] == [("v1", False), ("v2", True), ("v3", False)]


def test_the_champion_is_named_with_the_decision_that_made_it(url, registry_command):
    status, out, _ = registry_command("champion", NAME, "--registry", url)
    assert status == 0 and "v2" in out and "by decision 2" in out and "promoted: v2" in out
    record = json.loads(registry_command("champion", NAME, "--registry", url, "--json")[1])
    assert (record["version"], record["decision"], record["sentence"]) == ("v2", 2, "promoted: v2")


def test_the_log_tells_one_sentence_an_entry(url, registry_command, snapshot):
    status, out, _ = registry_command("log", NAME, "--registry", url)
    assert status == 0 and len(out.splitlines()) == 5 and "v3 (rf) registered" in out and "0.5100" in out
    assert out == snapshot
    rows = json.loads(registry_command("log", NAME, "--registry", url, "--json", "--limit", "2")[1])
    assert len(rows) == 2 and all({"kind", "sentence", "time", "author"} <= row.keys() for row in rows)


FAULTS = [
    (["history", "nobody"], 3, "there is no model nobody"),
    (["champion", NAME, "--at", "2001-01-01"], 3, "no champion"),
    (["champion", NAME, "--at", "yesterday"], 2, "is not a moment"),
    (["history", "../etc"], 2, "model name"),
    (["history", "UPPER"], 2, "model name"),
]


@pytest.mark.parametrize(("arguments", "expected", "says"), FAULTS)
def test_a_fault_is_one_message_and_a_status(url, registry_command, arguments, expected, says):
    status, out, err = registry_command(*arguments, "--registry", url)
    assert (status, out) == (expected, "")
    assert says in err and "Traceback" not in err and err.startswith("registry: ")


def test_a_url_of_another_kind_is_one_message(registry_command):
    status, _, err = registry_command("models", "--registry", "ftp://somewhere")
    assert status == 2 and "is not a registry" in err and "Traceback" not in err


def test_a_damaged_entry_is_one_message_and_its_own_status(url, tmp_path, registry_command):
    entry = next((tmp_path / "registry" / "models" / NAME / "decisions").rglob("*-2.json"))
    entry.chmod(0o600)
    entry.write_bytes(b"{}")
    status, _, err = registry_command("champion", NAME, "--registry", url)
    assert status == 7 and "registry verify" in err and "Traceback" not in err


@pytest.mark.parametrize("arguments", [["histori"], ["compare"], ["log", NAME, "--limit", "0"]])
def test_wrong_usage_ends_with_status_2(url, registry_command, arguments):
    status, _, err = registry_command(*arguments)
    assert status == 2 and "Traceback" not in err
