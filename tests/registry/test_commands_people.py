"""The command ``registry`` acted with: a person's acts, comparison, what goes out and comes in."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from actors import NAME
from sklearn.linear_model import LogisticRegression

from registry import Registry, VersionRecord, cli
from registry.artifact import pack
from registry.commands import asking
from registry.signature import Signature

SIGNATURE = Signature(("rsi_14", "adx_14"))
BARS = {"bars": 24926, "fingerprint": "abc", "first": "2024-01-01", "last": "2024-12-31"}
WHY = ["--reason", "the feed was wrong"]


def fitted(seed):
    x = np.random.default_rng(seed).normal(size=(60, 2))
    return LogisticRegression().fit(x, (x[:, 0] + seed * x[:, 1] > 0).astype(int))


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A registry with v1, v2 and v3, of which v1 and then v2 were champions."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("RETRAIN_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("RETRAIN_AUTHOR", "ann")
    book = Registry(tmp_path / "registry").model(NAME)
    for seed, accuracy in ((0, 0.51), (1, 0.513), (2, 0.55)):
        record = VersionRecord(
            recipe="logistic", metrics={"accuracy": accuracy}, parameters={"C": float(seed)}, measured_on=BARS
        )
        book.register(pack(fitted(seed), SIGNATURE), record, author="trainer")
    for version in ("v1", "v2"):
        book.force(version, author="ann", reason="to begin with")
    return str(tmp_path / "registry")


@pytest.fixture
def run(url, monkeypatch, capsys):
    """(exit status, standard output, standard error) of a command on that registry."""

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["registry", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
        told = capsys.readouterr()
        return status, told.out, told.err

    return called


def champion(url):
    return Registry(url).model(NAME).champion()


# --- a person's acts ------------------------------------------------------------------------------------------------

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
    monkeypatch.setattr(asking.getpass, "getuser", lambda: "logged-in")
    assert author() == "logged-in"

    def unknown():
        raise KeyError("uid not found")

    monkeypatch.setattr(asking.getpass, "getuser", unknown)
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
    (["resume", NAME, *WHY], 2, "not suspended"),
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
    book = Registry(url).model(NAME)
    before = (book.versions.head(), book.decisions.head())
    status, out, err = run(*arguments)
    assert (status, out) == (expected, "") and says in err
    assert "Traceback" not in err and err.startswith("registry: ") and len(err.splitlines()) == 1
    after = Registry(url).model(NAME)
    assert (after.versions.head(), after.decisions.head()) == before


@pytest.mark.parametrize("act", ["promote", "rollback", "freeze", "unfreeze", "suspend", "resume", "retire"])
def test_an_act_without_a_reason_is_wrong_usage(url, run, act):
    status, _, err = run(act, NAME, *(["v3"] if act in ("promote", "retire") else []))
    assert status == 2 and "--reason" in err


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_version_is_shown_whole(url, run):
    status, out, _ = run("show", NAME)
    assert status == 0 and "metrics.accuracy" in out and "0.513" in out and "measured_on.fingerprint" in out
    row = json.loads(run("show", NAME, "v3", "--json")[1])
    assert (row["version"], row["author"], row["champion"]) == ("v3", "trainer", False)


def test_versions_are_compared(url, run):
    status, out, _ = run("compare", NAME, "v1", "v3")
    assert status == 0 and "better" in out and "+0.0400" in out and "+7.84" in out and "C: 0.0 → 2.0" in out
    assert "within noise" in run("compare", NAME, "v1", "v2")[1]
    found = json.loads(run("compare", NAME, "v3", "champion", "--json")[1])
    assert (found["a"], found["b"], found["metrics"][0]["status"]) == ("v3", "v2", "worse")


def test_what_a_person_wrote_is_not_taken_for_markup(url, run):
    record = VersionRecord(recipe="[bold]rf[/]", metrics={"[red]": 0.5}, parameters={"[x]": "[/]"})
    Registry(url).model(NAME).register(None, record, author="[link]ann")
    for command, told in (
        (["history", NAME], ("[bold]rf[/]", "[link]ann", "[red]")),
        (["show", NAME, "v4"], ("[bold]rf[/]", "[link]ann", "metrics.[red]", "parameters.[x]")),
        (["compare", NAME, "v1", "v4"], ("[red]", "[x]: added ([/])")),
        (["log", NAME], ("[bold]rf[/]", "[link]ann", "[red]")),
    ):
        status, out, _ = run(*command)
        assert status == 0 and [each for each in told if each not in out] == []


# --- out and in -----------------------------------------------------------------------------------------------------


def test_export_and_bundle_write_files_and_say_which(url, run, tmp_path):
    status, out, _ = run("export", NAME, "champion", "--to", tmp_path / "v2")
    assert status == 0 and [Path(line).name for line in out.splitlines()] == [
        "model.zip",
        "version.json",
        "decision.json",
        "README.md",
    ]
    file = tmp_path / "decision.zip"
    told = json.loads(run("bundle", NAME, 2, "--to", file, "--json")[1])
    script = Path(__file__).parents[2] / "examples" / "check_bundle.py"
    program = [sys.executable, str(script), told["file"], "--digest", told["decision_sha256"]]
    assert "the bundle holds" in subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert "check it:" in run("bundle", NAME, 2, "--to", file)[1], "the same again"
    status, _, err = run("bundle", NAME, 1, "--to", file)
    assert status == 2 and "other content" in err
    assert run("bundle", NAME, 1, "--to", tmp_path / "none" / "x.zip")[0] == 2


def test_a_notebooks_registry_is_imported_once(url, run, tmp_path):
    entry = {"version": "v1", "timestamp": "2026-02-11T16:48:58", "author": "eve", "params": {}, "metrics": {"f1": 0.3}}
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"models": {"RF": [entry]}}))
    assert run("import-notebook", path)[0] == 2, "RF may not stand in a key"
    arguments = ("import-notebook", path, "--model", "RF", "--as", "rf", "--zone", "Europe/Paris")
    status, out, _ = run(*arguments)
    assert status == 0 and out == "rf v1: v1 of the notebook, added, a record without artifact\n"
    assert [row["added"] for row in json.loads(run(*arguments, "--json")[1])] == [False]
    _, told, _ = run("history", "rf")
    assert "eve" in told and "2026-02-11 15:48" in told


def test_a_notebook_without_versions_says_so(url, run, tmp_path):
    path = tmp_path / "registry.json"
    path.write_text('{"models": {}}')
    assert "holds no versions" in run("import-notebook", path)[1]


# --- predict --------------------------------------------------------------------------------------------------------

CSV = "timestamp,adx_14,close_15m,rsi_14\n2024-05-01 12:00,-1.5,1.25,2.5\n2024-05-01 12:15,0.5,1.26,-3\n"


def expected(seed=1):
    return fitted(seed).predict_proba(np.array([[2.5, -1.5], [-3.0, 0.5]]))[:, 1]


def test_a_csv_in_and_a_csv_out(url, run, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("\ufeff" + CSV)
    status, out, err = run("predict", NAME, bars)
    header, *rows = [line.split(",") for line in out.splitlines()]
    assert (status, header) == (0, ["timestamp", "p_up", "says", "version"])
    assert [row[0] for row in rows] == ["2024-05-01 12:00", "2024-05-01 12:15"]
    np.testing.assert_allclose([float(row[1]) for row in rows], expected(), atol=1e-12)
    assert [row[2:] for row in rows] == [["up", "v2"], ["down", "v2"]]
    assert "v2 was right on 51.3%" in err
    assert run("predict", NAME, bars, "--to", tmp_path / "said.csv")[0] == 0
    assert (tmp_path / "said.csv").read_text() == out


def test_predictions_of_a_named_version_as_json(url, run, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("rsi_14,adx_14\n2.5,-1.5\n\n-3,0.5\n")
    told = json.loads(run("predict", NAME, bars, "--version", "v3", "--json")[1])
    assert (told["version"], [row["row"] for row in told["rows"]]) == ("v3", ["1", "2"])
    np.testing.assert_allclose([row["p_up"] for row in told["rows"]], expected(2), atol=1e-12)


def test_rows_may_come_from_standard_input(url, run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV.encode())))
    assert len(run("predict", NAME, "-")[1].splitlines()) == 3


def test_a_suspended_champion_is_not_asked(url, run, tmp_path):
    (tmp_path / "bars.csv").write_text(CSV)
    run("suspend", NAME, *WHY)
    status, out, err = run("predict", NAME, tmp_path / "bars.csv")
    assert (status, out) == (5, "") and "suspended" in err
    assert run("predict", NAME, tmp_path / "bars.csv", "--version", "v2")[0] == 0


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 2, "has no rows"),
        (b"rsi_14,adx_14\n", 2, "has no rows"),
        (b"rsi_14,adx_14\n\n", 2, "has no rows"),
        (b"rsi_14\n1\n", 8, "column adx_14 is missing"),
        (b"rsi_14;adx_14\n1;2\n", 8, "column rsi_14 is missing; column adx_14 is missing"),
        (b"rsi_14,adx_14,rsi_14\n1,2,3\n", 8, "column rsi_14 is there twice"),
        (b"rsi_14,adx_14\n1,2\n1,x\n", 8, "line 3: adx_14 is 'x'"),
        (b"rsi_14,adx_14\n\n1,x\n", 8, "line 3: adx_14 is 'x'"),
        (b"rsi_14,adx_14\n1," + b"9" * 200_000 + b"\n", 2, "line 2: field larger"),
        (b"rsi_14,adx_14\n1,\n", 8, "line 2: adx_14 is ''"),
        (b'rsi_14,adx_14\n1,"2,5"\n', 8, "line 2: adx_14 is '2,5'"),
        (b"rsi_14,adx_14\n1,nan\n", 8, "adx_14 is nan"),
        (b"rsi_14,adx_14\n1,2\n1\n", 2, "line 3"),
        (b"rsi_14,adx_14\n1,2,3\n", 2, "line 2"),
        (b"\xff\xfe", 2, "UTF-8"),
        (b"rsi_14,adx_14\n1,2\x00\n", 8, "line 2"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_line(url, run, tmp_path, content, status, says):
    (tmp_path / "bars.csv").write_bytes(content)
    found, out, err = run("predict", NAME, tmp_path / "bars.csv")
    assert (found, out) == (status, "") and says in err and "Traceback" not in err


# --- help and completion --------------------------------------------------------------------------------------------

ACTED = ["promote", "rollback", "freeze", "unfreeze", "suspend", "resume", "retire", "tag"]
EXCHANGED = ["export", "bundle", "import-notebook", "predict"]
COMMANDS = [
    "models",
    "history",
    "show",
    "log",
    "champion",
    "compare",
    *ACTED,
    "verify",
    "gc",
    "fold",
    "copy",
    *EXCHANGED,
]


def test_help_names_every_command_and_what_the_exit_status_means(run):
    status, out, _ = run("--help")
    assert status == 0 and "Exit status: 0 done; 2 wrong usage" in out
    assert set(COMMANDS) <= {line.split()[0] for line in out.splitlines() if line.strip()}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(run, command):
    status, out, _ = run(command, "--help")
    assert status == 0 and "--json" in out and "--registry" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(run, command):
    assert f"Example: registry {command} " in run(command, "--help")[1]


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("registry roll", ["rollback"]),
        (f"registry history {NAME[:2]}", [NAME]),
        ("registry history --registry nowhere/else g", []),
        ("registry history --registry s3:// g", []),
    ],
)
def test_the_shell_completes_commands_and_models(url, words, completed):
    asked = {"_REGISTRY_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    program = [str(Path(sys.executable).with_name("registry"))]
    told = subprocess.run(program, env={**os.environ, **asked}, capture_output=True, text=True, check=False)
    assert (told.stdout.split(), told.stderr) == (completed, "")


# --- history --------------------------------------------------------------------------------------------------------


def test_history_marks_what_is_champion_retired_and_tagged(url, run):
    run("retire", NAME, "v3", *WHY)
    run("tag", NAME, "best", "v3")
    rows = [line.split() for line in run("history", NAME)[1].splitlines() if line[2:3].isdigit()]
    assert {row[0]: " ".join(row[6:]) for row in rows} == {"v1": "", "v2": "champion", "v3": "retired, best"}


def test_two_versions_without_metrics_are_compared_without_an_empty_table(url, run):
    book = Registry(url).model(NAME)
    for _ in range(2):
        book.register(None, VersionRecord(features=("rsi_14", "adx_14"), dataset_fingerprint="ab" * 32), author="ann")
    status, out, _ = run("compare", NAME, "v2", "v5")
    assert status == 0 and "features: added (rsi_14, adx_14)" in out and "fingerprint: added (abababababab…)" in out
    assert run("compare", NAME, "v4", "v5")[1].startswith("gbpusd: v5 beside v4: neither has a metric")
