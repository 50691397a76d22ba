"""What a night asks of earlier versions: each is read and made once, however often it is asked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from flows.evidence.versions import VersionCache
from flows.recipes import probabilities
from registry.errors import ArtifactMissing, VersionNotFound
from registry.store.folder import FolderStore
from tests.flows.nights import Nights, at


@pytest.fixture
def nights(second: Nights) -> Nights:
    return second


def test_a_night_reads_each_archive_once(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both recipes' versions of the night before score the new bars, and are asked again whether tonight's agree."""
    read: Counter[str] = Counter()
    original = FolderStore.get

    def get(store: FolderStore, key: str) -> bytes:
        read[key] += 1
        return original(store, key)

    monkeypatch.setattr(FolderStore, "get", get)
    nights(at(4))
    assert [count for key, count in read.items() if "/artifacts/" in key] == [1, 1]
    assert max(read.values()) <= 2  # an entry as the newest of its log, and as the one that registered a version


def test_evidence_that_names_no_entry_is_read_by_the_versions_name(nights: Nights) -> None:
    model, frame = nights.model, nights.dataset(at(3)).bars.frame
    scorers = VersionCache(model)
    version = model.version("v2")
    assert scorers.entry_of("v2", None) == scorers.entry_of("anything", version.entry) == version.entry
    assert scorers.registered_at(version.entry) == version.record
    expected = probabilities(model.archive(version.record).estimator(), model.archive(version.record).signature, frame)
    for _ in range(2):
        assert np.array_equal(scorers.probabilities(version.entry, frame), expected)


def test_a_version_that_is_not_there_is_told_each_time(nights: Nights) -> None:
    scorers = VersionCache(nights.model)
    for _ in range(2):
        with pytest.raises(VersionNotFound, match="v99"):
            scorers.entry_of("v99", None)


def test_an_archive_that_is_gone_is_told_by_its_version(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = nights.model.version("v1").record
    path = nights.registry / str(record.artifact)
    kept = path.rename(tmp_path / "kept")
    try:
        with pytest.raises(ArtifactMissing, match="is gone"):
            VersionCache(nights.model).probabilities(1, nights.dataset(at(3)).bars.frame)
    finally:
        kept.rename(path)
