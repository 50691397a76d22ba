"""What is fuzzed: one target a module, named by what an input of it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from tests.fuzz.target import Target

NAMES = (
    "entries",
    "registries",
    "evidence",
    "archives",
    "models",
    "bundles",
    "recipes",
    "features",
    "bars",
    "notebooks",
    "tables",
    "arguments",
)


def _named(name: str) -> Callable[[], Target]:
    return lambda: import_module(f"tests.fuzz.targets.{name}").target()  # each imports much, and a process needs one


TARGETS: Mapping[str, Callable[[], Target]] = {name: _named(name) for name in NAMES}
