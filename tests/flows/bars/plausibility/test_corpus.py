"""Every fault of the corpus is met as the table of ``docs/bars.md`` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.bars.plausibility.corpus import (
    FAULTS,
    MEANING,
    Fault,
    Result,
    page_results,
    page_table,
    run,
    sound,
    table,
    written,
)

TAKEN = {"times with T in the middle", "an empty row in the middle", "blanks around the names"}
"""Other ways to write the same bars; no fault."""

PAGE_RESULTS = page_results()


def test_it_is_large_enough_and_each_is_named_for_its_fault() -> None:
    assert len(FAULTS) >= 120 and len(MEANING) >= 40
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_bars_it_is_made_of_have_no_fault(tmp_path: Path) -> None:
    assert run(Fault("none", True, lambda: written(sound())), tmp_path / "bars") == Result("taken as it is", ())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_page_says_what_happens(fault: Fault, tmp_path: Path) -> None:
    assert run(fault, tmp_path / "bars") == PAGE_RESULTS[fault.name]


def test_the_table_of_the_page_is_whole() -> None:
    assert page_table() == table(PAGE_RESULTS).strip(), "python -m tests.flows.bars.plausibility.corpus writes it anew"


def test_what_walked_in_once_is_refused_or_questioned() -> None:
    reported = {fault.name: PAGE_RESULTS[fault.name].outcome for fault in FAULTS if fault.reported}
    assert len(reported) >= 20
    assert set(reported.values()) <= {"refused", "questioned"}


def test_nothing_with_a_fault_is_taken_as_it_is() -> None:
    assert {name for name, result in PAGE_RESULTS.items() if result.outcome == "taken as it is"} == TAKEN


def test_what_is_well_formed_is_found_by_a_check_and_not_by_its_form() -> None:
    assert [fault.name for fault in MEANING if "form" in PAGE_RESULTS[fault.name].by] == []
