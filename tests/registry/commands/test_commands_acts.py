"""The command ``registry`` acted with: a person's acts, who does them, what is refused and with which status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from registry import Registry
from registry.clock import SystemClock
from registry.commands import options
from tests.registry.actors import NAME, HandClock, promote, register

WHY = ["--reason", "the feed was wrong"]


def champion(url):
    return Registry(url).model(NAME).champion()


ACTS = [
    (["promote", NAME, "v3", "--force", *WHY], "promoted: v3 by a person (forced by ann: the feed was wrong)"),
    (["promote", NAME, "latest", "--force", *WHY], "promoted: v3 by a person"),
    (["rollback", NAME, *WHY], "rolled back from v2 to v1 by ann"),
    (["rollback", NAME, "--to", "v1", *WHY], "rolled back from v2 to v1 by ann"),
    (["freeze", NAME, *WHY], "frozen until a person unfreezes it by ann"),
    (["freeze", NAME, "--until", "2199-06-01", *WHY], "frozen until 2199-06-01 00:00 UTC by ann"),
    (["suspend", NAME, *WHY], "suspended (production stands aside) by ann"),
    (["retire", NAME, "v3", *WHY], "v3 retired by ann"),
    (["tag", NAME, "best", "v3"], "v3 tagged 'best' by ann"),
    (["tag", NAME, "best", "champion"], "v2 tagged 'best' by ann"),
]


@pytest.mark.parametrize(("arguments", "says"), ACTS)
def test_an_act_is_one_entry_that_says_itself(url, run, arguments, says):
    status, out, err = run(*arguments)
    assert (status, err) == (0, "") and says in out and out.startswith("entry ")
    newest = json.loads(run("log", NAME, "--limit", "1", "--json")[1])[0]
    assert newest["sentence"] in out and newest["author"] == "ann"


@pytest.mark.parametrize("arguments", [arguments for arguments, _ in ACTS])
def test_every_act_is_json_for_a_program(url, run, arguments):
    status, out, err = run(*arguments, "--json")
    row = json.loads(out)
    assert (status, err) == (0, "") and row["model"] == NAME and len(row["digest"]) == 64 and "state" not in row


def test_a_version_is_not_promoted_by_hand_unless_the_gate_is_overruled_in_so_many_words(url, run):
    status, _, err = run("promote", NAME, "v3", *WHY)
    assert status == 2 and "add --force" in err
    assert champion(url).version == "v2"


def test_the_champion_of_a_suspended_model_is_not_said_to_be_in_production(url, run):
    assert "in production since" in run("champion", NAME)[1]
    assert json.loads(run("champion", NAME, "--json")[1])["suspended"] is None
    run("suspend", NAME, *WHY)
    out = run("champion", NAME)[1]
    assert "not in production: suspended since" in out and "the feed was wrong" in out and "\nchampion since" in out
    assert json.loads(run("champion", NAME, "--json")[1])["suspended"]["reason"] == "the feed was wrong"
    run("resume", NAME, *WHY)
    assert "in production since" in run("champion", NAME)[1]


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_an_act_is_told_in_whatever_encoding_the_output_has(url, options):
    """cron's may be ASCII: the act is in the log by then, and a failure would have it repeated."""
    command = ["suspend", NAME, "--author", "zoé 😀", "--reason", "naïve", "--registry", str(url), *options]
    program = [sys.executable, "-m", "registry.cli", *command]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(program, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    if options:
        assert json.loads(done.stdout)["author"] == "zoé 😀"
    else:
        assert r"by zo\u00e9 \ud83d\ude00: na\u00efve" in done.stdout


def test_what_a_person_wrote_is_no_markup_in_the_champions_lines(url, run):
    Registry(url).model(NAME).force("v1", author="ann[/b]", reason="why")
    assert "of ann[/b]" in run("champion", NAME)[1]


def test_a_freeze_stands_beside_the_champion_while_it_lasts(url, run):
    run("freeze", NAME, *WHY)
    status, out, _ = run("champion", NAME)
    assert status == 0 and "frozen: nothing is promoted until a person unfreezes it: the feed was wrong" in out
    assert json.loads(run("champion", NAME, "--json")[1])["frozen"]["reason"] == "the feed was wrong"
    run("unfreeze", NAME, *WHY)
    assert "frozen" not in run("champion", NAME)[1]
    run("freeze", NAME, *WHY, "--until", "2199-06-01")
    assert "until 2199-06-01 00:00 UTC" in run("champion", NAME)[1]
    assert "frozen" not in run("champion", NAME, "--at", "2199-07-01")[1], "it ends by itself"


def test_frozen_and_suspended_end_when_a_person_says_so(url, run):
    run("freeze", NAME, *WHY)
    status, _, err = run("promote", NAME, "v3", "--force", *WHY)
    assert status == 5 and "frozen" in err
    assert run("unfreeze", NAME, *WHY)[0] == 0 and run("promote", NAME, "v3", "--force", *WHY)[0] == 0
    run("suspend", NAME, *WHY)
    assert run("resume", NAME, *WHY)[0] == 0 and Registry(url).model(NAME).load().version == "v3"


def test_a_tag_is_taken_away(url, run):
    run("tag", NAME, "best", "v3")
    assert json.loads(run("show", NAME, "best", "--json")[1])["version"] == "v3"
    assert run("tag", NAME, "best", "--remove")[0] == 0
    assert run("show", NAME, "best")[0] == 2


def test_an_act_with_the_same_key_is_done_once(url, run):
    first = run("freeze", NAME, *WHY, "--key", "by hand", "--json")
    assert run("freeze", NAME, *WHY, "--key", "by hand", "--json") == first
    assert Registry(url).model(NAME).decisions.head().n == 3


def test_who_does_it_is_the_option_then_the_variable_then_the_login_name(url, run, monkeypatch):
    def author(*options):
        return json.loads(run("suspend", NAME, *WHY, *options, "--json")[1])["author"]

    assert author("--author", "bob") == "bob"
    assert author() == "ann"
    monkeypatch.delenv("RETRAIN_AUTHOR")
    monkeypatch.setattr(options.getpass, "getuser", lambda: "logged-in")
    assert author() == "logged-in"

    def unknown():
        raise KeyError("uid not found")

    monkeypatch.setattr(options.getpass, "getuser", unknown)
    status, _, err = run("suspend", NAME, *WHY)
    assert status == 2 and "--author" in err


FAULTS = [
    (["promote", NAME, "v2", "--force", *WHY], 2, "is the champion already"),
    (["promote", NAME, "v9", "--force", *WHY], 3, "has no v9"),
    (["promote", "nobody", "v1", "--force", *WHY], 3, "there is no model nobody"),
    (["promote", NAME, "v3", "--force", "--reason", ""], 2, "reason"),
    (["promote", NAME, "v3", "--force", "--reason", "two\nlines"], 2, "reason"),
    (["promote", NAME, "v3", "--force", *WHY, "--author", "a\tb"], 2, "author"),
    (["rollback", NAME, "--to", "v3", *WHY], 5, "not among the last ten champions"),
    (["freeze", NAME, "--until", "tomorrow", *WHY], 2, "is not a moment"),
    (["freeze", NAME, "--until", "2001-01-01", *WHY], 2, "before it begins"),
    (["unfreeze", NAME, *WHY], 2, "is not frozen"),
    (["freeze", NAME, *WHY, "--until", "9999-12-31T23:00-05:00"], 2, "is not a moment"),
    (["resume", NAME, *WHY], 2, "not suspended"),
    (["repair", NAME, *WHY], 2, "there is nothing to repair"),
    (["retire", NAME, "v2", *WHY], 2, "cannot be retired"),
    (["retire", NAME, "v9", *WHY], 3, "there is no v9"),
    (["tag", NAME, "latest", "v1"], 2, "cannot be a tag"),
    (["tag", NAME, "best"], 2, "--remove"),
    (["tag", NAME, "best", "v1", "--remove"], 2, "--remove"),
    (["tag", NAME, "best", "--remove"], 3, "no tag 'best'"),
    (["show", NAME, "v9"], 3, "has no v9"),
    (["compare", NAME, "v1", "v9"], 3, "has no v9"),
    (["compare", NAME, "v1", "nothing"], 2, "is not a version"),
    (["export", NAME, "v9", "--to", "x"], 3, "has no v9"),
    (["bundle", NAME, "9"], 2, "has no decision 9"),
    (["import-notebook", "none.json"], 2, "cannot be read"),
    (["import-notebook", "none.json", "--zone", "Mars/Olympus"], 2, "is no time zone"),
    (["predict", NAME, "none.csv"], 2, "cannot be read"),
]


@pytest.mark.parametrize(("arguments", "expected", "says"), FAULTS)
def test_a_fault_is_one_message_and_a_status_and_writes_nothing(url, run, arguments, expected, says):
    model = Registry(url).model(NAME)
    before = (model.versions.head(), model.decisions.head())
    status, out, err = run(*arguments)
    assert (status, out) == (expected, "") and says in err
    assert "Traceback" not in err and err.startswith("registry: ") and len(err.splitlines()) == 1
    after = Registry(url).model(NAME)
    assert (after.versions.head(), after.decisions.head()) == before


@pytest.mark.parametrize("act", ["promote", "rollback", "freeze", "unfreeze", "suspend", "resume", "repair", "retire"])
def test_an_act_without_a_reason_is_wrong_usage(url, run, act):
    status, _, err = run(act, NAME, *(["v3"] if act in ("promote", "retire") else []))
    assert status == 2 and "--reason" in err


def test_a_repair_says_each_entry_that_it_added(tmp_path, registry_command, monkeypatch):
    monkeypatch.setenv("RETRAIN_AUTHOR", "ann")
    monkeypatch.setenv("RETRAIN_REGISTRY", str(tmp_path))
    ahead = HandClock(SystemClock().now() + timedelta(days=400))
    promote(model := Registry(tmp_path, clock=ahead).model(NAME), register(model))
    status, _, err = registry_command("suspend", NAME, *WHY)
    assert status == 6 and f"registry repair {NAME}" in err
    status, out, err = registry_command("repair", NAME, *WHY, "--key", "once")
    assert (status, err) == (0, "") and [line.split(":")[0] for line in out.splitlines()] == [
        f"entry 2 of {NAME}/decisions",
        f"entry 2 of {NAME}/versions",
    ]
    rows = json.loads(registry_command("repair", NAME, *WHY, "--key", "once", "--json")[1])
    assert [row["kind"] for row in rows] == ["repaired", "repaired"]
    assert registry_command("suspend", NAME, *WHY)[0] == 0 and registry_command("verify", NAME)[0] == 0
