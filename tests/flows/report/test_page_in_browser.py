"""The page as a browser shows it: its figures are the registry's, nothing is fetched, nothing typed is obeyed.

Skipped where Chromium is not installed (Debian's package chromium).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from flows.bars import load_bars, prepare
from flows.report.calendar import calendar
from flows.report.charts.score_history import running_mean
from flows.report.data import FeatureImportance, ImportanceRow, ReportData
from flows.report.decisions import newest_decisions
from flows.report.front import front
from flows.report.gathering import gather
from flows.report.number_format import brief, signed
from flows.report.page import render
from registry import compare
from tests.flows.report.lived import HOSTILE, NIGHTS, Lived, as_of

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@dataclass
class Shown:
    """The report in a browser, and what the browser did to show it."""

    page: Page
    data: ReportData
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def values(self, selector: str) -> list[float]:
        """Every figure below an element, with all its digits."""
        return self.page.eval_on_selector_all(f"{selector} data", "all => all.map(each => Number(each.value))")

    def texts(self, selector: str) -> list[str]:
        return self.page.eval_on_selector_all(selector, "all => all.map(each => each.textContent)")


def open_all(page: Page) -> None:
    """Every section open, and its charts drawn."""
    page.wait_for_selector("body[data-ready]")
    page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
    page.wait_for_selector("#chart-score[data-ready]")
    page.wait_for_selector("#chart-evidence[data-ready]")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed (Debian's package chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def told(lived: Lived) -> ReportData:
    bars = prepare(load_bars(lived.data, as_of=as_of(NIGHTS[-1])))
    return gather(lived.job(), lived.model, bars, as_of(NIGHTS[-1]))


@pytest.fixture(scope="module")
def file(told: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(told))
    return path


@pytest.fixture(scope="module")
def shown(browser: Browser, told: ReportData, file: Path) -> Iterator[Shown]:
    page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]  # a plain dict is what it takes
    found = Shown(page, told)
    page.on("request", lambda request: found.requests.append(request.url))
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on("console", lambda message: found.complaints.append(message.text))
    page.goto(file.as_uri())
    open_all(page)
    yield found
    page.close()


def test_nothing_is_fetched_and_nothing_complains(shown: Shown, file: Path) -> None:
    assert shown.requests == [file.as_uri()]
    assert shown.complaints == []


def test_the_first_screen_answers_three_questions(shown: Shown) -> None:
    first = front(shown.data)
    assert shown.texts("h1") == [first.headline] and first.headline.startswith("Stand aside")
    assert shown.texts("#side") == [first.side] and "Newest side of v1: " in first.side
    for number, card in enumerate(first.cards, start=1):
        assert shown.texts(f"#answer-{number} p:last-child") == [card.text]
        box = shown.page.locator(f"#answer-{number}").bounding_box()
        assert box is not None and box["y"] < 0.75 * DESK["height"]
    assert shown.values(".tiles") == [tile.value for tile in first.tiles if tile.value is not None]


def test_a_phone_shows_two_rows_of_figures_without_scrolling(browser: Browser, file: Path) -> None:
    page = browser.new_page(viewport=PHONE)  # type: ignore[arg-type]  # a plain dict is what it takes
    page.goto(file.as_uri())
    boxes = [box for each in page.locator(".tile").all() if (box := each.bounding_box()) is not None]
    assert len(boxes) == 6 and len({box["y"] for box in boxes}) == 2
    assert max(box["y"] + box["height"] for box in boxes) < PHONE["height"]
    page.close()


def test_a_section_opens_on_demand_by_a_click_or_by_a_link_into_it(browser: Browser, file: Path) -> None:
    page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]  # a plain dict is what it takes
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]")
    assert not page.locator("#earned").is_visible() and not page.locator("#rows").is_visible()
    page.get_by_role("heading", name="Has it earned anything, after costs?").last.click()
    assert page.locator("#earned").is_visible() and not page.locator("#rows").is_visible()
    page.evaluate("location.hash = 'good'")
    page.locator("#rows").wait_for(state="visible")
    page.close()


def test_drift_reads_back_with_its_bound(shown: Shown) -> None:
    assert shown.data.quality is not None and shown.data.quality.drift is not None
    drift = shown.data.quality.drift
    figures = [value for row in drift.rows for value in (row.index, row.bound, row.outside)]
    assert shown.values("#drift tbody") == figures
    assert shown.texts("#drift td:last-child") == [row.reading for row in drift.rows]


def test_importance_reads_back(browser: Browser, told: ReportData, tmp_path: Path) -> None:
    rows = (ImportanceRow("rsi_14", 0.01, 0.002), ImportanceRow("x", -0.001, None))
    found = FeatureImportance("edge", 900, 21, "2022-05-02", "2022-06-14", rows)
    path = tmp_path / "importance.html"
    path.write_text(render(replace(told, importance=found)))
    page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]  # a plain dict is what it takes
    page.goto(path.as_uri())
    shown = Shown(page, told)
    assert shown.values("#importance tbody") == [0.01, 1.96 * 0.002, -0.001]
    assert shown.texts("#importance tbody th") == ["rsi_14", "x"]
    page.close()


def test_the_calendar_holds_the_result_of_each_day(shown: Shown) -> None:
    money = shown.data.money
    assert money is not None
    months = calendar(money.net)
    assert shown.texts(".month .title") == [month.name for month in months]
    assert shown.values(".calendar .sum") == [month.pips for month in months]
    titles = shown.page.eval_on_selector_all(".week i[title]", "all => all.map(each => each.title)")
    assert f"{money.last_day}: {signed(money.net.values[-1] - money.net.values[-2], 1)} pips" in titles


def test_quality_reads_back(shown: Shown) -> None:
    quality = shown.data.quality
    assert quality is not None
    expected = [[row.accuracy] if row.score is None else [row.accuracy, row.score] for row in quality.rows]
    assert shown.values("#rows tbody") == [value for row in expected for value in row]


def test_money_reads_back(shown: Shown) -> None:
    money = shown.data.money
    assert money is not None
    rollover = [money.rollover] if money.rollover else []
    results = [*money.sessions, money.total, money.large.pips, *money.references, *rollover]
    figures = [
        (
            *(each.gross_a_bar, each.gross_interval, each.gross_a_trade, each.spread),
            *(each.net_a_bar, each.net_interval, each.net, each.trades, each.bars),
        )
        for each in results
    ]
    assert shown.values("#earned tbody") == [value for row in figures for value in row if value is not None]
    assert shown.values("#large") == [money.large.right, money.large.others_right]
    shown_net = shown.texts("#earned tr.own td:nth-child(8)")[0]
    assert shown_net == f"{round(money.total.net):+,}".replace("-", "\u2212")


def test_the_edge_by_size_of_move_stands_beside_the_edge_on_the_same_bars(shown: Shown) -> None:
    money = shown.data.money
    assert money is not None and money.sized is not None
    found = [row.figures for row in money.sized.rows]
    figures = [
        (*(each.edge, 1.96 * each.edge_error, each.edge_z), *(each.by_move, 1.96 * each.by_move_error, each.by_move_z))
        for each in found
    ]
    assert shown.values("#sized tbody") == [value for row in figures for value in row]
    kinds = [row.kind for row in money.sized.rows]
    assert kinds[0] == "champion" and {"candidate", "reference"} < set(kinds)


def test_the_first_line_answers_the_trader_before_any_accuracy(shown: Shown) -> None:
    money = shown.data.money
    assert money is not None
    text = shown.page.locator("body").inner_text()
    assert money.words in text and "pips a bar after costs (±" in money.words
    assert text.index(money.words) < text.lower().index("accuracy")


def test_selectivity_reads_back_with_how_much_of_it_is_chance(shown: Shown) -> None:
    money = shown.data.money
    assert money is not None and money.selectivity is not None
    found = money.selectivity
    rows = [
        (each.share, each.trades_a_day, each.net_a_day, each.interval, each.chance) for each in found.lines[0].points
    ]
    assert shown.values("#selectivity tbody") == [value for row in rows for value in row]
    assert shown.values("#best") == [found.best_net_a_day, found.p]
    assert (
        found.rules == 6 * (1 + len(money.references)) and f"The best of the {found.rules}" in shown.texts("#best")[0]
    )
    shares = [each.share for each in found.lines[0].points]
    assert shares == sorted(shares, reverse=True) and found.lines[0].points[0].rule == "always"


def test_every_decision_reads_back_as_the_log_tells_it(shown: Shown, lived: Lived) -> None:
    entries = list(lived.model.acts())
    assert shown.texts(".timeline li p:last-child") == [str(entry) for entry in entries]
    standings = newest_decisions(lived.model)[-1].standings
    figures = [value for each in standings for value in (each.z, each.lead) if value is not None]
    assert shown.values("#standings tbody") == figures


def test_charts_hold_the_registrys_figures(shown: Shown, lived: Lived) -> None:
    drawn: list[dict[str, Any]] = shown.page.evaluate(
        "Array.from(document.querySelector('#chart-evidence .turned').data, ({name, x, y}) => ({name, x, y}))"
    )
    for line in drawn[:-1]:
        nights = [
            (each.night, standing.z)
            for each in newest_decisions(lived.model)
            for standing in each.standings
            if standing.name == line["name"] and each.threshold is not None and standing.z is not None
        ]
        assert [(x, y) for x, y in zip(line["x"], line["y"], strict=True) if y is not None] == nights
    lines: list[dict[str, Any]] = shown.page.evaluate(
        "Array.from(document.querySelector('#chart-score .turned').data, ({name, y}) => ({name, y}))"
    )
    quality = shown.data.quality
    assert quality is not None
    assert list(running_mean(quality.earlier).values) in [line["y"] for line in lines]


def test_any_two_versions_compare_as_the_registry_says(shown: Shown, lived: Lived) -> None:
    versions = [lived.model.version(each.version) for each in shown.data.comparisons.versions]
    assert len(versions) == 20
    for i, j in [*permutations((0, 1, 2, 19), 2), (18, 19), (19, 18)]:
        told = compare(versions[i], versions[j])
        rows = {each["name"]: each for each in shown.page.evaluate(f"compared({i}, {j})")}
        assert set(rows) == {row.name for row in told.metrics}
        for row in told.metrics:
            here = rows[row.name]
            assert (here["x"], here["y"], here["status"]) == (row.a, row.b, str(row.status)), row
            if row.interval is None and i < j:
                assert here["reason"] == row.reason
        changed = {(each["kind"], each["name"]) for each in shown.page.evaluate(f"differences({i}, {j})")}
        kinds = {"parameters": told.parameters, "data": told.data, "environment": told.environment}
        assert changed == {(kind, change.name) for kind, changes in kinds.items() for change in changes}


def test_a_person_chooses_two_versions(shown: Shown, lived: Lived) -> None:
    page = shown.page
    page.get_by_label("Version").select_option("0")
    page.get_by_label("beside").select_option("1")
    assert shown.texts("#comparison-title") == ["v2 (bayes) beside v1 (line)."]
    told = compare(lived.model.version("v1"), lived.model.version("v2"))
    assert shown.texts("#comparison tbody td:nth-child(2)") == [
        str(told.metric(name).status) for name in shown.texts("#comparison tbody th")
    ]
    estimator = next(change for change in told.parameters if change.name == "estimator")
    row = shown.texts("#differences tr:first-child > *")
    assert row == ["parameters", "estimator", brief(estimator.a), brief(estimator.b)]
    page.get_by_label("beside").select_option("0")
    assert shown.texts("#comparison-title") == ["Choose two different versions."]


def test_typed_text_is_shown_and_not_obeyed(shown: Shown) -> None:
    assert shown.page.title() == "m (simulated): report"
    assert shown.page.locator(".timeline b, .timeline a, .timeline script").count() == 0
    assert any(HOSTILE in text for text in shown.texts(".timeline li p:last-child"))
    assert any("<b>Eve</b>" in text for text in shown.texts(".timeline .when"))


def test_the_policy_lets_no_other_script_run(browser: Browser, file: Path, tmp_path: Path) -> None:
    """What would happen if escaping failed: a script inside the page that is not one of its own."""
    spoiled = tmp_path / "spoiled.html"
    spoiled.write_text(
        file.read_text().replace("<main>", f"<main>{HOSTILE}<img src=x onerror=\"document.title='owned'\">")
    )
    page = browser.new_page()
    page.goto(spoiled.as_uri())
    page.wait_for_selector("body[data-ready]")
    assert page.title() == "m (simulated): report"
    page.close()


def test_simulated_bars_are_labelled_everywhere(shown: Shown) -> None:
    assert shown.page.locator(".banner").is_visible()
    for place in (".eyebrow", "details h2", "figcaption", ".answer", "title", "footer"):
        texts = shown.texts(place)
        assert texts
        assert [text for text in texts if "simulated" not in text.lower()] == [], place


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, file: Path, scheme: Any) -> None:
    page = browser.new_page(viewport=PHONE, color_scheme=scheme)  # type: ignore[arg-type]  # as above
    page.goto(file.as_uri())
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[scheme]
    axis = page.evaluate("getComputedStyle(document.querySelector('#chart-evidence .legendtext')).fill")
    assert axis == {"light": "rgb(27, 31, 36)", "dark": "rgb(230, 233, 237)"}[scheme]
    page.close()


def test_without_scripts_it_reads_complete(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    for each in page.locator("main > section > details > summary").all():
        each.click()
    for name in ("score", "spread", "sum", "evidence"):
        assert page.locator(f"#chart-{name} .drawn svg").is_visible(), name
    assert page.locator("#earned tbody tr").count() > 5
    context.close()


def test_on_paper_the_drawings_stand_in_for_the_charts(shown: Shown) -> None:
    shown.page.emulate_media(media="print")
    assert shown.page.locator("#chart-score .drawn").is_visible()
    assert not shown.page.locator("#chart-score .turned").is_visible()
    shown.page.emulate_media(media="screen")


def test_paper_has_every_section_open(browser: Browser, file: Path) -> None:
    page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]  # a plain dict is what it takes
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]")
    page.emulate_media(media="print")
    for place in ("#earned", "#rows", "#standings"):
        assert page.locator(place).is_visible(), place
    page.close()
