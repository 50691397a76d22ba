"""Thresholds that these tests simulate are kept in a cache of each test, not in the user's."""

import pytest


@pytest.fixture(autouse=True)
def cache_of_thresholds(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "retrain-thresholds"
