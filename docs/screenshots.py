"""The pictures of `docs/ui.md` and `docs/report.md`, from what `make test-ui` saw: `make screenshots`.

`python docs/screenshots.py REPORT.html` takes the picture of a report instead: its first screen on a desk and a phone.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
SEEN = HERE.parent / "build" / "screenshots"
PAGES = ("run", "report", "champion", "form", "approval")
HEIGHT, GAP, COLOURS = 1100, 16, 64
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


def side_by_side(desk: Image.Image, phone: Image.Image, path: Path) -> None:
    """A desk and a phone in one picture of few colours."""
    height = min(HEIGHT, max(desk.height, phone.height))
    whole = Image.new("RGB", (desk.width + GAP + phone.width, height), "white")
    whole.paste(desk, (0, 0))
    whole.paste(phone, (desk.width + GAP, 0))
    path.parent.mkdir(exist_ok=True)
    whole.quantize(COLOURS).save(path, optimize=True)


def report(file: Path) -> None:
    """Take the first screen of a report at both widths."""
    taken = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, (width, height) in SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(file.absolute().as_uri())
            page.wait_for_selector("body[data-ready]")
            taken[name] = SEEN / f"first-{name}.png"
            page.screenshot(path=taken[name])
        browser.close()
    side_by_side(*(Image.open(taken[name]).convert("RGB") for name in SIZES), HERE / "report.png")


def pages() -> None:
    """Keep what the browser's tests saw of Prefect's pages."""
    for name in PAGES:
        desk, phone = (Image.open(SEEN / f"{name}-{size}.png").convert("RGB") for size in SIZES)
        side_by_side(desk, phone, HERE / "ui" / f"{name}.png")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        report(Path(sys.argv[1]))
    else:
        pages()
