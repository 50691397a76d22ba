"""``registry predict``: rows of a CSV in, scores out, by the champion or a named version."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest

from registry import Registry
from registry.commands.table import ColumnTable, Predicted
from tests.registry.actors import NAME, night
from tests.registry.commanded import fitted
from tests.registry.maps import USED

WHY = ["--reason", "the feed was wrong"]


CSV = "timestamp,adx_14,close_15m,rsi_14\n2024-05-01 12:00,-1.5,1.25,2.5\n2024-05-01 12:15,0.5,1.26,-3\n"


def expected(seed=1):
    return fitted(seed).predict_proba(np.array([[2.5, -1.5], [-3.0, 0.5]]))[:, 1]


def test_a_csv_in_and_a_csv_out(url, run, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("\ufeff" + CSV)
    status, out, err = run("predict", NAME, bars)
    header, *rows = [line.split(",") for line in out.splitlines()]
    assert (status, header) == (0, ["timestamp", "score", "probability", "low", "high", "says", "unlike", "version"])
    assert [row[0] for row in rows] == ["2024-05-01 12:00", "2024-05-01 12:15"]
    np.testing.assert_allclose([float(row[1]) for row in rows], expected(), atol=1e-12)
    assert [row[2:] for row in rows] == [["", "", "", "up", "", "v2"], ["", "", "", "down", "", "v2"]]
    assert "v2: right on 51.3%" in err and "no night has fitted a map of its score for v2 yet" in err
    assert run("predict", NAME, bars, "--to", tmp_path / "said.csv")[0] == 0
    assert (tmp_path / "said.csv").read_text() == out


def test_predictions_of_a_named_version_as_json(url, run, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("rsi_14,adx_14\n2.5,-1.5\n\n-3,0.5\n")
    told = json.loads(run("predict", NAME, bars, "--version", "v3", "--json")[1])
    assert (told["version"], [row["row"] for row in told["rows"]]) == ("v3", ["1", "2"])
    np.testing.assert_allclose([row["score"] for row in told["rows"]], expected(2), atol=1e-12)
    assert {row["probability"] for row in told["rows"]} == {None} and told["probability"]["source"] == "unknown"


def test_the_probability_stands_beside_the_score(url, run, tmp_path):
    (tmp_path / "bars.csv").write_text(CSV)
    model = Registry(str(url)).model(NAME)
    body = {"sentence": "held", "probability": {"v2": USED.to_dict()}}
    model.hold(expected=model.champion(), author="gate", body=body, night=night(30))
    status, out, err = run("predict", NAME, tmp_path / "bars.csv")
    cells = [[float(cell) for cell in line.split(",")[1:5]] for line in out.splitlines()[1:]]
    wanted = USED.of(expected())
    assert status == 0 and "probability: calibrated on 31,020 bars" in err
    np.testing.assert_allclose(cells, np.column_stack([expected(), wanted.value, wanted.low, wanted.high]), atol=1e-12)


def test_rows_may_come_from_standard_input(url, run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV.encode())))
    assert len(run("predict", NAME, "-")[1].splitlines()) == 3


def test_a_suspended_champion_is_not_asked(url, run, tmp_path):
    (tmp_path / "bars.csv").write_text(CSV)
    run("suspend", NAME, *WHY)
    status, out, err = run("predict", NAME, tmp_path / "bars.csv")
    assert (status, out) == (5, "") and "suspended" in err
    assert run("predict", NAME, tmp_path / "bars.csv", "--version", "v2")[0] == 0


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 2, "has no rows"),
        (b"rsi_14,adx_14\n", 2, "has no rows"),
        (b"rsi_14,adx_14\n\n", 2, "has no rows"),
        (b"rsi_14\n1\n", 8, "column adx_14 is missing"),
        (b"rsi_14;adx_14\n1;2\n", 8, "column rsi_14 is missing; column adx_14 is missing"),
        (b"rsi_14,adx_14,rsi_14\n1,2,3\n", 8, "column rsi_14 is there twice"),
        (b"rsi_14,adx_14\n1,2\n1,x\n", 8, "line 3: adx_14 is 'x'"),
        (b"rsi_14,adx_14\n\n1,x\n", 8, "line 3: adx_14 is 'x'"),
        (b"rsi_14,adx_14\n1," + b"9" * 200_000 + b"\n", 2, "line 2: field larger"),
        (b"rsi_14,adx_14\n1,\n", 8, "line 2: adx_14 is ''"),
        (b'rsi_14,adx_14\n1,"2,5"\n', 8, "line 2: adx_14 is '2,5'"),
        (b"rsi_14,adx_14\n1,nan\n", 8, "adx_14 is nan"),
        (b"rsi_14,adx_14\n1,2\n1\n", 2, "line 3"),
        (b"rsi_14,adx_14\n1,2,3\n", 2, "line 2"),
        (b"\xff\xfe", 2, "UTF-8"),
        (b"rsi_14,adx_14\n1,2\x00\n", 8, "line 2"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_line(url, run, tmp_path, content, status, says):
    (tmp_path / "bars.csv").write_bytes(content)
    found, out, err = run("predict", NAME, tmp_path / "bars.csv")
    assert (found, out) == (status, "") and says in err and "Traceback" not in err


def test_it_is_told_how_many_rows_the_version_was_trained_on(url, run, tmp_path):
    rows = {"rsi_14": np.array([2.5, -3.0]), "adx_14": np.array([-1.5, 0.5])}
    prediction = Registry(str(url)).model(NAME).load("v2").predict(rows, pick=True)
    names = ["2024-05-01 12:00", "2024-05-01 12:15"]
    ends = ("2023-05-01T12:00:00.000000Z", "2024-05-01T12:00:00.000000Z")
    said = Predicted(ColumnTable(names, "timestamp", {}), prediction, ends)
    assert said.seen == "1 of 2 rows lies in its training window, 2023-05-01 to 2024-05-01"
    assert Predicted(ColumnTable(["2024-05-01T14:00+02:00"], "timestamp", {}), prediction, ends).seen.startswith(
        "1 of 1 "
    )
    assert Predicted(ColumnTable(["1", "2"], "row", {}), prediction, ends).seen is None, "rows without times"
    assert Predicted(ColumnTable(["noon"], "timestamp", {}), prediction, ends).seen is None
    assert Predicted(ColumnTable(names, "timestamp", {}), prediction).seen is None, "its record says no window"
