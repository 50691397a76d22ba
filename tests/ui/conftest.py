"""A browser and the server it looks at. Screenshots of what was seen are kept in ``build/screenshots``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.night.run import run_night
from tests.ui.served import CHEAP, NIGHTS, RECIPES, ROOT, Served

SCREENSHOTS = ROOT / "build" / "screenshots"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("TEST_UI"):
        for item in items:
            if Path(item.path).parent == Path(__file__).parent:
                item.add_marker(pytest.mark.skip(reason="takes minutes and a browser; make test-ui"))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server; model ``m`` has a champion since March 2025, judged since on live bars: a night late is not too late,
    so each second night suffices."""
    found = Served(tmp_path_factory.mktemp("served"))
    for night in pd.bdate_range(end="2025-05-19", periods=NIGHTS, freq="2B"):
        # after that day's close: the night of the next trading day
        as_of = datetime(night.year, night.month, night.day, 22, tzinfo=UTC)
        run_night(plan(RetrainRequest(as_of=as_of, model="m", recipes=RECIPES, **CHEAP), found.settings))
    assert found.model("m").champion() is not None
    with found.up():
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program is not None, "Chromium is not installed (Debian's package chromium); `make test-ui` installs it"
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport=DESKTOP)  # type: ignore[arg-type]  # the browser's own type of a size
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


def shoot(page: Page, name: str) -> None:
    """Keep what is seen, on a desktop and on a phone, the whole length of it."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]  # the browser's own type of a size
        page.wait_for_timeout(500)  # the page lays itself out anew
        length = "Math.max(...[...document.querySelectorAll('*')].map(each => each.scrollHeight))"
        height = min(int(page.evaluate(length)) + 20, 4000)
        page.set_viewport_size({"width": viewport["width"], "height": max(height, viewport["height"])})
        page.wait_for_timeout(300)
        page.screenshot(path=SCREENSHOTS / f"{name}-{size}.png")
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]  # the browser's own type of a size
