"""The tables of the page on instruments say what the shipped files and the rule say."""

from __future__ import annotations

import re

import pytest

from flows.instruments import SHIPPED, find_instrument
from tests.paths import ROOT

PAGE = (ROOT / "docs/instruments.md").read_text(encoding="utf-8")


def row(first: str) -> list[str]:
    """The cells after the first of the row that begins so."""
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.mark.parametrize("symbol", SHIPPED)
def test_each_shipped_instrument_stands_there_as_it_is(symbol: str) -> None:
    instrument = find_instrument(symbol)
    pip, prices, ends, spread, triple = row(f"`{symbol}`")
    assert float(pip) == instrument.pip
    assert [float(end.replace(",", "")) for end in prices.split(" to ")] == [instrument.lowest, instrument.highest]
    assert instrument.hours.place in ends
    assert float(spread) == instrument.costs.spread
    assert triple.startswith(instrument.costs.triple_swap or "none")


def test_the_rule_gives_the_figures_of_the_table() -> None:
    rows = {
        "half_day": "fewest bars of a day of evidence",
        "four_weeks": "trading days that a version is measured on",
        "month": "bars that a rank or a decision threshold looks back on",
        "week": "bars from which on there is a rank",
        "year": "nights of a year",
    }
    names = re.findall(
        r"([A-Z]{6}) (M15|H1)", next(line for line in PAGE.splitlines() if line.startswith("| | rule |"))
    )
    assert len(names) == 4
    for field, words in rows.items():
        said = [int(cell.replace(",", "")) for cell in row(words)[1:]]
        assert said == [getattr(find_instrument("_".join(name)).counts, field) for name in names]
