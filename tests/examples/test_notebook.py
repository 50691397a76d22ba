"""The notebooks of ``examples/`` run from the first cell to the last, and show what is committed beside their cells."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.examples.notebooks import NOTEBOOKS, run

LINES = 25


def shown(notebook: dict[str, Any]) -> list[str]:
    """What each code cell gives, with every number, moment and interval of chance left out."""
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    return [re.sub(r"\d[\d,.:T-]*Z?", "0", json.dumps(cell["outputs"], ensure_ascii=False)) for cell in cells]


def cells_of(path: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_its_cells_give(path: Path, tmp_path: Path) -> None:
    committed = json.loads(path.read_text(encoding="utf-8"))
    assert shown(run(path, tmp_path)) == shown(committed), "make notebooks"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_says_that_its_bars_are_simulated(path: Path) -> None:
    first, *_ = cells_of(path, "markdown")
    assert "simulated bars" in "".join(first["source"])
    code = cells_of(path, "code")
    assert len(code) <= 8 and all(len(cell["source"]) <= LINES for cell in code)
    assert all(cell["outputs"] for cell in code[1:]), "every cell but the first shows something"


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["a_night", "load_and_predict", "report_and_replay"]
