"""The example notebook, run from the first cell to the last, twice: what a person sees, and that nothing is added."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

import registry
from tests.paths import ROOT

NOTEBOOK = ROOT / "examples" / "evolution.ipynb"


def code_cells():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def shown_by(cells):
    """What each cell prints, and the value of its last line as a notebook would show it."""
    names, shown = {"__name__": "__main__"}, []
    for number, source in enumerate(cells, start=1):
        *_, last = source.split("\n")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, f"cell {number}", "exec"), names)
            is_value = not last.startswith((" ", ")", "print(", "from ")) and "=" not in re.sub(r"\(.*\)", "", last)
            value = eval(last, names) if is_value else ""
        shown.append(printed.getvalue() + (value if isinstance(value, str) else value.to_string()))
    return shown


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the cells show the first time and the second, and the entries of the logs after each."""
    with contextlib.chdir(tmp_path_factory.mktemp("notebook")):
        model = registry.Registry(Path(".retrain") / "evolution").model("evolution_simulated")
        first, after_first = shown_by(code_cells()), [entry.digest for entry in model.log()]
        second = shown_by(code_cells())
        after_second = [entry.digest for entry in registry.Registry(model.store.url).model(model.name).log()]
        exported = sorted(path.name for path in Path(".retrain").glob("evolution_simulated-v*/*"))
    return first, second, after_first, after_second, exported


@pytest.mark.timeout(300)
def test_the_notebook_tells_its_story(told):
    first, _, _, _, exported = told
    bars, night, history, compared, frame, paired, production, said, again, overruled, log, files = first
    assert "simulated bars" in bars and "v1" in night
    assert "rf_shallow" in history and "rf_deep" in history and "param_min_samples_leaf" in history
    assert "v2 beside v1" in compared and "n_estimators: 50 → 200" in compared and "accuracy" in frame
    assert re.match(r"(better|worse|within noise) - 95 % interval .* paired days", paired)
    assert re.search(r"production: v[12]; registered last: v2", production)
    assert re.search(r"\['(up|down)', '(up|down)', '(up|down)'\]", said) and "95 % interval" in said
    assert again == "decided before: True - versions: 2\n"
    between, now = re.search(r"in between: (v\d) - now: (v\d)", overruled).groups()
    assert between != now and "forced by ann: to see it live" in overruled
    assert len(log.splitlines()) == 5 and "rolled back" in log
    assert exported == ["README.md", "decision.json", "model.zip", "version.json"] and "model.zip" in files


def test_run_again_it_adds_nothing_and_shows_the_same(told):
    first, second, after_first, after_second, _ = told
    assert after_second == after_first
    changed = [cell for cell, (before, after) in enumerate(zip(first, second, strict=True)) if before != after]
    assert changed == [6] and "rolled back" in second[6], "by the second time a rollback made the champion so"


def test_the_notebook_is_committed_without_outputs():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert 10 <= len(code) <= 14 and not any(cell["outputs"] or cell["execution_count"] for cell in code)
    assert all(len(cell["source"]) <= 15 for cell in cells), "short cells"
