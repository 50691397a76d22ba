"""A person before the browser: a night by hand, its report, a value refused, an approval given and one timed out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import shoot
from tests.ui.served import CHEAP, NIGHTS, RECIPES, Served

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]

FIRST = {"recipes": list(RECIPES), "as_of": "2025-03-03T22:00:00Z"}


def open_form(page: Page, served: Served) -> None:
    """From the first page to the form of a night by hand, by clicks alone."""
    page.goto(served.url)
    page.get_by_role("link", name="Deployments").click()
    page.get_by_role("link", name="manual", exact=True).click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()
    expect(page.get_by_role("button", name="Select Recipes")).to_be_visible()


def choose_recipes(page: Page, *names: str) -> None:
    page.get_by_role("button", name="Select Recipes").click()
    for name in names:
        page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")


def open_run(page: Page, served: Served, run: str) -> None:
    page.goto(f"{served.url}/v2/runs/flow-run/{run}")
    expect(page.get_by_role("tab", name="Logs")).to_be_visible()


def open_dialog(page: Page, served: Served, run: str) -> Locator:
    """The dialog of a run that waits for a person."""
    open_run(page, served, run)
    page.get_by_role("main").locator("button[aria-haspopup=menu]").first.click()
    page.get_by_role("menuitem", name="Resume").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("textbox", name="Author")).to_be_visible()
    return dialog


def test_a_night_by_hand_with_chosen_recipes_to_its_report(page: Page, served: Served) -> None:
    open_form(page, served)
    choose_recipes(page, *RECIPES)
    page.get_by_role("tab", name="Advanced").click()
    page.get_by_role("textbox", name="Model").fill("m")
    page.get_by_role("spinbutton", name="Train days").fill("60")
    shoot(page, "form")
    page.get_by_role("button", name="Submit").click()

    manual = served.until("the run to be made", served.newest_run, 60)
    assert manual["parameters"]["request"]["recipes"] == list(RECIPES)
    state = served.wait_for(manual["id"], "COMPLETED")
    assert state["message"].startswith("held: ")

    open_run(page, served, manual["id"])
    expect(page.get_by_text("m 2025-05-21").first).to_be_visible()
    expect(page.get_by_text("Completed").first).to_be_visible()
    expect(page.get_by_text(f"v{2 * NIGHTS + 1} (logistic) registered")).to_be_visible()
    shoot(page, "run")
    page.get_by_role("tab", name="Task Runs").click()
    expect(page.get_by_text("train stationary").first).to_be_visible()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_role("link", name="m-decision").first.click()
    page.get_by_role("link", name=re.compile("^[0-9a-f]{8}$")).first.click()  # the history of the key, newest first

    expect(page.get_by_role("heading", name="Held, night of 2025-05-21")).to_be_visible()
    expect(page.get_by_text(state["message"][:60]).first).to_be_visible()
    chart = page.get_by_role("img", name="Evidence of each challenger beside the threshold")
    expect(chart).to_be_visible()
    assert chart.evaluate("image => image.complete && image.naturalWidth > 300"), "the picture itself is drawn"
    shoot(page, "report")

    page.goto(f"{served.url}/v2/artifacts/key/m-champion")
    page.get_by_role("link", name=re.compile("^[0-9a-f]{8}$")).first.click()
    expect(page.get_by_role("heading", name=re.compile("is in production$"))).to_be_visible()
    expect(page.get_by_role("heading", name="How to load it")).to_be_visible()
    shoot(page, "champion")
    page.goto(f"{served.url}/v2/runs")
    expect(page.get_by_text("m 2025-05-21: held").first).to_be_visible()
    shoot(page, "runs")


def test_a_bad_value_is_refused_on_the_form_and_no_run_is_made(page: Page, served: Served) -> None:
    before = served.ask("flow_runs/count", {})
    open_form(page, served)
    page.get_by_role("tab", name="Force").click()
    page.get_by_role("textbox", name="Promote").fill("v1")
    page.get_by_role("textbox", name="Author").fill("ada")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("main").get_by_text("'' should be non-empty", exact=True)).to_be_visible()
    expect(page.get_by_text("is not valid under any of the given schemas")).to_have_count(0)
    shoot(page, "refused")
    page.get_by_role("textbox", name="Reason").fill("a good one")
    page.get_by_role("tab", name="Advanced").click()
    days = page.get_by_role("spinbutton", name="Train days")
    days.fill("3")
    page.get_by_role("button", name="Submit").click()
    assert "30" in days.evaluate("field => field.validationMessage")
    assert served.ask("flow_runs/count", {}) == before


def test_a_promotion_waits_for_a_person_and_their_yes_makes_it(page: Page, served: Served) -> None:
    run = served.start_run({**FIRST, "advanced": {**CHEAP, "model": "asked"}})
    served.wait_for(run, "PAUSED")
    assert served.model("asked").champion() is None
    dialog = open_dialog(page, served, run)
    expect(dialog.get_by_role("heading", name="Promote? Night of 2025-03-03")).to_be_visible()
    expect(dialog.get_by_role("blockquote")).to_contain_text("promoted: ")
    chart = dialog.get_by_role("img", name="What each recipe scored before there was a champion")
    expect(chart).to_be_visible()
    assert chart.evaluate("image => image.complete && image.naturalWidth > 300"), "the picture itself is drawn"
    shoot(page, "approval")
    dialog.get_by_role("button", name="Select Decision").click()
    page.get_by_role("option", name="promote").click()
    dialog.get_by_role("textbox", name="Author").fill("ada")
    dialog.get_by_role("textbox", name="Reason").fill("it does what it should")
    dialog.get_by_role("button", name="Resume").click()
    state = served.wait_for(run, "COMPLETED")
    assert "; approved by ada" in state["message"]  # the reason too, where the sentence has room for it
    champion, entry = served.model("asked").champion(), served.model("asked").decisions.head()
    assert champion is not None and entry is not None and champion.decision == entry.n
    assert entry.body["approval"] == {"approved": True, "author": "ada", "reason": "it does what it should"}
    assert "approved by ada: it does what it should" in entry.body["detail"]


def test_without_an_answer_in_time_the_night_is_held_and_the_run_is_no_failure(page: Page, served: Served) -> None:
    asked = {**FIRST, "advanced": {**CHEAP, "model": "waiting"}}
    run = served.start_run(asked, RETRAIN_APPROVAL_HOURS="0.006")
    served.wait_for(run, "PAUSED")
    state = served.wait_for(run, "COMPLETED")
    assert "a person has to approve it and nobody did" in state["message"]
    entry = served.model("waiting").decisions.head()
    assert entry is not None and (entry.kind, served.model("waiting").champion()) == ("held", None)
    open_run(page, served, run)
    expect(page.get_by_text("Completed").first).to_be_visible()
    shoot(page, "timed-out")
