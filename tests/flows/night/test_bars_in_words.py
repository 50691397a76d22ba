"""A table never sets figures of different bars beside each other: each column says which bars it is of, and whose."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from flows.commands.outcome_table import show
from flows.night.outcome import Outcome, bars_in_words, since_promotion
from flows.night.state import OutcomeRow
from flows.report.markdown import _table

OTHER = OutcomeRow("hist_gradient_boosting", "held", 0.5102, 0.51, 0.51, 22_715, "v18", walk_forward=True)
OTHER = replace(OTHER, since_accuracy=0.4725, since_bars=273)
CHAMPION = replace(OTHER, status="champion", accuracy=0.4689, bars=273, version="v12", served=True, walk_forward=False)
CHAMPION = replace(CHAMPION, since_accuracy=0.4689)
NEW = replace(OTHER, name="new", version="v19", bars=100, accuracy=0.52, since_accuracy=None, since_bars=None)
REFERENCE = replace(OTHER, name="no_skill", status="reference", version=None, walk_forward=False, since_accuracy=0.5)


def outcome(*rows: OutcomeRow) -> Outcome:
    return Outcome(
        "m", "r", "data", False, "2024-06-03", "2024-06-03T21:00:00.000000Z", "held", "held: x", rows, None, 1
    )


def test_the_champions_bars_have_a_column_of_their_own_in_which_all_are_judged_on_them() -> None:
    rows = [CHAMPION, OTHER, REFERENCE]
    assert since_promotion(rows) is CHAMPION
    words = bars_in_words(rows)
    assert words.startswith("of 22,715 bars; a recipe's are its walk-forward")
    assert words.endswith("since v12's promotion: the same 273 bars for all")
    assert (
        bars_in_words([replace(CHAMPION, status="held"), OTHER, REFERENCE]) == words
    )  # another took its place tonight


def test_the_same_bars_need_one_column() -> None:
    same = [replace(CHAMPION, bars=22_715, since_bars=22_715), replace(OTHER, since_bars=22_715)]
    assert since_promotion(same) is None and "22,715" in bars_in_words(same) and "since" not in bars_in_words(same)


def test_figures_of_a_version_itself_say_that_none_was_trained_on() -> None:
    assert bars_in_words([replace(OTHER, walk_forward=False)]) == "of 22,715 bars that none was trained on"


def test_without_scored_bars_there_is_nothing_to_say() -> None:
    assert bars_in_words([]) == bars_in_words([replace(OTHER, bars=None)]) == ""
    assert bars_in_words([CHAMPION]) == "of the 273 bars since its promotion"


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_of_a_night_fits_a_terminal(width: int, snapshot: SnapshotAssertion) -> None:
    """The champion's 46.89 % stands beside what the others had on the same 273 bars, and beside nothing else."""
    out = io.StringIO()
    show(outcome(CHAMPION, OTHER, NEW, REFERENCE), Console(file=out, width=width))
    lines = out.getvalue().split("\n\n")[0].splitlines()
    assert max(map(len, lines)) <= width
    champion = next(line for line in lines if line.strip().startswith("v12"))
    assert champion.split()[2:] == ["46.89%", "champion"]
    assert "\n".join(line.rstrip() for line in lines) == snapshot


def test_the_page_of_a_decision_says_the_same(snapshot: SnapshotAssertion) -> None:
    assert _table(outcome(CHAMPION, OTHER, NEW, REFERENCE)) == snapshot


def test_a_notebook_shows_the_sentence_and_the_rows_of_the_table_escaped():
    evil = replace(
        outcome(CHAMPION, replace(OTHER, name="<b>rf</b>"), REFERENCE), sentence="held: a < b", simulated=True
    )
    html = evil._repr_html_()
    assert "m: night of 2024-06-03, simulated bars" in html and "held: a &lt; b" in html and "nothing yet" in html
    assert "&lt;b&gt;rf&lt;/b&gt;" in html and "<b>" not in html
    assert "since promotion" in html and "47.25%" in html and "reference" in html
