"""What the tests of collection share: objects that nobody names, artifacts by number, nights of versions."""

from __future__ import annotations

from registry import VersionRecord
from registry.format.entries import digest
from tests.registry.actors import NAME
from tests.registry.long_logs import entry_of
from tests.servers.stores import MemoryStore


def lost(store: MemoryStore, label: str = "lost", folder: str = "artifacts") -> str:
    """An object that a writer uploaded and never named."""
    key = f"models/{NAME}/{folder}/{digest(label.encode())}-0123"
    store.create(key, label.encode())
    return key


def artifact(store: MemoryStore, n: int) -> str:
    return str(entry_of(store, n).body["version"]["artifact"])


def nights(model, count: int, *, first: int = 1) -> None:
    """One version a night."""
    for number in range(first, first + count):
        day = f"2024-{1 + number // 28:02d}-{1 + number % 28:02d}"
        model.register(f"archive {number}".encode(), VersionRecord(recipe="rf", night=day), author="trainer")
