"""What a notebook shows is escaped, and says what the text says."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from registry import VersionRecord, compare
from registry.archive.archive import pack
from registry.archive.input_schema import InputSchema
from registry.format.html_table import facts, grid
from tests.registry.actors import a_model

EVIL = "<script>alert('v1')</script>"


def cells(html: str) -> list[list[str]]:
    """The cells of every row, as they stand in the HTML."""
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]


@pytest.fixture
def model():
    made = a_model()
    rows = np.random.default_rng(1).normal(size=(100, 2))
    fitted = LogisticRegression().fit(rows, rows[:, 0] > 0)
    for regularisation, accuracy in ((1.0, 0.51), (0.5, 0.52)):
        record = VersionRecord(
            recipe=EVIL,
            parameters={"C": regularisation},
            metrics={"accuracy": accuracy},
            measured_on={"bars": 1000, "no_skill": 0.506},
        )
        made.register(pack(fitted, InputSchema(("rsi_14", "atr_14"))), record, author="trainer")
    made.promote(made.version("v1"), expected=made.champion(), author=EVIL, body={"sentence": "promoted: v1"})
    return made


def test_every_value_is_escaped():
    for html in (facts(EVIL, [(EVIL, EVIL)]), grid(EVIL, [EVIL], [[EVIL]])):
        assert "<script" not in html and html.count("&lt;script&gt;alert(&#x27;v1&#x27;)") == 3


def test_what_there_is_not_takes_no_room():
    assert cells(facts("a", [("b", None), ("c", 0)])) == [["c", "0"]]
    assert cells(grid("a", ["b", "c"], [[1, None], [None, None]])) == [["b"], ["1"], [""]]


def test_a_loaded_champion_says_why_it_is_one_and_what_to_expect(model):
    loaded = model.load("champion")
    html = loaded._repr_html_()
    told = {row[0]: row[1] for row in cells(html)}
    assert "v1, the champion" in html and "<script" not in html
    assert told["because"].startswith("promoted by &lt;script") and told["because"].endswith(", decision 1")
    assert told["expected"] == str(loaded.expected) and told["inputs"] == "rsi_14, atr_14"
    assert "champion" not in model.load("v2")._repr_html_()


def test_a_prediction_shows_its_first_rows(model):
    rows = {"rsi_14": np.linspace(-2, 2, 12), "atr_14": np.zeros(12)}
    said = model.load("champion").predict(rows)
    head, *body = cells(said._repr_html_())
    assert head == ["row", "says", "score"], "a probability that is not known has no column"
    assert body == [[str(n), said.says[n], f"{said.score[n]:.4f}"] for n in range(10)]
    assert "12 rows (the first 10)" in said._repr_html_()


def test_a_comparison_shows_each_metric_and_what_else_differs(model):
    comparison = compare(model.version("v1"), model.version("v2"))
    html = comparison._repr_html_()
    row = comparison.metric("accuracy")
    assert ["accuracy", "0.5100", "0.5200", "+0.0100", str(row.status), row.reason] in cells(html)
    assert ["parameters", "C: 1.0 → 0.5"] in cells(html) and "<script" not in html
