"""Links of the docs lead somewhere, and what is written from the code is as the code is."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.docs.commands import PAGES, ROOT

LINK = re.compile(r"(?:\[[^\]]*\]\(|<img src=\")([^)\s\"]+)[)\"]")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(?<![\w/.])((?:flows|registry|tests|benchmarks|examples|docs)/[\w/.-]*[\w/])(?=[`,;:) ])")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_resolves(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = page if not path else page.parent / path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = set(CODE.findall(page.read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if not (ROOT / name.rstrip(".")).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_data_can_be_read(page: Path) -> None:
    readers = {"json": json.loads, "toml": tomllib.loads, "yaml": lambda text: list(yaml.safe_load_all(text))}
    for language, block in re.findall(
        r"^```(json|toml|yaml)\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M
    ):
        assert readers[language](block)


def test_every_page_can_be_reached_from_the_first() -> None:
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop().resolve()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        targets = (target.partition("#")[0] for target in LINK.findall(page.read_text(encoding="utf-8")))
        ahead += [page.parent / target for target in targets if target and "://" not in target]
    decisions = {page for page in PAGES if page.parent.name == "decisions"}  # linked as a folder
    assert {page.resolve() for page in PAGES} - decisions - seen == set()


def test_the_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_what_is_written_from_the_code_is_not_stale() -> None:
    said = "is stale: make docs"
    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8") == script("configuration").page(), said
    architecture = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert architecture == script("modules").page(architecture), said


def test_every_room_has_its_place_in_the_page() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = [path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("[fr]*/**/__init__.py")]
    assert [room for room in rooms if "/" in room and f"### {room}\n" not in text] == []


def anchors(page: Path) -> set[str]:
    """The headings of ``page`` as links name them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
