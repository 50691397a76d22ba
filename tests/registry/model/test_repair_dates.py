"""A date of the future stands in everybody's way until a person repairs it: then nights, writers and readers go on.

Such a date cannot be written any more; registries hold those that earlier versions of this package wrote.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from registry import Night
from registry.errors import ClockSkew, Corrupt, InvalidRequest, NightDecided
from registry.format.entries import KEYS_KEPT
from registry.log import log as writing
from registry.maintenance.copying import copy
from registry.maintenance.verify import verify
from registry.model import repair as repairing
from registry.model.evidence import ScoredNight
from registry.model.transitions import night_in_force
from tests.registry.actors import NOON, HandClock, a_model, crowned, promote, register
from tests.registry.corruptions import key_of
from tests.registry.long_logs import entry_of, rewritten
from tests.servers.stores import MemoryStore

ANN = {"author": "ann", "reason": "the feed was a year ahead"}
YEAR = timedelta(days=365)


@pytest.fixture
def careless(monkeypatch):
    """Writes as it did before dates of the future were refused."""

    class Context:
        def __enter__(self):
            monkeypatch.setattr(writing, "_SKEW", 10 * YEAR)
            monkeypatch.setattr(repairing, "check_has_come", lambda night, now: None)

        def __exit__(self, *error):
            monkeypatch.undo()

    return Context()


def hold(model, day: str, as_of: datetime | None = None):
    night = Night(day, as_of or datetime.fromisoformat(f"{day}T21:00+00:00"))
    return model.hold(expected=model.champion(), author="gate", body={"sentence": "held"}, night=night)


def score(model, day: str):
    night = ScoredNight(f"scores of {day}".encode(), day, f"{day}T20:30:00.000000Z", 90)
    return model.score(night, fold=b"".join, author="night")


def a_year_ahead(store, clock):
    """A champion, and the same machine's clock a year ahead when it promoted the next one."""
    model = crowned("a", store=store, clock=clock)
    clock.pass_time(hours=1)
    clock.pass_time(days=365)
    promote(model, register(model, "b"))
    clock.pass_time(days=-365)
    clock.pass_time(hours=1)
    return a_model(store, clock=clock, who=2)


# --- the attacks ------------------------------------------------------------------------------------------------------


def test_after_a_writer_a_year_ahead_a_repair_lets_everybody_write(store, clock, snapshot):
    model = a_year_ahead(store, clock)
    with pytest.raises(ClockSkew, match="registry repair gbpusd") as refused:
        register(model, "c")
    assert str(refused.value) == snapshot
    before = model.champion()
    entries = model.repair(**ANN)
    assert [(entry.log, entry.n, entry.kind, entry.time) for entry in entries] == [
        ("decisions", 3, "repaired", clock.now()),
        ("versions", 3, "repaired", clock.now()),
    ]
    assert str(entries[0]) == snapshot(name="repaired")
    assert model.champion() == before and before.version == "v2"
    assert str(register(model, "c")) == "v3" and promote(model, model.version(3)).time == clock.now()
    assert verify(model).clean


def test_after_a_night_of_next_year_a_repair_lets_nights_go_on(store, clock, careless, snapshot):
    model = crowned("a", store=store, clock=clock)
    hold(model, "2024-06-28")
    with careless:
        hold(model, "2025-07-01")
    with pytest.raises(NightDecided, match="registry repair"):
        hold(model, "2024-07-01", as_of=NOON)
    [entry] = model.repair(**ANN)
    assert (entry.log, entry.state["night"], entry.state["as_of"]) == (
        "decisions",
        "2024-06-28",
        "2024-07-01T12:00:00.000000Z",
    )
    assert str(entry) == snapshot
    with pytest.raises(NightDecided, match="2024-06-28"):
        hold(model, "2024-06-28")
    decided = hold(model, "2024-07-01", as_of=NOON)
    assert model.decided("2024-07-01") == decided and model.decided("2024-06-28").n == 2
    assert model.decided("2025-07-01") is None
    assert verify(model).clean


def test_where_no_night_was_decided_before_none_is_after_the_repair(store, clock, careless):
    model = crowned("a", store=store, clock=clock)
    with careless:
        hold(model, "2025-07-01")
    [entry] = model.repair(**ANN)
    assert entry.state["night"] is None and model.decided("2025-07-01") is None
    assert hold(model, "2024-06-28").state["night"] == "2024-06-28"
    assert verify(model).clean


def test_work_of_a_moment_that_has_not_come_is_said_truly_and_repaired(store, clock, careless, snapshot):
    """What was forgotten looked up to that moment at the latest; it is not all later than it."""
    model = a_model(store, clock=clock)
    with careless:
        register(model, as_of=NOON + YEAR)
    for number in range(KEYS_KEPT):
        model.tag("best", 1, author="ann", key=f"tag {number}")
    with pytest.raises(NightDecided, match="registry repair") as refused:
        register(model, "b", as_of=NOON)
    assert str(refused.value) == snapshot
    model.repair(**ANN)
    assert str(register(model, "b", as_of=NOON)) == "v2"
    with pytest.raises(NightDecided, match="looked up to 2024-07-01 12:00 UTC") as refused:
        register(model, "c", as_of=NOON - timedelta(days=1))
    assert "repair" not in str(refused.value)


def test_evidence_of_a_night_that_has_not_come_no_longer_counts(store, clock, careless):
    model = crowned("a", store=store, clock=clock)
    first = score(model, "2024-06-28")
    with careless:
        score(model, "2025-07-01")
        score(model, "2025-07-02")
    with pytest.raises(InvalidRequest, match="evidence is added in order"):
        score(model, "2024-07-01")
    [entry] = model.repair(**ANN)
    assert entry.state["watermark"] == first.state["watermark"]
    assert list(model.manifest().nights) == ["2024-06-28"]
    score(model, "2024-07-01")
    assert list(model.manifest().nights) == ["2024-06-28", "2024-07-01"][-len(model.manifest().nights) :]
    assert verify(model).clean


def test_a_champion_of_a_night_that_was_taken_back_is_judged_on_later_evidence(store, clock, careless):
    model = crowned("a", store=store, clock=clock)
    hold(model, "2024-06-28")
    night = Night("2025-07-01", NOON + YEAR)
    with careless:
        model.promote(
            register(model, "b"), expected=model.champion(), author="gate", body={"sentence": "promoted"}, night=night
        )
    before = model.champion()
    [entry] = model.repair(**ANN)
    assert model.champion() == before and before.night == "2025-07-01"
    assert entry.state["evidence_after"] == "2024-07-01"
    assert night_in_force(entry, before.night) == "2024-07-01" and night_in_force(entry, "2024-06-28") == "2024-06-28"
    assert verify(model).clean


# --- what is asked of the past ----------------------------------------------------------------------------------------


def test_the_champion_of_every_moment_is_who_it_was(store, clock):
    model = a_year_ahead(store, clock)
    clock.pass_time(hours=1)
    model.repair(**ANN)
    repaired = clock.now()
    clock.pass_time(hours=1)
    promote(model, register(model, "c"))
    clock.pass_time(hours=1)

    def at(**span: float) -> str | None:
        champion = a_model(store, clock=clock, who=3).champion(at=repaired + timedelta(**span))
        return None if champion is None else champion.version

    assert repaired == NOON + timedelta(hours=3)
    assert [
        at(hours=-3, seconds=-1),
        at(hours=-3),
        at(seconds=-1),
        at(),
        at(minutes=59),
        at(hours=1),
        at(days=400),
    ] == [
        *(None, "v1", "v1"),  # v2 is dated a year later: that it was champion an hour before is not known
        *("v2", "v2", "v3", "v3"),
    ]


def test_two_repairs_leave_two_stretches_in_order(store, clock):
    model = a_year_ahead(store, clock)
    model.repair(**ANN)
    first = clock.now()
    clock.pass_time(days=365)
    promote(model, register(model, "c"))
    clock.pass_time(days=-364)
    model.repair(**ANN)
    found = [model.champion(at=first + timedelta(days=days)).version for days in (-0.05, 0, 0.5, 1, 400)]
    assert found == ["v1", "v2", "v2", "v3", "v3"]
    assert verify(model).clean


def test_a_follower_and_a_copy_go_on_over_a_repair(store, clock):
    model = a_year_ahead(store, clock)
    register(model_at(store, clock, YEAR), "unused")
    seen = [model.in_production().identity]
    model.repair(**ANN)
    seen.append(model.in_production().identity)
    promote(model, register(model, "c"))
    seen.append(model.in_production().identity)
    assert seen == [("v2", 2), ("v2", 2), ("v4", 4)]
    target = a_model(MemoryStore(clock=clock), clock=clock)
    assert copy(model, target).entries == len(store.list("models/gbpusd/versions/")) + len(
        store.list("models/gbpusd/decisions/")
    )
    assert [str(entry) for entry in target.log()] == [str(entry) for entry in model.log()]
    assert [str(version) for version in target.history()] == ["v1", "v2", "v3", "v4"]


def model_at(store, clock, ahead):
    return a_model(store, clock=HandClock(clock.now() + ahead), who=7)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_where_nothing_is_wrong_a_repair_is_refused(store, clock, snapshot):
    model = crowned("a", store=store, clock=clock)
    hold(model, "2024-06-28")
    with pytest.raises(InvalidRequest, match="nothing to repair") as refused:
        model.repair(**ANN)
    assert str(refused.value) == snapshot
    clock.pass_time(minutes=-50)  # a writer whose clock is near enough
    with pytest.raises(InvalidRequest, match="nothing to repair"):
        model.repair(**ANN)
    assert model.decisions.head().kind == "held"


def test_a_repair_is_done_once(store, clock):
    model = a_year_ahead(store, clock)
    first = model.repair(key="once", **ANN)
    assert model.repair(key="once", **ANN) == first
    with pytest.raises(InvalidRequest, match="nothing to repair"):
        model.repair(**ANN)


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_unlike_the_stores_repairs_nothing(store, clock, hours, snapshot):
    """A clock that is behind would take what is right for wrong."""
    a_year_ahead(store, clock)
    wrong = HandClock(clock.now() + timedelta(hours=hours))
    model = a_model(store, clock=wrong, who=3)
    with pytest.raises(ClockSkew, match="that of memory says") as refused:
        model.repair(**ANN)
    assert str(refused.value).replace(f"{wrong.now():%H:%M}", "<hour>") == snapshot
    assert (model.decisions.head().n, model.versions.head().n) == (2, 2)


@pytest.mark.parametrize("act", ["hold", "score"])
def test_a_night_that_has_not_come_is_refused_at_the_door(store, clock, act, snapshot):
    model = crowned("a", store=store, clock=clock)
    with pytest.raises(InvalidRequest, match="not come yet") as refused:
        hold(model, "2024-07-03", as_of=NOON) if act == "hold" else score(model, "2024-07-03")
    assert str(refused.value) == snapshot
    hold(model, "2024-07-02", as_of=NOON) if act == "hold" else score(model, "2024-07-02")


# --- what verify accepts ----------------------------------------------------------------------------------------------


def repaired_store(clock) -> MemoryStore:
    store = MemoryStore(clock=clock)
    a_year_ahead(store, clock).repair(**ANN)
    return store


def found(store, clock):
    return [(each.kind, each.key) for each in verify(a_model(store, clock=clock)).findings]


def test_time_goes_back_by_a_repair_alone(clock):
    store = repaired_store(clock)
    assert found(store, clock) == []
    entry = entry_of(store, 3, log="decisions")
    rewritten(store, 3, log="decisions", kind="suspended", body={"reason": "why"})
    assert ("time goes back", key_of(3, "decisions")) in found(store, clock)
    rewritten(store, 3, log="decisions", kind=entry.kind, body=entry.body)
    assert found(store, clock) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: {"state": {**entry.state, "champion": {**entry.state["champion"], "cut": 0.9}}},
        lambda entry: {"state": {**entry.state, "rolled_back": ["v1"]}},
        lambda entry: {"state": {**entry.state, "night": "2024-06-01"}},
        lambda entry: {"state": {name: value for name, value in entry.state.items() if name != "repaired"}},
        lambda entry: {"state": {**entry.state, "repaired": 1}},
        lambda entry: {"body": {**entry.body, "reset": {}}},
        lambda entry: {
            "body": {**entry.body, "reset": {"time": {**entry.body["reset"]["time"], "from": "2024-07-01"}}}
        },
        lambda entry: {"time": entry_of_time(entry), "body": {**entry.body, "reset": {}}},
    ],
    ids=["champion", "marks", "night", "not remembered", "another", "says nothing", "says other", "nothing was wrong"],
)
def test_a_repair_that_does_anything_else_is_named(clock, change):
    store = repaired_store(clock)
    entry = entry_of(store, 3, log="decisions")
    rewritten(store, 3, log="decisions", **change(entry))
    assert ("wrong state", key_of(3, "decisions")) in found(store, clock)


def entry_of_time(entry):
    """The time that it was reset from."""
    return datetime.fromisoformat(entry.body["reset"]["time"]["from"]).astimezone(UTC)


def test_a_log_that_names_a_later_repair_is_said_to_be_damaged(store, clock):
    crowned("a", "b", store=store, clock=clock)
    for n in (1, 2):
        entry = entry_of(store, n, log="decisions")
        rewritten(store, n, log="decisions", state={**entry.state, "repaired": 2})
    rewritten(store, 2, log="decisions", time=NOON + YEAR)
    with pytest.raises(Corrupt, match="later entry 2 as its last repair"):
        a_model(store, clock=clock).champion(at=NOON)
