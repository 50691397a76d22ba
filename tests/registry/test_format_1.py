"""A registry of format 1, written when the format was young: it opens, says what it said, and is written so again."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.evidence.reading import read_ledger
from flows.gate import Decision
from flows.night.rejudge import judge_again
from registry import Registry
from registry.errors import ArtifactMissing, Frozen
from registry.format.entries import canonical
from registry.maintenance.verify import verify, verify_all
from tests.clocks import FixedClock
from tests.registry import format_1
from tests.registry.actors import counted_ids
from tests.registry.format_1 import FACTS, MODELS, REGISTRY, SENTENCES, TRUSTED

NEWEST_OF_TAGS = "d6c199df93c0bc63b971f49f551f0b98b94bb14a2688933e24d5a985007c1476"
SEGMENT_OF_TAGS = "6e07b65a198a0838cfeae1a285119f13f6a8888c035b603fa2f4c6927cd79516"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """The registry as a clone of the repository brings it: files alone, no empty folders, no links."""
    place = shutil.copytree(REGISTRY, tmp_path / "format-1")
    return Registry(place, clock=FixedClock(datetime(2026, 3, 2, tzinfo=UTC)), new_id=counted_ids())


@pytest.fixture(scope="module")
def kept() -> Any:
    """What was read in it when it was written."""
    return json.loads(FACTS.read_text())


def same_machine(kept: Any) -> bool:
    """Whether a fit comes out here as it did there, to the last bit."""
    return bool(kept["made_on"] == json.loads(json.dumps(format_1.made_on())))


def test_it_holds_every_kind_of_entry(registry: Registry) -> None:
    assert registry.models() == list(MODELS)
    kinds = {entry.kind for name in MODELS for entry in registry.model(name).log()}
    assert kinds == {
        *("registered", "scored", "retired", "tagged"),
        *("promoted", "held", "returned", "rolled_back", "frozen", "unfrozen", "suspended", "resumed", "policy"),
    }


def test_every_entry_says_what_it_said(registry: Registry) -> None:
    assert format_1.sentences(registry) == SENTENCES.read_text()


@pytest.mark.parametrize("name", MODELS)
def test_the_champion_of_every_moment_is_who_it_was(registry: Registry, kept: Any, name: str) -> None:
    model = registry.model(name)
    expected = kept["models"][name]["champions"]
    assert format_1.champions(model) == expected
    now = model.champion()
    assert now is not None and [now.version, now.decision, now.how] == expected[-1][1:]
    assert model.load().version == now.version and model.load().champion == now


@pytest.mark.parametrize("name", MODELS)
def test_the_history_is_what_it_was(registry: Registry, kept: Any, name: str) -> None:
    found, expected = format_1.histories(registry.model(name)), kept["models"][name]["history"]
    assert found == expected


@pytest.mark.parametrize("name", MODELS)
def test_what_has_a_data_only_form_predicts_what_it_did(registry: Registry, kept: Any, name: str) -> None:
    found, expected = format_1.predictions(registry.model(name), "arrays"), kept["models"][name]["arrays"]
    assert list(found) == list(expected) != []
    for version, p in expected.items():
        np.testing.assert_allclose(found[version], p, rtol=0, atol=1e-12, err_msg=version)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_kept_as_skops_alone_predicts_what_it_did(registry: Registry, kept: Any, name: str) -> None:
    there, here = (each["environment"]["scikit-learn"] for each in (kept["made_on"], format_1.made_on()))
    if there != here:
        pytest.skip(f"an estimator of scikit-learn {there} need not load in {here}; the data-only form does")
    found, expected = format_1.predictions(registry.model(name), "skops"), kept["models"][name]["skops"]
    assert list(found) == list(expected) != []
    for version, p in expected.items():
        np.testing.assert_allclose(found[version], p, rtol=0, atol=1e-12, err_msg=version)


def test_a_record_without_artifact_is_known_and_not_loaded(registry: Registry) -> None:
    model = registry.model("acts")
    imported = (model.version("v1").record.details or {})["imported"]
    assert (imported["author"], imported["timestamp"]) == ("ann", "2024-02-11T16:48:58.825398")
    with pytest.raises(ArtifactMissing, match="record without artifact"):
        model.load("v1")


def test_nothing_is_found_wrong_in_it(registry: Registry) -> None:
    reports = verify_all(registry)
    assert [(report.model, report.findings) for report in reports] == [(name, ()) for name in MODELS]


def test_what_was_signed_is_trusted(registry: Registry) -> None:
    trusting = Registry(registry.store, trusted=TRUSTED).model("acts")
    assert trusting.load().version == "v3" and verify(trusting).findings == ()
    entries = [*trusting.log()]
    for entry in entries:
        TRUSTED.check_entry(entry)
    assert {(entry.signature or {}).get("role") for entry in entries} == {"trainer", "promoter"}


def test_the_nights_decisions_judged_again_come_out_the_same(registry: Registry) -> None:
    model = registry.model("nightly")
    judged = [entry.n for entry in model.decisions.walk() if "evidence" in entry.body]
    assert judged == [7, 6, 4, 3, 1]
    for number in judged:
        again = judge_again(model, number)
        assert again.same and again.again.sentence == again.recorded.sentence, number


def test_the_decision_on_named_years_is_read_as_it_was_written(registry: Registry) -> None:
    model = registry.model("named_years")
    record = dict(model.decision_record(model.decisions.read(1)) or {})
    assert Decision.from_dict(record).to_dict() == record


def test_the_evidence_is_there_as_each_night_saw_it(registry: Registry) -> None:
    model = registry.model("nightly")
    ledgers = [read_ledger(model, entry) for entry in model.versions.walk() if entry.kind == "scored"]
    live = [list(ledger.live_nights) for ledger in ledgers]
    nights = ["2024-05-30", "2024-05-31", "2024-06-05", "2024-06-07"]
    assert live == [nights, nights[:3], nights[:2], nights[:1]]
    assert [*model.manifest().months] == ["2024-05"]


def test_a_large_record_is_read_from_its_file(registry: Registry) -> None:
    model = registry.model("acts")
    entry = model.decisions.read(3)
    assert set(entry.body["record"]) == {"key", "sha256", "size"}
    record = model.decision_record(entry)
    assert record is not None and len(record["rows"]) == 150


def test_later_code_goes_on_where_it_ends(registry: Registry) -> None:
    model = registry.model("acts")
    with pytest.raises(Frozen, match="until further notice"):
        model.force("v4", author="ann", reason="again")
    model.unfreeze(author="bob", reason="back")
    model.force("v4", author="ann", reason="again")
    assert model.tag("shadow", "v5", author="ann").n == 14
    assert model.champion() is not None and verify(model).findings == ()


IDENTITY = {"format": 2, "oldest_reader": 2, "created": "2026-01-05T22:20:01.000000Z", "registry": "1d" * 16}


def told(folder: Path, name: str) -> list[list[tuple[str, str, str]]]:
    """Every act of both logs, by whom and in what words. Evidence was named among the versions once."""
    model = Registry(folder).model(name)
    logs = (model.versions.walk(), model.decisions.walk())
    return [[(entry.kind, entry.author, str(entry)) for entry in log if entry.kind != "scored"] for log in logs]


def archives_of(folder: Path, name: str) -> list[str | None]:
    return [version.record.sha256 for version in Registry(folder).model(name).history()]


def test_the_same_acts_are_written_the_same(registry: Registry, kept: Any, tmp_path: Path) -> None:
    model = registry.model("acts")
    # the archives as they were, so that no version of a library decides
    archives = {
        name: registry.store.get(str(model.version(version).record.artifact))
        for name, version in (("logistic", "v3"), ("tree", "v4"), ("bayes", "v5"))
    }
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "format").mkdir()
    (tmp_path / "registry" / "format" / "2.json").write_bytes(canonical(IDENTITY))
    format_1.write_acts(tmp_path, archives, kept["made_on"]["environment"])
    written = tmp_path / "registry"
    assert told(written, "acts") == told(REGISTRY, "acts")
    assert archives_of(written, "acts") == archives_of(REGISTRY, "acts")


def test_the_same_nights_are_written_the_same(kept: Any, tmp_path: Path) -> None:
    if not same_machine(kept):
        pytest.skip("another processor or other versions of libraries than the kept nights: fits differ in last bits")
    (tmp_path / "registry" / "format").mkdir(parents=True)
    (tmp_path / "registry" / "format" / "2.json").write_bytes(canonical(IDENTITY))
    format_1.write_nights(tmp_path)
    written = tmp_path / "registry"
    for name in ("nightly", "named_years"):
        assert told(written, name) == told(REGISTRY, name)
        assert archives_of(written, name) == archives_of(REGISTRY, name)


def test_the_same_models_are_packed_in_the_same_bytes(registry: Registry, kept: Any) -> None:
    if not same_machine(kept):
        pytest.skip("another processor or other versions of libraries than the kept archives: fits differ in last bits")
    model = registry.model("acts")
    for name, data in format_1.fitted_archives().items():
        [record] = [each.record for each in model.history() if each.record.recipe == name][:1]
        assert registry.store.get(str(record.artifact)) == data, name


def test_a_folded_segment_is_written_in_the_same_bytes(tmp_path: Path) -> None:
    model = format_1.write_tags(tmp_path)
    head = model.versions.head()
    assert head is not None and head.n == 101
    [segment] = model.store.list("models/tagged/segments/")
    assert (head.digest, segment) == (
        NEWEST_OF_TAGS,
        f"models/tagged/segments/versions/0000000001-0000000100-{SEGMENT_OF_TAGS}.jsonl",
    )
