"""The page of estimators lists the converters that there are, with what each may differ by and the extra it needs."""

from __future__ import annotations

import tomllib

from flows.recipes.libraries import LIBRARIES
from registry.archive.portable.converters.registered import OURS
from registry.archive.portable.program import KINDS
from tests.docs.project import RECIPES_FILE
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "estimators.md").read_text(encoding="utf-8")


def test_the_table_is_that_of_the_converters():
    said = PAGE.partition("<!-- estimators -->\n")[2].partition("<!-- end -->")[0]
    rows = ["| estimator | form | largest difference allowed | extra |", "| --- | --- | --- | --- |"]
    for name, converter in OURS.items():
        extra = f"`{LIBRARIES[name].extra}`" if name in LIBRARIES else ""
        shown = name.replace("sklearn.", "")
        rows.append(f"| `{shown}` | {converter.form} | {converter.agrees:g} | {extra} |")
    assert said == "\n".join(rows) + "\n"


def test_every_kind_of_step_is_named():
    assert all(f"`{kind}`" in PAGE for kind in KINDS)


def test_the_recipes_of_the_page_are_those_that_its_commands_run():
    shown = tomllib.loads(PAGE.partition("```toml\n")[2].partition("```")[0])
    typed = tomllib.loads(RECIPES_FILE)
    assert {name: typed[name] for name in shown} == shown
