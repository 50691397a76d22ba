"""MODEL may be left out where the registry has one; where it has several, the error lists them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.registry.actors import NAME

WHY = ["--reason", "to try", "--author", "ann"]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (["log"], ["log", NAME]),
        (["history"], ["history", NAME]),
        (["champion"], ["champion", NAME]),
        (["show"], ["show", NAME]),
        (["show", "v3"], ["show", NAME, "v3"]),
        (["show", "latest"], ["show", NAME, "latest"]),
        (["compare", "v1", "v2"], ["compare", NAME, "v1", "v2"]),
        (["compare", "v1", "champion"], ["compare", NAME, "v1", "champion"]),
    ],
)
def test_the_only_model_is_meant(run, short, long):
    status, out, _ = run(*short, "--json")
    assert status == 0 and json.loads(out) == json.loads(run(*long, "--json")[1])


def test_acts_are_on_the_only_model_too(run):
    assert json.loads(run("rollback", "--json", *WHY)[1])["model"] == NAME
    assert json.loads(run("promote", "v3", "--force", *WHY, "--json")[1])["model"] == NAME
    assert json.loads(run("tag", "best", "--remove", *WHY[2:], "--json")[1])["error"]["kind"] == "VersionNotFound"


def test_of_several_models_the_setting_is_meant_else_all_are_named(run, url, monkeypatch):
    models = Path(url) / "models"
    shutil.copytree(models / NAME, models / "other")
    for words in (["log"], ["show", "v2"], ["rollback", *WHY]):
        status, _, err = run(*words)
        assert status == 2 and f"2 models: {NAME}, other. Name one of them" in err
    monkeypatch.setenv("RETRAIN_MODEL", NAME)
    assert run("show", "v2")[0] == 0


def test_an_empty_registry_says_how_a_model_begins(run, tmp_path):
    status, _, err = run("log", "--registry", tmp_path / "empty")
    assert status == 3 and "`retrain run`" in err


def test_what_is_missing_beside_the_model_is_said_as_ever(run):
    assert run("compare", "v1")[0] == 2
    status, _, err = run("compare", NAME, "v1")  # one version is too few, whatever is left out
    assert status == 2 and NAME in err


def test_the_help_says_that_the_model_may_be_left_out(run):
    assert "show [OPTIONS] [MODEL] [VERSION]" in run("show", "--help")[1]
