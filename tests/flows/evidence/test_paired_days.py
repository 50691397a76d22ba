"""``registry compare`` and the evidence: two versions on the same days, or not said to be comparable."""

from __future__ import annotations

import json
import sys
from datetime import UTC
from pathlib import Path

import numpy as np
import pytest

from flows.evidence.paired_days import paired_days
from flows.gate.scoring.ledger import to_bytes
from registry import Model, Registry, VersionRecord, cli
from registry.clock import write_time
from registry.errors import Corrupt
from registry.model.evidence import ScoredNight
from tests.flows.gate.nightly_cases import Bars, bars, sheets

NAME = "m"
DAYS = 30


def moment(made: Bars, at: int) -> str:
    return write_time(made.opens[at].astype("datetime64[m]").item().replace(tzinfo=UTC))


@pytest.fixture
def made() -> Bars:
    return bars(DAYS)


@pytest.fixture
def model(tmp_path: Path, made: Bars) -> Model:
    """v1 of recipe ``weak`` and v2 of recipe ``keen``, measured on all days of their streams; v3 of ``weak`` measured
    on the last eight days alone; v4 of no recipe that the evidence knows. Evidence: two streams, and v1 frozen."""
    model = Registry(tmp_path / "registry").model(NAME)
    spans = {"v1": ("weak", 0), "v2": ("keen", 0), "v3": ("keen", -8 * 64), "v4": ("stranger", 0)}
    for recipe, first in spans.values():
        measured = {"rule": "stream", "first": moment(made, first), "last": moment(made, -1), "fingerprint": str(first)}
        record = VersionRecord(
            recipe=recipe, recipe_fingerprint=recipe, metrics={"accuracy": 0.5}, measured_on=measured
        )
        model.register(None, record, author="trainer")
    streams = {"recipe:weak": made.said(0.0, 1), "recipe:keen": made.said(2.0, 2)}
    keep(model, to_bytes(sheets(made, streams)))
    return model


def keep(model: Model, data: bytes) -> None:
    model.score(ScoredNight(data, "2023-02-10", "2023-02-10", 1), fold=lambda files: files[-1], author="trainer")


def test_days_of_two_recipes_are_paired_bar_by_bar(model, made):
    found = paired_days(model, model.version("v1"), model.version("v2"))["accuracy"]
    hit = {skill: (made.said(skill, seed) > 0.5) == (made.label == 1.0) for skill, seed in ((0.0, 1), (2.0, 2))}
    lead = (hit[2.0].astype(float) - hit[0.0]).reshape(DAYS, 64)
    assert np.allclose(found.difference, lead.mean(axis=1)) and set(found.bars) == {64}
    assert found.interval().low > 0.2
    assert found.first == pytest.approx(hit[0.0].mean()) and found.mean == pytest.approx(hit[2.0].mean() - found.first)


def test_a_frozen_versions_own_scores_count_before_its_recipes(model, made):
    keep(model, to_bytes(sheets(made, {"recipe:weak": made.said(0.0, 1), "recipe:keen": made.said(2.0, 2),
                                      "version:v1": made.said(2.0, 2)})))  # fmt: skip
    assert paired_days(model, model.version("v1"), model.version("v2")) == {}  # v1 says now what keen says


@pytest.mark.parametrize("other", ["v3", "v4"])
def test_too_few_common_days_are_no_pair(model, other):
    assert paired_days(model, model.version("v1"), model.version(other)) == {}


def test_a_version_is_not_paired_with_itself(model):
    assert paired_days(model, model.version("v2"), model.version("v2")) == {}


def test_evidence_that_is_none_is_told(tmp_path):
    model = Registry(tmp_path / "registry").model(NAME)
    model.register(None, VersionRecord(), author="trainer")
    keep(model, b"nonsense")
    with pytest.raises(Corrupt, match="registry verify"):
        paired_days(model, model.version("v1"), model.version("v1"))


def test_the_command_says_on_how_many_paired_days_it_stands(model, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["registry", "compare", NAME, "v1", "v2", "--json", "--registry", model.store.url])
    cli.app(standalone_mode=False)
    [row] = json.loads(capsys.readouterr().out)["metrics"]
    assert row["status"] == "better" and row["interval"]["origin"] == f"{DAYS} paired days"
