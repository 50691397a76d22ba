"""The path of EURUSD in hours leads from raw exports to a decision of a model that says what it is of."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

from benchmarks import eurusd
from registry import Registry


def test_it_takes_twelve_lines_at_most() -> None:
    assert len([*eurusd.commands(), *eurusd.recipe().splitlines()]) <= 12


def test_its_commands_end_in_a_decision(tmp_path: Path) -> None:
    eurusd.write(tmp_path, first=date(2023, 6, 1), last=date(2024, 6, 10))
    said = {command.partition("retrain ")[2].split(" ")[0]: told for command, _, told in eurusd.typed(tmp_path)}
    assert "EURUSD_H1_2024_features.csv" in said["features"]
    assert "promoted: light (v1)" in said["run"].replace("\n", " ")
    model = Registry(str(tmp_path / ".retrain/registry")).model("eurusd_h1_horizon_4")
    record = model.version("v1").record
    assert record.instrument is not None
    assert (record.instrument["symbol"], record.instrument["bar"]) == ("EURUSD", "H1")
    assert record.label == {"kind": "horizon", "bars": 4}
    (recipe,) = tomllib.loads(eurusd.recipe()).values()
    assert list(record.features) == recipe["features"]
    assert dict(record.parameters)["estimator"] == recipe["estimator"] == "lightgbm.LGBMClassifier"
    assert "EURUSD_H1" in said[""]  # registry show
