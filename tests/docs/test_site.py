"""The site holds every page once, and its parts say what they should; `make site` builds it and follows its links."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml

import flows.cli
import registry
import registry.cli
from tests.docs.test_docs_links import script
from tests.paths import ROOT

SITE = script("site_pages")
CONFIG: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def named(nav: Any) -> Iterator[str]:
    """Every page that the navigation names."""
    if isinstance(nav, str):
        yield nav
    else:
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from named(each)


def test_every_page_stands_in_the_navigation_once() -> None:
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").glob("*.md")}
    assert Counter(named(CONFIG["nav"])) == Counter([*written, *SITE.pages()])


def test_nothing_is_fetched_from_elsewhere() -> None:
    assert CONFIG["theme"]["font"] == "false" and "extra_javascript" not in CONFIG
    for fetched in (
        '<script src="https://cdn.example.org/x.js">',
        "<img alt='' src=//a.example.org/x.png>".replace("'", '"'),
        '<link rel="stylesheet" href="https://fonts.example.org/css">',
    ):
        with pytest.raises(ValueError, match="fetches from elsewhere"):
            SITE.on_post_page(fetched, page=Page("gate.md"))
    plain = (
        '<script src="assets/x.js"></script><a href="https://example.org">a link</a><img src="data:image/png;base64,">'
    )
    assert SITE.on_post_page(plain, page=Page("gate.md")) == plain


class Page:
    """As much of a page of mkdocs as the hooks look at."""

    def __init__(self, place: str, generated_by: str | None = None) -> None:
        self.file = self
        self.src_uri, self.generated_by = place, generated_by


@pytest.mark.parametrize(
    ("place", "text", "on_the_site"),
    [
        ("bars.md", "[all](configuration.md#a)", "[all](configuration.md#a)"),
        ("bars.md", "[what changed](../CHANGELOG.md)", "[what changed](changelog.md)"),
        ("bars.md", "[chosen](decisions)", "[chosen](decisions/README.md)"),
        ("decisions/0021-obstore.md", "[security](../security.md)", "[security](../security.md)"),
        ("bars.md", "[there](https://example.org) [here](#clock)", "[there](https://example.org) [here](#clock)"),
        ("bars.md", "```\n[x](y)\n   z\n```", "```\n[x](y)\n   z\n```"),
        ("bars.md", "1. one\n   goes on", "1. one\n    goes on"),
    ],
)
def test_links_and_lists_are_as_the_site_needs_them(place: str, text: str, on_the_site: str) -> None:
    assert SITE.on_page_markdown(text, page=Page(place)) == on_the_site


def test_a_link_to_what_the_site_does_not_have_stops_it() -> None:
    with pytest.raises(ValueError, match=r"bars\.md: a link to flows/cli\.py"):
        SITE.on_page_markdown("[code](../flows/cli.py)", page=Page("bars.md"))


@pytest.mark.parametrize(("name", "app"), [("retrain", flows.cli.app), ("registry", registry.cli.app)])
def test_every_command_has_its_help(name: str, app: typer.Typer) -> None:
    group: Any = typer.main.get_command(app)
    page = SITE.command_page(name)
    for command in group.list_commands(typer.Context(group)):
        assert f"\n## `{name} {command}`\n" in page and f"(#{name}-{command}): " in page
    assert "..." not in page.split("\n## ")[0].partition("**Commands**")[2], "the list says whole sentences"


def test_every_public_name_is_in_the_python_page() -> None:
    page = SITE.python_page()
    assert [name for name in registry.__all__ if name != "errors" and f"::: registry.{name}\n" not in page] == []
    assert "```python\nimport registry\n" in page and ":mod:" not in page


def test_a_docstring_of_sphinx_is_read_as_links() -> None:
    html = "<p>Raises :class:<code>StaleDecision</code> of :func:<code>~flows.bars.load</code>::</p>"
    assert SITE.on_page_content(html, page=Page("reference/python.md")) == (
        '<p>Raises <autoref identifier="registry.errors.StaleDecision" optional><code>StaleDecision</code></autoref>'
        " of <code>flows.bars.load</code>:</p>"
    )


def test_a_notebook_is_shown_with_what_its_cells_gave(tmp_path) -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["held\n"]},
        {
            "output_type": "execute_result",
            "data": {"text/html": ["<b>v1</b>\n", "\n", "<i>x</i>"], "text/plain": ["v1"]},
        },
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# A night [why](../docs/gate.md)"]},
        {"cell_type": "code", "source": ["run()"], "outputs": outputs},
    ]
    path = tmp_path / SITE.NOTEBOOKS[0].name
    path.write_text(json.dumps({"cells": cells}))
    assert SITE.notebook_page(path) == (
        "# A night [why](../gate.md)\n\n```python\nrun()\n```\n\n```{ .text .output }\nheld\n```\n\n"
        '<div class="output">\n<b>v1</b>\n<i>x</i>\n</div>\n\n'
    )
