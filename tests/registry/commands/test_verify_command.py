"""The commands of upkeep: ``registry verify``, ``gc``, ``fold``, ``copy``."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest

from registry import Registry, VersionRecord
from registry.commands import output
from registry.format.entries import digest
from registry.store import connect
from registry.trust.keyring import write_new_key
from registry.trust.signing import Trusted
from tests.registry import commanded
from tests.registry.actors import NAME, crowned, register
from tests.registry.archives import pack_as_format_1
from tests.registry.long_logs import long_store


@pytest.fixture
def place(tmp_path):
    """The folder of a registry with v1, v2 and v3, of which v1 and then v2 were champions."""
    folder = tmp_path / "registry"
    register(crowned("a", "b", store=Registry(folder).store), "c")
    return folder


@pytest.fixture
def run(monkeypatch, registry_command, place):
    """Runs a command on ``place``: (exit status, standard output, standard error)."""
    monkeypatch.delenv("RETRAIN_REGISTRY", raising=False)
    monkeypatch.delenv("RETRAIN_CACHE", raising=False)
    for variable in ("SIGNING_KEY", "TRUSTED_PROMOTERS", "TRUSTED_TRAINERS"):
        monkeypatch.delenv(f"RETRAIN_{variable}", raising=False)

    def command(*arguments, registry=place):
        return registry_command(*arguments, "--registry", registry)

    return command


def orphan_in(place):
    path = place / "models" / NAME / "artifacts" / f"{digest(b'?')}-0"
    path.write_bytes(b"?")
    old = time.time() - 90_000
    os.utime(path, (old, old))
    return path


def test_a_whole_registry_is_clean(run):
    status, out, _ = run("verify", NAME)
    assert status == 0 and out == f"{NAME}: 5 entries, 3 other objects (0.0 MB): clean\n"


def test_what_is_wrong_is_named_and_the_status_says_so(run, place):
    next((place / "models" / NAME / "artifacts").iterdir()).write_bytes(b"?")
    status, out, err = run("verify", NAME)
    assert status == 7 and "not clean" in out and "damage: damaged artifact: models/" in out and err == ""
    status, out, _ = run("verify", NAME, "--json")
    (report,) = json.loads(out)
    (finding,) = report["findings"]
    assert status == 7 and not report["clean"]
    assert {"kind", "severity", "key", "words", "mend"} == set(finding)


def test_an_orphan_is_told_and_is_nothing_wrong(run, place):
    orphan_in(place)
    status, out, _ = run("verify", NAME)
    assert status == 0 and "clean" in out and "note: orphan" in out


def test_all_models_are_verified_where_none_is_named(run, place):
    register(Registry(place).model("eurusd"))
    reports = json.loads(run("verify", "--json")[1])
    assert [report["model"] for report in reports] == ["eurusd", NAME]


def test_what_a_writer_left_before_its_first_entry_is_verified_and_collected(run, place):
    path = place / "models" / "eurusd" / "artifacts" / f"{digest(b'?')}-0"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"?")
    old = time.time() - 90_000
    os.utime(path, (old, old))
    status, out, _ = run("verify")
    assert status == 0 and "note: orphan: models/eurusd" in out and f"{NAME}: 5 entries" in out
    assert run("verify", "eurusd")[0] == 0
    assert run("gc", "eurusd")[0] == 0 and not path.exists()


@pytest.mark.parametrize("name", ["Eurusd", "two words", "\udcff"])
def test_what_lies_beside_the_models_is_named_and_hides_none_of_them(run, place, name):
    (place / "models" / name).mkdir()
    (place / "models" / name / "file").touch()
    status, out, _ = run("verify")
    assert status == 7 and "stray key: models/" in out and f"{NAME}: 5 entries" in out
    assert json.loads(run("verify", "--json")[1])[1]["findings"][0]["kind"] == "stray key"
    assert run("models")[1] == f"{NAME}\n"


@pytest.mark.parametrize("name", ["notes (copy).txt", "\udcff", "two\nlines", "é"])
def test_a_file_of_a_name_that_no_key_has_is_a_stray_one(run, place, name):
    (place / "models" / NAME / name).touch()
    status, out, _ = run("verify", NAME)
    assert status == 7 and f"fault: stray key: models/{NAME}/" in out
    assert json.loads(run("verify", "--json")[1])[0]["findings"][0]["kind"] == "stray key"


@pytest.mark.parametrize("models", [1, 0])
def test_what_is_wrong_with_the_registry_itself_is_told_once(run, place, models):
    if models:
        register(Registry(place).model("eurusd"))
    else:
        shutil.rmtree(place / "models")
    (place / "format" / "2.json").write_bytes(b"junk")
    status, out, _ = run("verify")
    assert status == 7 and out.count("damage: damaged format: format/2.json") == 1
    assert json.loads(run("verify", "--json")[1])[0]["model"] == "(registry)"


def test_what_is_wrong_with_the_registry_itself_is_told_with_one_model(run, place):
    (place / "format" / "2.json").write_bytes(b"junk")
    status, out, _ = run("verify", NAME)
    assert status == 7 and out.count("damage: damaged format: format/2.json") == 1


def test_an_empty_registry_says_so(run, tmp_path):
    assert run("verify", registry=tmp_path / "none")[:2] == (0, f"no models in {tmp_path / 'none'}\n")


def test_garbage_is_told_first_and_then_removed(run, place):
    path = orphan_in(place)
    status, out, _ = run("gc", NAME, "--dry-run")
    assert status == 0 and "orphan: models/" in out and "1 objects (0.0 MB) would be removed" in out and path.exists()
    told = json.loads(run("gc", NAME, "--json")[1])
    assert (told["dry_run"], told["bytes"], len(told["garbage"])) == (False, 1, 1) and not path.exists()


@pytest.mark.parametrize("model", [(NAME,), ()])
def test_a_champion_that_production_refuses_is_told_where_keys_are_configured(run, tmp_path, monkeypatch, model):
    assert run("verify", *model)[0] == 0
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", write_new_key(tmp_path / "approver.pem"))
    status, out, _ = run("verify", *model)
    assert status == 7 and "fault: untrusted champion: models/" in out and "is not signed" in out


@pytest.mark.parametrize("said", ["--signing-key", "RETRAIN_SIGNING_KEY"])
def test_what_gc_retires_is_signed_by_the_key_that_it_is_given(run, place, tmp_path, monkeypatch, said):
    night = tmp_path / "night.pem"
    promoter, trainer = write_new_key(tmp_path / "approver.pem"), write_new_key(night)
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", promoter)
    monkeypatch.setenv("RETRAIN_TRUSTED_TRAINERS", trainer)
    later = Registry(place).model(NAME)
    later.register(b"d", VersionRecord(recipe="rf", night="2190-01-01"), author="trainer")
    given: tuple[object, ...] = ()
    if said.startswith("--"):
        given = (said, night)
    else:
        monkeypatch.setenv(said, str(night))
    assert "1 versions were retired" in run("gc", NAME, "--nights", "1", *given)[1]
    entry = Registry(place).model(NAME).versions.head()
    assert (entry.kind, entry.author, entry.body["versions"]) == ("retired", "gc", ["v3"])
    Trusted([promoter], [trainer]).check_entry(entry)


def test_gc_with_a_key_that_nobody_trusts_touches_nothing(run, place, tmp_path, monkeypatch):
    path = orphan_in(place)
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", write_new_key(tmp_path / "approver.pem"))
    write_new_key(tmp_path / "other.pem")
    status, out, err = run("gc", NAME, "--signing-key", tmp_path / "other.pem")
    assert status != 0 and out == "" and "is nobody's that is trusted" in err and path.exists()


def test_much_garbage_is_not_told_line_by_line(run, place):
    path = orphan_in(place)
    for number in range(1, 31):
        os.link(path, path.with_name(f"{path.name}{number}"))
    out = run("gc", NAME, "--dry-run")[1]
    assert len(out.splitlines()) == 22 and "and 11 more" in out


def test_old_entries_are_folded(run, place):
    store = connect(place)
    for key in store.list(""):
        store.delete(key)
    for key, data in long_store(101).objects.items():
        store.create(key, data)
    status, out, _ = run("fold", NAME)
    assert status == 0 and out.startswith(f"{NAME}: 1 segments added")
    assert json.loads(run("fold", NAME, "--json")[1]) == {"model": NAME, "segments": [], "bytes": 0}


def test_history_from_a_cache_is_the_same(run, tmp_path):
    first = run("history", NAME, "--json")
    assert run("history", NAME, "--json", "--cache", tmp_path / "cache") == first
    assert run("history", NAME, "--json", "--cache", tmp_path / "cache") == first
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_model_is_copied(run, place, tmp_path, snapshot):
    target = tmp_path / "backup"
    status, out, _ = run("copy", NAME, "--to", target)
    assert status == 0 and "5 entries" in out and "3 objects" in out and str(target) in out
    assert out == snapshot
    assert connect(target).list("models/") == connect(place).list("models/")
    assert json.loads(run("copy", NAME, "--to", target, "--json")[1])["entries"] == 0


def test_a_model_is_copied_with_smaller_archives(run, place, tmp_path):
    old = pack_as_format_1(commanded.fitted(7), commanded.SIGNATURE)
    Registry(place).model(NAME).register(old, VersionRecord(recipe="old"), author="trainer")
    status, out, _ = run("copy", NAME, "--to", tmp_path / "smaller", "--repack", "--author", "ann")
    assert status == 0 and "1 archives repacked" in out and "both verified" in out
    done = json.loads(run("copy", NAME, "--to", tmp_path / "again", "--repack", "--author", "ann", "--json")[1])
    assert (done["archives"], done["copied"]["entries"], done["kept"]) == (1, 6, {})
    assert not Registry(tmp_path / "again").model(NAME).load("v4").archive.has_estimator


def test_a_copy_onto_another_history_is_one_message(run, tmp_path):
    register(Registry(tmp_path / "other").model(NAME))
    status, out, err = run("copy", NAME, "--to", tmp_path / "other")
    assert (status, out) == (2, "") and "copy to an empty place" in err and "Traceback" not in err


@pytest.mark.parametrize("command", ["verify", "gc", "fold"])
def test_a_model_that_is_not_there_is_one_message(run, command, snapshot):
    status, out, err = run(command, "nobody")
    assert (status, out) == (3, "") and err.startswith("registry: ") and err == snapshot


def test_wrong_usage_ends_with_status_2(run):
    assert run("copy", NAME)[0] == run("gc", NAME, "--nights", "0")[0] == 2


def test_a_bar_is_shown_on_a_terminal_for_what_takes_long(monkeypatch, capsys):
    monkeypatch.setattr(output, "SECONDS_BEFORE_A_BAR", -1.0)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with output.bar() as progress:
        progress("reading entries", 3, 10)
    told = capsys.readouterr()
    assert "reading entries" in told.err and told.out == ""


def test_no_bar_is_shown_for_what_is_done_at_once(monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with output.bar() as progress:
        progress("reading entries", 3, 10)
    assert "reading" not in capsys.readouterr().err
