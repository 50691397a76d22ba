"""Nights of other labels: purged and embargoed evidence without holes, a label kept with its model, and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.bars import NEXT_BAR, Label, prepare
from flows.bars.loading import load_bars
from flows.errors import GateRefused, LabelRefused, RequestRefused
from flows.evidence.versions import unseen
from flows.gate.scoring.ledger import NightScores, StreamScores, assemble, from_bytes, minutes, opens_of, to_bytes
from flows.instruments import GBPUSD_M15, Instrument
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.night.instrument import check_label
from flows.replay.fit_cache import NightSpan, fill_cache
from flows.settings import Settings
from registry.clock import read_moment, write_time
from registry.format.records import VersionRecord
from registry.model.version import version_of
from tests.flows.nights import Nights, at, short_bars

DAYS = (3, 4, 5, 6, 7, 10, 11)
"""Of June 2024: a Monday to the Tuesday of the week after, with the weekend's gap between."""

STEP = pd.Timedelta(minutes=15)


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return short_bars(tmp_path_factory.mktemp("bars"))


@pytest.fixture(scope="module", params=["horizon 16", "triple_barrier 24 atr 1.5, costs", "dead_zone 96 atr 2"])
def lived(request: pytest.FixtureRequest, bars: Path, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    nights = Nights(tmp_path_factory.mktemp("nights") / "m", bars, label=request.param)
    for day in DAYS:
        nights(at(day), accept_unskilled=True)
    return nights


def scored(nights: Nights) -> Iterator[tuple[NightScores, StreamScores, VersionRecord]]:
    """The scores of each live night, and the version that made them."""
    for sheet in nights.sheets:
        for stream in sheet.streams if sheet.live else ():
            assert stream.entry is not None
            yield sheet, stream, version_of(nights.model.registration(stream.entry)).record


def test_no_version_scores_a_bar_that_closed_before_its_training_labels_were_known(lived: Nights) -> None:
    count = 0
    for sheet, stream, record in scored(lived):
        closes = opens_of(sheet.opens)[~np.isnan(stream.p)] + STEP
        assert (closes >= pd.Timestamp(read_moment(str(record.known_at)))).all()
        count += closes.size
    assert count > 500


def test_every_bar_with_a_label_is_scored_once_since_the_first_version_could(lived: Nights) -> None:
    data = lived.dataset(at(DAYS[-1]))
    first = lived.model.version("v1").record
    begin = pd.Timestamp(read_moment(str(first.known_at))) - STEP
    opens = pd.DatetimeIndex(data.bars.frame.index)
    past = opens_of(np.concatenate([sheet.opens for sheet in lived.sheets if not sheet.live])).max()
    expected = opens[~np.isnan(data.label) & (opens >= begin) & (opens > past)]
    ledger = lived.ledger
    for name in ("line", "bayes"):
        stream = ledger.streams[lived.stream(name)]
        assert list(ledger.opens[stream.live & stream.scored]) == list(expected)
        said = np.concatenate(
            [sheet.opens[~np.isnan(each.p)] for sheet, each, _ in scored(lived) if each.stream == lived.stream(name)]
        )
        assert np.unique(said).size == said.size


def test_bars_from_before_a_night_are_scored_by_the_version_of_the_night_before_it(lived: Nights) -> None:
    by_night: dict[str, set[str | None]] = {}
    for sheet, stream, _ in scored(lived):
        if stream.stream == lived.stream("line"):
            by_night.setdefault(sheet.night, set()).add(stream.version)
    assert all(len(versions) <= 3 for versions in by_night.values())
    assert max(len(versions) for versions in by_night.values()) >= 2


def test_training_ends_with_labels_that_were_known(lived: Nights) -> None:
    for _, _, record in scored(lived):
        assert str(record.known_at) <= write_time(at(int(str(record.night)[-2:])))
        assert record.label == Label.parse(lived.label).to_dict()


def test_the_scores_can_be_made_again_and_all_nights_are_live(lived: Nights, tmp_path: Path) -> None:
    nights = {sheet.night for sheet in lived.sheets if sheet.live}
    without = {"2024-06-10"} if "96" in lived.label else set()  # over a day, no label of Friday crosses the weekend
    assert nights == {f"2024-06-{day:02}" for day in DAYS} - without
    for sheet in lived.sheets:
        assert sheet.question == Label.parse(lived.label)
        assert not sheet.live or sheet.live_bars.all()
    outcome = lived.copy(tmp_path)(at(12))
    assert "suspicious" not in outcome.sentence, outcome.sentence


def test_a_model_keeps_its_label(lived: Nights, bars: Path) -> None:
    other = Nights(lived.registry.parent, bars, label="horizon 8")
    with pytest.raises(LabelRefused, match=r"m learns the label .*, and RETRAIN_LABEL asks for horizon 8"):
        other(at(13))
    with pytest.raises(LabelRefused, match="asks for next_bar"):
        check_label(lived.model, NEXT_BAR, GBPUSD_M15)
    check_label(lived.model, Label.parse(lived.label), GBPUSD_M15)
    values = GBPUSD_M15.to_dict()
    dearer = Instrument.parse(values | {"costs": values["costs"] | {"spreads": "2.0"}}, "a file")
    if not Label.parse(lived.label).costs:
        check_label(lived.model, Label.parse(lived.label), dearer)
        return
    with pytest.raises(LabelRefused, match="other labels"):
        check_label(lived.model, Label.parse(lived.label), dearer)


def test_a_model_of_the_next_bar_takes_no_other_label(bars: Path, tmp_path: Path) -> None:
    nights = Nights(tmp_path / "m", bars)
    nights(at(3))
    assert nights.model.version("latest").record.label is None
    with pytest.raises(LabelRefused, match="m learns the label next_bar, and RETRAIN_LABEL asks for horizon 16"):
        Nights(tmp_path / "m", bars, label="horizon 16")(at(4))


def test_a_replay_is_of_the_next_bar(lived: Nights, tmp_path: Path) -> None:
    span = NightSpan(at(3).date(), at(4).date())
    with pytest.raises(RequestRefused, match="a replay is of labels of the next bar"):
        fill_cache(lived.job(at(4)), lived.dataset(at(4)), span, tmp_path)


def test_evidence_of_two_labels_is_refused_by_name(lived: Nights) -> None:
    sheet = lived.sheets[-1]
    again = from_bytes(to_bytes([sheet]))[0]
    assert again.question == sheet.question
    other = NightScores("2024-06-13", True, sheet.opens, sheet.label, {}, ())
    with pytest.raises(GateRefused, match="at once: a model has one label"):
        assemble([sheet, other])


@pytest.mark.parametrize("known", ["2024-06-03T21:00:00Z", "2024-06-04T09:15:00Z", "2024-06-07T21:00:00Z"])
def test_of_the_next_bar_a_version_may_score_what_came_after_its_labels(bars: Path, known: str) -> None:
    data = prepare(load_bars(bars, as_of=at(11)))
    record = VersionRecord("v1", known_at=known)
    after = np.asarray(data.known_at > pd.Timestamp(read_moment(known)))
    assert (unseen(data, record) == after).all()
    assert after.any()


def test_a_label_has_a_model_of_its_own_and_holds_as_long_as_it_looks(bars: Path, tmp_path: Path) -> None:
    settings = Settings(data=str(bars), label="horizon 16", registry=str(tmp_path), cores=1)
    job = plan(RetrainRequest(), settings)
    assert job.model == "gbpusd_m15_horizon_16"
    assert str(job.gate.trading_rule) == "hold 16"
    assert plan(RetrainRequest(), Settings(data=str(bars), cores=1)).model == "gbpusd_m15_direction"
    with pytest.raises(LabelRefused, match="too long for GBPUSD_M15: 96 at most"):
        plan(RetrainRequest(), Settings(data=str(bars), label="horizon 97"))
    with pytest.raises(RequestRefused, match="RETRAIN_LABEL is horizon 16: unset one"):
        plan(RetrainRequest(labels="notebook", train=(2022,), holdout=(2024,)), settings)


def test_a_bar_is_counted_alike_in_the_bars_and_in_the_ledger(lived: Nights) -> None:
    data, ledger = lived.dataset(at(DAYS[-1])), lived.ledger
    place = np.searchsorted(minutes(pd.DatetimeIndex(data.bars.frame.index)), minutes(ledger.opens))
    whole = np.isin(data.trading_day, np.unique(data.trading_day[data.counted]))[place]
    assert (ledger.counted[whole] == data.counted[place][whole]).all()
