"""Libraries are imported by one thread at a time: of two at once each could see a half of scikit-learn."""

from __future__ import annotations

import builtins
import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from flows.recipes import score, shipped
from flows.recipes.threads import importing


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of scikit-learn that were asked for while another thread could have asked for one, too."""
    found: list[str] = []
    import_module, import_statement = importlib.import_module, builtins.__import__

    def another_could() -> bool:
        free = importing.acquire(blocking=False)
        if free:
            importing.release()
        return free

    def look(name: str, asking: str) -> None:
        if name.startswith("sklearn") and asking.startswith("flows.") and elsewhere.submit(another_could).result():
            found.append(f"{name} by {asking}")

    def imported(name: str, *given: Any) -> Any:
        look(name, "flows.")
        return import_module(name, *given)

    def stated(name: str, *given: Any, **named: Any) -> Any:
        look(name, str((given[0] if given and given[0] else {}).get("__name__", "")))
        return import_statement(name, *given, **named)

    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(another_could).result()
        monkeypatch.setattr(importlib, "import_module", imported)
        monkeypatch.setattr(builtins, "__import__", stated)
        yield found


def test_recipes_are_built_and_scored_with_imports_one_by_one(unguarded: list[str]) -> None:
    for recipe in shipped().values():
        recipe.build(0)
    score(np.array([0.0, 1.0]), np.array([0.2, 0.7]), 0.5)
    assert unguarded == []
