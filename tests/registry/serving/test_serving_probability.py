"""The probability of a row: by the map of the newest decision while it has skill, else the base rate, and why."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from registry import Follower, VersionRecord
from registry.errors import InvalidRequest
from registry.model.probability import ProbabilityMap
from registry.trust.signing import Signer, Trusted
from tests.registry.actors import HandClock, a_model, night, promote
from tests.registry.archives import lesson, packed
from tests.registry.maps import USED
from tests.servers.stores import CountingStore, MemoryStore

NO_BETTER = dataclasses.replace(USED, skill=-0.0001)
YOUNG = dataclasses.replace(USED, judged=249)
UNJUDGED = dataclasses.replace(USED, judged=0, skill=None, skill_error=None)
GATE, STRANGER = Signer("promoter", b"g" * 32), Signer("promoter", b"s" * 32)
TRUSTED = Trusted(promoters=[GATE.public])


def bars(rows: int = 5) -> pd.DataFrame:
    return pd.DataFrame(lesson()[0][:rows], columns=["rsi_14", "atr_14"])


def body(*maps: ProbabilityMap) -> dict[str, object]:
    return {"sentence": "s", "probability": {f"v{n}": each.to_dict() for n, each in enumerate(maps, start=1)}}


def crowned(*maps: ProbabilityMap, kind: str = "random forest", store: MemoryStore | None = None, **options):
    """v1 as champion, by a decision that holds these maps, of v1 first."""
    model = a_model(store, **options)
    promote(model, model.register(packed(kind), VersionRecord(recipe="rf"), author="trainer"), body=body(*maps), day=1)
    return model


def hold(model, *maps: ProbabilityMap, day: int = 2) -> None:
    model.hold(expected=model.champion(), author="gate", body=body(*maps), night=night(day))


@pytest.mark.parametrize(("kind", "form"), [("random forest", "arrays"), ("naive Bayes", "skops")])
def test_a_probability_is_the_same_map_of_the_score_in_both_forms(kind, form):
    said = crowned(USED, kind=kind).load().predict(bars(50))
    kept = np.clip(said.score, 0.001, 0.999)
    z = (np.log(kept / (1 - kept)) - 0.1) / 0.5
    error = np.sqrt(0.0001 + 2 * 0.00002 * z + 0.0004 * z**2)
    by_hand = [1 / (1 + np.exp(0.02 - 0.05 * z - sign * 1.959963984540054 * error)) for sign in (0, -1, 1)]
    found = said.probability
    assert (said.served_from, found.source) == (form, "map")
    np.testing.assert_allclose([found.value, found.low, found.high], by_hand, rtol=0, atol=1e-15)
    order = np.argsort(said.score, kind="stable")
    assert (np.diff(found.value[order]) >= 0).all(), "it ranks rows as the score does"


def test_it_says_how_much_is_known(snapshot):
    found = crowned(USED).load().predict(bars()).probability
    assert all(figure in found.says for figure in ("31,020 bars", "341 trading days", "+0.070 ± 0.039 %"))
    assert found.says == snapshot


@pytest.mark.parametrize("served", [NO_BETTER, YOUNG, UNJUDGED], ids=["no better", "young", "unjudged"])
def test_the_base_rate_is_served_where_the_map_was_not_better_for_a_year(served):
    said = crowned(served).load().predict(bars())
    found = said.probability
    assert found.source == "base rate" and found.value.tolist() == [0.496] * 5
    assert found.low[0] == pytest.approx(0.496 - 1.96 * 0.003, abs=1e-5) and found.high[0] > 0.496
    assert len(set(said.score.tolist())) > 1, "the score goes on ranking rows"


def test_the_base_rate_says_why_it_is_served(snapshot):
    said = [each.of(np.array([0.5])).says for each in (NO_BETTER, YOUNG)]
    assert ["-0.010 ± 0.039 %" in said[0], "there are 249" in said[1]] == [True, True]
    assert "\n".join(said) == snapshot


def test_a_version_without_a_map_has_no_probability_and_says_why(snapshot):
    model = crowned()
    champion, named = model.load().predict(bars()), model.load("v1").predict(bars())
    assert (champion.probability.value, champion.probability.source) == (None, "unknown")
    assert "\n".join([champion.probability.says, named.probability.says]) == snapshot
    assert champion.says == named.says and champion.probability.rows(2) == [(None, None, None)] * 2


def test_a_map_of_another_version_is_not_used():
    model = crowned(USED)
    second = model.register(packed("boosting"), VersionRecord(recipe="hist"), author="trainer")
    promote(model, second, body={"sentence": "forced"})
    assert model.load().predict(bars()).probability.source == "unknown"
    hold(model, NO_BETTER, USED, day=3)
    assert model.load().predict(bars()).probability.source == "map"


def test_a_map_costs_no_request_and_a_newer_one_is_served_from_the_next_look_on():
    store, clock = MemoryStore(), HandClock()
    model = crowned(USED, store=store, who=9)
    counted = CountingStore(store)
    reader = a_model(counted, clock=clock)
    follower = Follower(reader, clock=clock)
    cold = counted.total
    assert follower.predict(bars()).probability.source == "map" and counted.total == cold == 4, "three and the record"
    follower.refresh()
    assert counted.total == cold + 1
    hold(model, NO_BETTER)
    follower.refresh()
    assert counted.total == cold + 3, "the listing and the new decision: neither archive nor record again"
    said = follower.predict(bars())
    assert (said.version, said.probability.source) == ("v1", "base rate") and counted.total == cold + 3


def test_a_suspension_and_a_new_policy_keep_the_map():
    model = crowned(USED)
    model.set_policy({"score": "edge"}, author="ann", reason="a test")
    assert model.load().predict(bars()).probability.source == "map"


def test_a_map_from_a_decision_that_no_trusted_key_signed_is_not_believed():
    model = crowned(USED, signer=GATE)
    assert a_model(model.store, trusted=TRUSTED).load().predict(bars()).probability.source == "map"
    hold(a_model(model.store, who=7, signer=STRANGER), dataclasses.replace(USED, slope=9.0))
    found = a_model(model.store, trusted=TRUSTED).load().predict(bars()).probability
    assert (found.source, found.value) == ("unknown", None) and "not believed" in found.says


@pytest.mark.parametrize(
    "change",
    [{"scale": 0.0}, {"slope": -0.1}, {"base": 1.1}, {"bars": 0}, {"centre": "1"}, {"skill": None}, {"intercept": 1e7}],
    ids=str,
)
def test_a_map_that_is_none_is_not_written(change):
    model, wrong = crowned(), {"sentence": "s", "probability": {"v1": {**USED.to_dict(), **change}}}
    with pytest.raises(InvalidRequest, match=f"probability.v1.{next(iter(change))}"):
        model.hold(expected=model.champion(), author="gate", body=wrong, night=night(2))
