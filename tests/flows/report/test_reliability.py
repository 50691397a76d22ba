"""The report shows how often a score came true, on bars that neither a fit nor its own map has seen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from flows.bars import load_bars, prepare
from flows.gate.scoring.ledger import Ledger, Stream
from flows.report.gathering import gather
from flows.report.page import render
from flows.report.reliability import reliability
from registry import ChampionRecord
from registry.model.probability import share_of
from tests.flows.report.lived import NIGHTS, Lived, as_of
from tests.registry.maps import USED

DAYS, BARS = 320, 60
CHAMPION = ChampionRecord("v1", 1, "2020-01-01T00:00:00.000000Z", "gate", "promoted", 1, recipe_fingerprint="f")


def a_ledger(truth: float) -> Ledger:
    """Scores that say log-odds of ``x`` where the truth is a part of it."""
    random = np.random.default_rng(5)
    x = random.normal(size=DAYS * BARS)
    label = (random.random(x.size) < share_of(truth * x)).astype(np.float64)
    day = np.repeat(np.datetime64("2020-01-01") + np.arange(DAYS), BARS)
    opens = pd.DatetimeIndex(day.astype("datetime64[ns]"), tz="UTC")
    yes = np.ones(x.size, np.bool_)
    stream = Stream("rf", share_of(x), np.full(x.size, 0.5), yes, "v1")
    return Ledger(opens, label, day, yes, {"recipe:f": stream}, {}, ())


def test_tenths_show_that_a_bold_score_is_no_probability_and_its_map_is() -> None:
    found = reliability(CHAMPION, a_ledger(0.2), {"probability": {"v1": USED.to_dict()}})
    assert (found.source, found.days, len(found.rows)) == ("map", 250, 10)
    assert sum(row.bars for row in found.rows) == 250 * BARS
    assert all(abs(row.probability - row.up) < 4 * row.error for row in found.rows)
    lowest, highest = found.rows[0], found.rows[-1]
    assert lowest.score < 0.2 and highest.score > 0.8, "what the score says"
    assert lowest.up - lowest.score > 10 * lowest.error and highest.score - highest.up > 10 * highest.error
    assert found.skill is not None and found.skill_error is not None and found.skill > 2 * found.skill_error


def test_without_enough_days_there_are_no_tenths_and_the_reason_is_said() -> None:
    ledger = a_ledger(0.2)
    found = reliability(ChampionRecord("v2", 1, "", "gate", "promoted", 1, recipe_fingerprint="g"), ledger, {})
    assert (found.rows, found.source) == ((), "unknown") and "no night has fitted a map" in found.says


def test_the_page_says_what_is_served_and_draws_the_tenths(lived: Lived) -> None:
    bars = prepare(load_bars(lived.data, as_of=as_of(NIGHTS[-1])))
    data = gather(lived.job(), lived.model, bars, as_of(NIGHTS[-1]))
    assert data.reliability is not None
    page = render(data)
    part = page.split('<section id="probability">')[1].split("</section>")[0]
    assert data.reliability.says in part
    assert part.count("<tr><td>") == len(data.reliability.rows)
    assert ("<svg" in part) == bool(data.reliability.rows)
