"""The page on who may do what names tests: they are there."""

from __future__ import annotations

import re

from tests.paths import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_row_of_the_table_of_threats_names_tests_that_are_there() -> None:
    rows = PAGE.split("### What each can do", 1)[1].split("### Policies", 1)[0]
    tests = [row.split("|")[-2] for row in rows.splitlines() if row.startswith("| ")][2:]
    assert len(tests) == 8
    for named in tests:
        file = ""
        found = re.findall(r"`(\w*(?:\.py)?)::(test_\w+)`", named)
        assert found, named
        for name, test in found:
            file = name or file
            paths = (ROOT / "tests").rglob(file)
            assert any(f"def {test}(" in path.read_text(encoding="utf-8") for path in paths), f"{file}::{test}"
