"""How commands end: on a full disk, into a closed pipe, with a misspelt variable, for a program that reads JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.operations.settings import Operations
from flows.settings import Settings
from registry.commands.variables import VARIABLES, unknown_variables
from registry.format.phrases import MOST_CHARACTERS, shortened
from registry.store.settings import ADDRESSING, ENCRYPTION, KMS_KEY, REQUESTER_PAYS

COMMAND_LINES = ("registry", "flows")


def ended(package: str, *words: str, stdout: int | str = subprocess.PIPE, **variables: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command line in a process of its own."""
    base = {name: value for name, value in os.environ.items() if not name.upper().startswith(("PREFECT_", "RETRAIN_"))}
    command = [sys.executable, "-m", f"{package}.cli", *words]
    target = stdout if isinstance(stdout, int) else os.open(stdout, os.O_WRONLY)
    try:
        done = subprocess.run(
            command,
            env={**base, "PREFECT_PROFILES_PATH": os.devnull, **variables},
            stdout=target,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        if target != subprocess.PIPE:
            os.close(target)
    return done.returncode, done.stdout or "", done.stderr


def without_reader() -> int:
    """A pipe whose reader has gone away."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("package", COMMAND_LINES)
def test_the_interpreter_does_not_look_through_all_that_a_command_imported_when_it_ends(package: str) -> None:
    looks = "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count() > len(gc.get_objects())))"
    program = f"{looks}; sys.argv[1:] = ['--help']; from {package}.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "True"


def test_every_setting_is_a_variable_that_is_known() -> None:
    fields = {f"RETRAIN_{name.upper()}" for name in (*Settings.model_fields, *Operations.model_fields)}
    assert fields <= set(VARIABLES)
    of_the_store = {ADDRESSING, ENCRYPTION, KMS_KEY, REQUESTER_PAYS}
    elsewhere = {f"RETRAIN_{name}" for name in ("CACHE", "REGISTRY_ID", "SETTINGS", "SOURCE_REVISION")}
    assert set(VARIABLES) - fields == elsewhere | of_the_store
    assert unknown_variables(VARIABLES) is None


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("RETRAIN_REGISTY", "(did you mean RETRAIN_REGISTRY?)"),
        ("RETRAIN_TRUSTED_PROMOTER", "(did you mean RETRAIN_TRUSTED_PROMOTERS?)"),
        ("retrain_data", "(did you mean RETRAIN_DATA?)"),
        ("RETRAIN_XYZZY", "RETRAIN_XYZZY: correct"),
        ("RETRAIN_" + "X" * 100_000, "XXX: correct"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_one_that_is_meant(variable: str, meant: str) -> None:
    told = unknown_variables([variable, "RETRAIN_REGISTRY", "HOME"])
    assert told is not None and meant in told and len(told) < 400


def test_what_kubernetes_sets_beside_a_service_of_that_name_is_no_mistake() -> None:
    set_by_it = ("RETRAIN_SERVICE_HOST", "RETRAIN_UI_SERVICE_PORT_HTTP", "RETRAIN_PORT", "RETRAIN_PORT_80_TCP_ADDR")
    assert unknown_variables(set_by_it) is None


@pytest.mark.parametrize(("package", "words"), [("registry", ("models",)), ("flows", ("status",))])
def test_a_misspelt_variable_stops_both_command_lines(
    package: str, words: tuple[str, ...], tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    right = str(tmp_path / "registry")
    status, told, error = ended(package, *words, RETRAIN_REGISTY="x", RETRAIN_REGISTRY=right)
    assert (status, told) == (2, "")
    assert error.removeprefix({"registry": "registry", "flows": "retrain"}[package]) == snapshot
    assert ended(package, "--help", RETRAIN_REGISTY="x")[0] == 0


def test_an_empty_variable_is_as_if_it_were_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    assert Settings() == Settings.model_construct()
    assert Operations() == Operations.model_construct()


@pytest.mark.parametrize(
    ("package", "words", "kind", "status"),
    [
        ("registry", ("champion", "nobody", "--json"), "ModelNotFound", 3),
        ("registry", ("compare", "--json"), "Usage", 2),
        ("registry", ("champion", "--no-such-option", "--json"), "Usage", 2),
        ("flows", ("explain", "nobody", "--json"), "ModelNotFound", 3),
        ("flows", ("run", "--no-prefect", "--as-of", "yesterday", "--json"), "RequestRefused", 2),
        ("flows", ("explode", "--json"), "Usage", 2),
    ],
)
def test_an_error_is_json_where_json_is_asked_for(
    package: str, words: tuple[str, ...], kind: str, status: int, tmp_path: Path
) -> None:
    found, told, error = ended(package, *words, RETRAIN_REGISTRY=str(tmp_path))
    assert found == status
    fault = json.loads(told)["error"]
    assert (fault["kind"], fault["status"]) == (kind, status)
    assert fault["message"] in error and "Traceback" not in error


@pytest.mark.parametrize("package", COMMAND_LINES)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_below_standard_output_is_one_message(
    package: str, unbuffered: str, snapshot: SnapshotAssertion
) -> None:
    status, _, error = ended(package, "--help", stdout="/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert status == 1
    assert error.removeprefix({"registry": "registry", "flows": "retrain"}[package]) == snapshot


def test_an_error_keeps_its_status_where_standard_output_is_full(tmp_path: Path) -> None:
    status, _, error = ended("registry", "champion", "x", stdout="/dev/full", RETRAIN_REGISTRY=str(tmp_path))
    assert (status, error.count("\n")) == (3, 1)


@pytest.mark.parametrize("package", COMMAND_LINES)
def test_a_reader_that_went_away_changes_neither_status_nor_words(package: str) -> None:
    assert ended(package, "--help", stdout=without_reader()) == (0, "", "")


def test_an_act_is_done_although_nobody_reads_that_it_is(tmp_path: Path) -> None:
    from registry import Registry
    from tests.registry import commanded
    from tests.registry.actors import NAME

    commanded.fill(tmp_path)
    act = ("promote", NAME, "v1", "--force", "--author", "ann", "--reason", "back")
    status, _, error = ended("registry", *act, stdout=without_reader(), RETRAIN_REGISTRY=str(tmp_path))
    assert (status, error) == (0, "")
    champion = Registry(tmp_path).model(NAME).champion()
    assert champion is not None and champion.version == "v1"


def test_a_message_of_megabytes_keeps_its_beginning_and_what_to_do() -> None:
    told = shortened("the value " + "9" * 3_000_000 + " is too long: write a shorter one")
    assert len(told) < MOST_CHARACTERS + 100
    assert told.startswith("the value 9") and told.endswith("9 is too long: write a shorter one")
    assert shortened("short") == "short"
