"""What labels earn: streams are walked forward, traded by the rule of their label, and their days may depend."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from benchmarks.labels import (
    LABELS,
    Walked,
    accuracies,
    daily_edges,
    earned,
    edge_z,
    interval,
    show,
    show_persistence,
    traded,
    walk,
)
from flows.bars import load_bars, prepare
from flows.bars.sample import write_sample
from flows.gate.scoring.days import by_day
from flows.gate.scoring.scores import edge, trailing_base
from flows.recipes import choose, shipped


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> dict[str, Walked]:
    folder = tmp_path_factory.mktemp("labels") / "bars"
    bars = load_bars(write_sample(folder, first=date(2022, 1, 3), last=date(2022, 7, 29)))
    recipes = choose(["logistic", "stationary"], shipped())
    first = str(np.unique(prepare(bars).trading_day)[-45])
    return {label: walk(prepare(bars, labels=label), recipes, first, cores=1) for label in LABELS}


def test_every_bar_has_a_score_also_where_its_label_will_not_be_known(walked):
    for each in walked.values():
        assert not any(np.isnan(p).any() for p in each.p.values())
        assert all(p.size == each.at.sum() for p in each.p.values())
    assert walked["horizon 96"].judged.sum() < walked["next_bar"].judged.sum()
    assert {"logistic", "stationary", "no_skill", "fade_rsi"} <= walked["next_bar"].p.keys()


def test_a_stream_that_knows_the_label_is_right_has_edge_and_earns_by_its_rule(walked):
    each = walked["horizon 16"]
    close, at = each.data.bars.close, np.flatnonzero(each.at)
    later = close[np.minimum(at + 16, close.size - 1)] > close[at]
    knows = Walked(each.data, each.at, {"knows": later + 0.0}, {"knows": np.full(at.size, 0.5)})
    _, right, large = accuracies(knows, "knows")
    assert right.startswith("100.00 %") and large.startswith("100.00 %")
    assert float(edge_z(knows, "knows")) > 5.0
    trades, before, after, _ = earned(knows, "knows", "hold 16")
    assert float(before.split()[0]) > float(after.split()[0]) > 0.0
    assert float(trades) <= 24.0  # a day has no more than six holds of 16 bars, and what gaps close
    held = traded(knows, "knows", "hold 16")
    assert 0.0 < held.result("all").trades < traded(knows, "knows", "always").result("all").trades


def test_the_edge_of_the_next_bar_is_the_gates_and_that_of_a_day_knows_late(walked):
    for label, same in (("next_bar", True), ("horizon 96", False)):
        each = walked[label]
        known = ~np.isnan(each.data.label[each.at])
        y, p, day = each.data.label[each.at][known], each.p["logistic"][known], each.data.trading_day[each.at][known]
        early = np.where(each.judged[known], edge(p, y, base=np.nan_to_num(trailing_base(y))), np.nan)
        early[np.isnan(trailing_base(y))] = np.nan
        found, by_gate = daily_edges(each, "logistic"), by_day(day, early)
        later = by_gate.mean[np.isin(by_gate.day, found.day)]
        assert (found.mean == pytest.approx(later)) is same


def test_days_that_follow_each_other_make_the_interval_wider():
    steps = np.random.default_rng(1).standard_normal(400)
    count = np.full(400, 90.0)
    following = pd.Series(steps).rolling(3, min_periods=1).sum().to_numpy()
    apart = np.random.default_rng(2).permutation(following)
    assert interval(following, count) > 1.4 * interval(apart, count)


def test_the_tables_have_a_row_for_each_label_and_stream(walked, capsys):
    show(walked)
    show_persistence(walked, ["logistic", "stationary"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    first, second = lines[: 2 + 3 * 6], lines[2 + 3 * 6 :]
    assert len(second) == 2 + 3 * 2
    assert len({line.count("|") for line in first}) == len({line.count("|") for line in second}) == 1
    assert sum("| hold 96 |" in line for line in first) == 6
