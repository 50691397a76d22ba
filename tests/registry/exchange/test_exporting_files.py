"""A version as files that can be read without this package."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from registry import VersionRecord
from registry.archive.archive import pack, unpack
from registry.archive.input_schema import InputSchema
from registry.errors import ArtifactMissing, Corrupt, InvalidRequest, UnsafeArtifact, VersionNotFound
from registry.exchange.export import export, model_card
from tests.registry.actors import NAME, a_model, crowned, register
from tests.servers.stores import MemoryStore

SIGNATURE = InputSchema(("rsi_14", "adx_14"))


def a_model_with_two_versions(store=None):
    """v1, a loadable champion, and v2, a record."""
    model = a_model(store)
    x = np.random.default_rng(1).normal(size=(40, 2))
    archive = pack(LogisticRegression().fit(x, (x[:, 0] > 0).astype(int)), SIGNATURE)
    record = VersionRecord(
        recipe="logistic",
        parameters={"C": 1.0, "penalty": None},
        metrics={"accuracy": 0.5123, "auc": None},
        measured_on={"bars": 24926, "fingerprint": "abc"},
        features=SIGNATURE.features,
        environment={"python": "3.11.9"},
        rows=24918,
        seed=7,
    )
    model.register(archive, record, author="trainer")
    model.force("v1", author="ann", reason="first one")
    model.register(None, VersionRecord(recipe="old", simulated=True), author="bob")
    return model


def test_a_champion_is_exported_with_the_decision_that_made_it(tmp_path, snapshot):
    model = a_model_with_two_versions()
    paths = export(model, "champion", tmp_path / "v1")
    assert [path.name for path in paths] == ["model.zip", "version.json", "decision.json", "README.md"]
    told = json.loads((tmp_path / "v1" / "version.json").read_text())
    archive = unpack((tmp_path / "v1" / "model.zip").read_bytes(), sha256=told["record"]["sha256"], where="here")
    assert archive.signature == SIGNATURE
    assert (told["model"], told["author"], told["record"]["version"]) == (NAME, "trainer", "v1")
    assert told["entry_sha256"] == model.versions.read(1).digest
    decision = json.loads((tmp_path / "v1" / "decision.json").read_text())
    assert decision["entry"]["n"] == 1 and decision["sentence"] == snapshot


def test_a_record_without_artifact_is_exported_without_archive_and_says_so(tmp_path):
    assert [path.name for path in export(a_model_with_two_versions(), 2, tmp_path)] == ["version.json", "README.md"]
    card = (tmp_path / "README.md").read_text()
    assert "record without artifact" in card and "simulated" in card and "never was champion" in card


def test_the_model_card_says_what_a_reader_asks():
    model = a_model_with_two_versions()
    card = model_card(NAME, model.version(1), model.decisions.read(1))
    for told in (
        f"# {NAME} v1",
        "## Hyperparameters",
        "0.5123",
        "24,918 bars",
        "`rsi_14`, `adx_14`",
        "bars 24926",
        "first one",
        "Seed: 7",
        "3.11.9",
        f'registry.load("{NAME}", "v1"',
    ):
        assert told in card
    assert "More Information Needed" not in card


def test_an_artifact_that_is_no_archive_is_not_exported(tmp_path):
    with pytest.raises(UnsafeArtifact):
        export(crowned("a"), 1, tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("champions", [3, 14])
def test_the_newest_decision_that_made_a_version_champion_is_found(tmp_path, champions):
    model = a_model_with_two_versions()
    archive = model.store.get(model.version(1).record.artifact)
    for n in range(champions):
        version = model.register(archive, VersionRecord(seed=n), author="trainer")
        model.force(version.record.version, author="ann", reason=f"number {n}")
    export(model, 1, tmp_path)
    assert json.loads((tmp_path / "decision.json").read_text())["entry"]["n"] == 1


def test_exporting_again_writes_the_same_bytes(tmp_path):
    model = a_model_with_two_versions()
    first = {path.name: path.read_bytes() for path in export(model, 1, tmp_path)}
    assert {path.name: path.read_bytes() for path in export(model, "v1", tmp_path)} == first


def test_another_version_is_not_written_over_it(tmp_path, snapshot):
    model = a_model_with_two_versions()
    export(model, 1, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InvalidRequest, match=r"version.json, README.md, model.zip, decision.json ") as refused:
        export(model, 2, tmp_path)
    assert str(refused.value) == snapshot
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_model_left_over_from_another_export_is_not_taken_for_this_versions(tmp_path, snapshot):
    (tmp_path / "model.zip").write_bytes(b"of another version")
    with pytest.raises(InvalidRequest, match=r"model.zip") as refused:
        export(a_model_with_two_versions(), 2, tmp_path)
    assert str(refused.value) == snapshot
    assert [path.name for path in tmp_path.iterdir()] == ["model.zip"]


def test_what_cannot_be_exported_is_refused_and_nothing_is_written(tmp_path):
    store = MemoryStore()
    model = a_model_with_two_versions(store)
    with pytest.raises(VersionNotFound):
        export(model, 9, tmp_path / "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidRequest, match="cannot be written"):
        export(model, 1, tmp_path / "file" / "x")
    artifact = model.version(1).record.artifact
    store.objects[artifact] = b"damaged"
    with pytest.raises(Corrupt):
        export(model, 1, tmp_path / "x")
    del store.objects[artifact]
    with pytest.raises(ArtifactMissing, match="is gone"):
        export(model, 1, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_model_that_never_had_a_champion_exports_no_decision(tmp_path):
    model = a_model()
    model.register(None, VersionRecord(), author="trainer")
    assert "decision.json" not in [path.name for path in export(model, "latest", tmp_path)]
    assert register(model)
