"""What a report says is what the registry holds, whatever state production is in."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import Dataset, load_bars, prepare
from flows.evidence.reading import read_ledger
from flows.gate.nightly.decision import PooledLead
from flows.gate.scoring.ledger import version_stream
from flows.monitoring.health import ExpectedBars, day_before, examine
from flows.night.nightly_rule import policy_of
from flows.report.data import ReportData
from flows.report.front import front
from flows.report.gathering import gather
from flows.report.page import render
from flows.report.side import newest_side
from registry import Model, Registry
from tests.clocks import FixedClock
from tests.flows.nights import Nights, at, quick_calibration, short_bars
from tests.flows.report.lived import NIGHTS, Lived, as_of


@pytest.fixture(scope="module")
def bars(lived: Lived) -> Dataset:
    return prepare(load_bars(lived.data, as_of=as_of(NIGHTS[-1])))


@pytest.fixture(scope="module")
def told(lived: Lived, bars: Dataset) -> ReportData:
    return of(lived, lived.model, bars)


@pytest.fixture
def copied(lived: Lived, tmp_path: Path) -> Model:
    """The registry once more, to act on."""
    shutil.copytree(lived.registry, tmp_path / "registry")
    clock = FixedClock(as_of(NIGHTS[-1]) + timedelta(hours=1))
    return Registry(str(tmp_path / "registry"), clock=clock).model("m")


def of(lived: Lived, model: Model, bars: Dataset) -> ReportData:
    return gather(lived.job(), model, bars, as_of(NIGHTS[-1]))


def test_production_is_the_registrys_champion(lived: Lived, told: ReportData) -> None:
    champion, shown = lived.model.champion(), told.production
    assert champion is not None
    assert shown is not None
    assert (shown.version, shown.recipe, shown.since, shown.by) == (
        champion.version,
        champion.recipe,
        champion.since,
        champion.by,
    )
    entries = [entry for entry in lived.model.decisions.walk() if entry.n > champion.decision]
    assert shown.nights == sum(entry.kind in ("held", "promoted", "returned") for entry in entries)


def test_the_watch_says_what_the_command_says(lived: Lived, told: ReportData, bars: Dataset) -> None:
    model = lived.model
    champion, head = model.champion(), model.decisions.head()
    assert champion is not None
    ledger = read_ledger(model)
    health = examine(
        model, champion, bars, ledger, policy_of(lived.job(), head), ExpectedBars(day_before(as_of(NIGHTS[-1])))
    )
    assert told.quality is not None
    assert told.quality.sentence == str(health)
    assert told.quality.alarms == health.alarms
    assert told.quality.days == health.days == len(told.quality.since.days)


def test_accuracy_is_counted_from_the_evidence(lived: Lived, told: ReportData) -> None:
    """Bar by bar from the ledger, the champion's row and the majority's."""
    model = lived.model
    ledger = read_ledger(model)
    champion = model.champion()
    assert champion is not None
    assert told.quality is not None
    stream = ledger.streams[f"recipe:{champion.recipe_fingerprint}"]  # its own days are still few
    at = np.flatnonzero(stream.scored & ledger.counted & (ledger.day >= np.datetime64(told.quality.rows_since or "")))
    hits = [(stream.p[bar] > stream.cut[bar]) == (ledger.label[bar] == 1.0) for bar in at]
    assert told.quality.bars == len(hits)
    assert told.quality.rows[0].accuracy == pytest.approx(sum(hits) / len(hits))
    assert [row.name for row in told.quality.rows[1:]] == [
        "no_skill",
        "fade_rsi",
        "reverse_last_bar",
        "time_of_day",
    ]


def test_money_is_counted_on_the_bars_that_followed(lived: Lived, told: ReportData, bars: Dataset) -> None:
    """Gross pips from the closes themselves."""
    model = lived.model
    champion, money = model.champion(), told.money
    assert champion is not None
    assert money is not None
    ledger = read_ledger(model)
    stream = ledger.streams[f"recipe:{champion.recipe_fingerprint}"]
    close = bars.bars.frame["close_15m"]
    total = 0.0
    for bar in np.flatnonzero(stream.scored & ledger.counted):
        opened = ledger.opens[bar]
        if str(ledger.day[bar]) >= money.first_day:
            move = close[opened + timedelta(minutes=15)] - close[opened]
            total += 10_000 * (move if stream.p[bar] > stream.cut[bar] else -move)
    assert money.total.gross == pytest.approx(total)
    assert money.net.values[-1] == pytest.approx(money.total.net)
    assert money.rollover is not None
    paid = money.rollover.cost - money.rollover.financing
    assert sum(each.net for each in money.sessions) - paid == pytest.approx(money.total.net)
    large = money.large
    assert large.pips.bars == pytest.approx(money.total.bars / 10, rel=0.02)
    right = (
        large.right * large.pips.bars + large.others_right * (money.total.bars - large.pips.bars)
    ) / money.total.bars
    assert told.quality is not None and right == pytest.approx(told.quality.rows[0].accuracy)
    assert money.felt.drawdown >= -min(0.0, *money.net.values) and money.felt.worst <= 0.0
    assert "rollover" not in [each.name for each in money.sessions]


def test_the_same_moment_gives_the_same_page(lived: Lived, bars: Dataset, told: ReportData) -> None:
    again = of(lived, lived.model, bars)
    assert again == told
    assert render(again) == render(told)


def test_a_rollback_begins_a_new_championship(lived: Lived, copied: Model, bars: Dataset) -> None:
    copied.force("latest", author="ann", reason="to see it live")
    copied.rollback(author="ben", reason="seen enough")
    told = of(lived, copied, bars)
    assert told.production is not None
    assert told.production.how == "rolled_back"
    assert "ben rolled back to it" in front(told).production
    assert told.quality is not None
    assert told.quality.days == 0, "the days before the rollback are none of this championship"
    assert told.changes[0].a == "v20"
    assert render(told).count("to see it live") >= 1


def test_a_forced_champion_is_told_as_a_persons(lived: Lived, copied: Model, bars: Dataset) -> None:
    copied.force("v2", author="ann", reason="I say so")
    told = of(lived, copied, bars)
    assert "Forced by ann" in front(told).production


def test_suspension_and_freeze_come_first(lived: Lived, copied: Model, bars: Dataset) -> None:
    copied.freeze(author="ann", reason="year end")
    copied.suspend(author="ann", reason="strange fills")
    told = of(lived, copied, bars)
    first = front(told)
    assert (first.tone, first.headline, first.side) == ("no", "Stand aside: v1 is suspended", "")
    assert "strange fills" in first.production
    assert ["strange fills" in told.advice[0].words, "year end" in told.advice[1].words] == [True, True]
    assert told.advice[0].command is not None
    assert told.advice[0].command.startswith("registry resume m ")


def test_a_signal_that_does_not_pay_is_told_so(told: ReportData) -> None:
    assert told.money is not None
    dear = replace(told.money.total, gross=100.0, cost=101.0)
    poor = replace(told, money=replace(told.money, total=dear, answer="no"))
    first = front(poor)
    assert (first.cards[0].answer, first.tone) == ("No", "no")
    assert first.headline == "Stand aside: v1 does not pay its costs"
    assert (first.tiles[1].value, first.tiles[1].unit) == (-1.0, "pips")


def test_still_good_is_amber_where_a_rule_of_thumb_does_better(told: ReportData) -> None:
    assert told.quality is not None
    own, *others = told.quality.rows
    for accuracy, wanted in ((0.9, ("Yes, but", "caution")), (0.1, ("Yes", "yes"))):
        rows = (own, *(replace(row, accuracy=accuracy, score=None) for row in others))
        card = front(replace(told, quality=replace(told.quality, answer="yes", rows=rows, alarms=()))).cards[1]
        assert (card.answer, card.tone) == wanted
        assert card.text.startswith("A rule of thumb does better") is (accuracy == 0.9)


def test_the_newest_side_is_what_the_champion_predicts(lived: Lived, told: ReportData, bars: Dataset) -> None:
    side, frame = told.side, bars.bars.frame
    assert side is not None
    judged = frame[~bars.instrument.rollover(pd.DatetimeIndex(frame.index))]
    loaded = lived.model.load()
    predicted = loaded.predict(judged.iloc[-loaded.bars :], pick=True)
    assert side.up == bool(predicted.up[-1])
    assert side.said[:16] == (judged.index[-1] + timedelta(minutes=15)).isoformat()[:16]
    assert side.until[:16] == (judged.index[-1] + timedelta(minutes=30)).isoformat()[:16]
    assert side.over_the_rollover, "the newest bars are of the close of New York"


def test_a_champion_that_cannot_be_loaded_has_no_side(lived: Lived, copied: Model, bars: Dataset) -> None:
    champion = copied.champion()
    assert champion is not None
    assert newest_side(copied, champion, bars) is not None
    missing = replace(champion, artifact=f"{champion.artifact}0")
    assert newest_side(copied, missing, bars) is None


@pytest.mark.parametrize(("z", "words"), [(1.5, "no fall of the champion"), (3.5, "it has fallen behind them")])
def test_all_recipes_together_say_whether_the_champion_fell(
    told: ReportData, z: float, words: str, snapshot: SnapshotAssertion
) -> None:
    found = PooledLead(recipes=2, days=8, mean=0.0123, standard_error=0.01, z=z, threshold=2.5)
    page = render(replace(told, decisions=(*told.decisions[:-1], replace(told.decisions[-1], together=found))))
    assert f'z <data value="{z}">+{z:.2f}</data>: {words}' in page
    (paragraph,) = re.findall(r'id="together">(.*?)</p>', page)
    assert re.sub("<[^>]*>", "", paragraph) == snapshot(name=f"z {z}")
    assert 'id="together"' not in render(told)


def test_sooner_than_the_first_champion(tmp_path: Path) -> None:
    """A first night without a past: versions and a decision, no champion, nothing scored."""
    nights = Nights(tmp_path, short_bars(tmp_path / "bars"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
        nights(at(3), backfill=False, recipes=("line",))
    data = gather(nights.job(at(3)), nights.model, nights.dataset(at(3)), at(3))
    assert (data.production, data.quality, data.money) == (None, None, None)
    assert (data.versions, len(data.comparisons.versions)) == (1, 1)
    first = front(data)
    assert (first.headline, first.lead, first.side) == ("Stand aside: nothing is in production", "", "")
    assert first.cards[2].answer == "Nothing passed"
    page = render(data)
    assert "production stays empty" in page
    assert "no two versions" in page
    assert version_stream("v1") not in page
