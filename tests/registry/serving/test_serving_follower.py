"""Following the champion: swapped without a dropped call, kept through an outage, silent while suspended."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

import registry
from registry import Follower, Model, VersionRecord
from registry.errors import InputMismatch, InvalidRequest, NoChampion, StoreUnavailable, Suspended
from registry.format import keys
from registry.store.folder import FolderStore
from tests.registry.actors import NAME, HandClock, a_model, promote, register
from tests.registry.archives import packed
from tests.registry.corruptions import state_with
from tests.registry.long_logs import rewritten
from tests.servers.stores import CountingStore, MemoryStore

BAR = {"rsi_14": [55.0], "atr_14": [0.02]}
WHO = {"author": "ada", "reason": "look"}


class DownStore(MemoryStore):
    """A store that does not answer while it is ``down``."""

    down = False

    def get(self, key: str) -> bytes:
        self._answer()
        return super().get(key)

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        self._answer()
        return super().list(prefix, limit=limit, after=after)

    def _answer(self) -> None:
        if self.down:
            raise StoreUnavailable("memory does not answer")


def crown(model: Model, kind: str = "random forest", cut: float = 0.5) -> None:
    """One more champion."""
    record = VersionRecord(recipe=kind, metrics={"accuracy": 0.51}, measured_on={"bars": 100}, cut=cut)
    promote(model, model.register(packed(kind), record, author="trainer"))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store() -> DownStore:
    return DownStore()


@pytest.fixture
def person(store: DownStore) -> Model:
    """Another process's view of the model, whose champion is v1."""
    model = a_model(store, who=9)
    crown(model)
    return model


@pytest.fixture
def follower(person: Model, store: DownStore, clock: HandClock) -> Follower:
    return Follower(a_model(store, clock=clock), clock=clock, every=60)


def test_the_champion_is_served_with_what_to_expect_of_it(follower):
    said = follower.predict(BAR)
    assert (said.version, said.stale_seconds, said.expected.bars) == ("v1", 0.0, 100)
    assert follower.status() == registry.serving.FollowerStatus("serving", "v1", 0.0, None)


def test_a_new_champion_is_served_from_the_next_look_on(follower, person):
    crown(person, "boosting", cut=0.9)
    assert follower.predict(BAR).version == "v1"
    assert follower.refresh().version == "v2"
    said = follower.predict(BAR)
    assert (said.version, said.cut) == ("v2", 0.9)


def test_looking_where_nothing_is_new_is_one_request(person, store, clock):
    counted = CountingStore(store)
    follower = Follower(a_model(counted, clock=clock), clock=clock)
    before = counted.total
    follower.refresh()
    assert counted.total - before == 1
    follower.predict(BAR)
    assert counted.total - before == 1


def test_a_champion_that_comes_back_is_not_fetched_again_while_it_is_served(person, store, clock):
    counted = CountingStore(store)
    follower = Follower(a_model(counted, clock=clock), clock=clock)
    crown(person, "boosting")
    person.rollback(**WHO)
    counted.requests.clear()
    assert follower.refresh().version == "v1"
    assert follower.loaded.champion.how == "rolled_back"
    assert counted.total == 4  # the newest decision, the one that it must follow from, the record; not the archive


def test_the_old_champion_is_served_while_the_store_is_down_and_says_how_stale(follower, store, clock):
    store.down = True
    clock.pass_time(seconds=60)
    status = follower.refresh()
    assert (status.state, status.version, status.stale_seconds) == ("stale", "v1", 60.0)
    assert status.problem == "StoreUnavailable: memory does not answer"
    clock.pass_time(seconds=15)
    assert follower.predict(BAR).stale_seconds == 75.0
    store.down = False
    assert follower.refresh().state == "serving"
    assert follower.predict(BAR).stale_seconds == 0.0


def test_a_follower_that_nobody_refreshes_says_so(follower, clock):
    clock.pass_time(seconds=120)
    assert follower.status().state == "serving"
    clock.pass_time(seconds=1)
    assert (follower.status().state, follower.predict(BAR).stale_seconds) == ("stale", 121.0)


def test_a_champion_that_cannot_be_loaded_does_not_take_the_place_of_one_that_can(follower, person):
    promote(person, register(person, "no archive at all"))
    status = follower.refresh()
    assert (status.state, status.version) == ("stale", "v1")
    assert "UnsafeArtifact" in status.problem
    assert follower.predict(BAR).version == "v1"


def test_what_is_suspended_is_not_served_until_it_is_resumed(follower, person, store):
    person.suspend(**WHO)
    assert follower.refresh().state == "suspended"
    with pytest.raises(Suspended, match="look"):
        follower.predict(BAR)
    assert follower.loaded is None
    store.down = True
    assert follower.refresh().state == "suspended"
    with pytest.raises(Suspended):
        follower.predict(BAR)
    store.down = False
    person.resume(**WHO)
    assert follower.refresh().state == "serving"
    assert follower.predict(BAR).version == "v1"


def test_a_model_that_is_suspended_when_the_follower_starts_is_served_once_resumed(person, store, clock):
    person.suspend(**WHO)
    follower = Follower(a_model(store, clock=clock), clock=clock)
    with pytest.raises(Suspended):
        follower.predict(BAR)
    person.resume(**WHO)
    follower.refresh()
    assert follower.predict(BAR).version == "v1"


def test_a_model_without_champion_is_served_from_its_first_one_on(store, clock):
    follower = Follower(a_model(store, clock=clock), clock=clock)
    assert (follower.status().state, follower.status().version) == ("no champion", None)
    with pytest.raises(NoChampion, match="nothing was promoted"):
        follower.predict(BAR)
    crown(a_model(store, who=9))
    assert follower.refresh().state == "serving"


def test_a_frame_that_does_not_fit_is_refused_and_the_next_call_is_served(follower):
    with pytest.raises(InputMismatch, match="atr_14 is missing"):
        follower.predict({"rsi_14": [55.0]})
    assert follower.predict({"close_15m": [1.2], **BAR}, pick=True).version == "v1"


def test_a_store_that_is_down_from_the_start_is_an_error(person, store, clock):
    store.down = True
    with pytest.raises(StoreUnavailable):
        Follower(a_model(store, clock=clock), clock=clock)


@pytest.mark.parametrize("every", [0, -1, float("nan")])
def test_looking_without_a_pause_is_refused(every, clock):
    with pytest.raises(InvalidRequest, match="every"):
        Follower(a_model(), clock=clock, every=every)


def served_by_many(follower: Follower, change: Callable[[], None], calls: int = 400) -> list[str]:
    """The versions that four threads were served while ``change`` was going on."""
    versions: list[str] = []

    def call() -> None:
        for _ in range(calls):
            versions.append(follower.predict(BAR).version)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    change()
    for thread in threads:
        thread.join()
    return versions


def test_no_call_is_dropped_while_champions_change(follower, person, store):
    def change() -> None:
        for kind in ("boosting", "logistic", "naive Bayes"):
            crown(person, kind)
            follower.refresh()
            store.down = True
            follower.refresh()
            store.down = False

    versions = served_by_many(follower, change)
    assert len(versions) == 1600
    assert set(versions) <= {"v1", "v2", "v3", "v4"}
    assert follower.predict(BAR).version == "v4"


def followers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"follow {NAME}"]


def test_a_thread_of_its_own_sees_the_new_champion_and_ends_when_closed(tmp_path):
    model = a_model(FolderStore(tmp_path))
    crown(model)
    seen = threading.Event()
    with registry.follow(NAME, every=0.01, url=str(tmp_path)) as follower:
        assert len(followers()) == 1
        follower.start()  # a second start is none
        crown(model, "boosting")
        look = follower.refresh

        def refresh() -> registry.serving.FollowerStatus:
            status = look()
            if status.version == "v2":
                seen.set()
            return status

        follower.refresh = refresh
        assert seen.wait(10)
        assert follower.predict(BAR).version == "v2"
    assert followers() == []
    assert follower.predict(BAR).version == "v2"


def test_follow_without_a_place_says_what_to_give(monkeypatch):
    monkeypatch.delenv("RETRAIN_REGISTRY", raising=False)
    with pytest.raises(InvalidRequest, match=r"follow\(\.\.\., url=\.\.\.\)"):
        registry.follow(NAME)


def test_an_entry_of_no_known_form_does_not_end_the_looking(store, person, clock):
    follower = Follower(a_model(store), clock=clock)
    person.suspend(**WHO)
    rewritten(store, 2, log="decisions", state=state_with(store, 2, "decisions", suspended="yes"))
    assert follower.refresh().state == "stale" and follower.predict(BAR).version == "v1"
    store.delete(keys.entry_key(NAME, "decisions", 2))
    a_model(store, who=4).suspend(**WHO)  # who knew the other entry would refuse
    assert follower.refresh().state == "suspended"
