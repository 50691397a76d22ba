"""Random histories on a folder and in a bucket, beside a model of plain lists: they agree after every step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from registry import ChampionRecord, Registry
from registry.errors import (
    Frozen,
    InvalidRequest,
    NightDecided,
    NoChampion,
    RegisteredOtherwise,
    RegistryError,
    StaleDecision,
)
from registry.maintenance.verify import verify
from registry.store import Store, connect
from tests.registry.actors import HandClock, counted_ids, night, register

WHY = {"author": "ann", "reason": "why"}
_places = itertools.count()


def machine(new_place: Callable[[], Store]) -> type[RuleBasedStateMachine]:
    class Histories(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.place = new_place()
            self.clock = HandClock()
            self.processes = itertools.count(1)
            self.versions: list[str] = []  # labels; v1 is the first
            self.champions: list[int] = []  # number of the champion after each act that crowned one
            self.former: list[int] = []
            self.rolled_back: set[int] = set()
            self.tags: dict[str, int] = {}
            self.keys: dict[str, str] = {}
            self.frozen = self.suspended = False
            self.decided = 0
            self.decisions = 0
            self.seen: ChampionRecord | None = None
            self.restart()

        @rule()
        def restart(self) -> None:
            """Another process: it remembers nothing."""
            registry = Registry(self.place, clock=self.clock, new_id=counted_ids(next(self.processes)))
            self.model = registry.model("gbpusd")

        @rule(label=st.sampled_from("abc"), key=st.sampled_from([None, "k1", "k2", "k3", "k4"]))
        def register(self, label: str, key: str | None) -> None:
            self.clock.pass_time(minutes=1)
            expected = self.keys.get(key or "")
            if expected is not None and self.versions[int(expected[1:]) - 1] != label:
                with pytest.raises(RegisteredOtherwise):
                    register(self.model, label, key=key)
                return
            version = register(self.model, label, key=key)
            if expected is None:
                self.versions.append(label)
                expected = f"v{len(self.versions)}"
                if key is not None:
                    self.keys[key] = expected
            assert str(version) == expected

        def crown(self, number: int) -> None:
            if self.champions:
                self.former = [each for each in self.former if each not in (self.champions[-1], number)]
                self.former = [*self.former, self.champions[-1]][-10:]
            self.champions.append(number)
            self.decisions += 1

        @precondition(lambda self: self.versions)
        @rule(data=st.data(), stale=st.booleans(), day=st.integers(1, 28))
        def promote(self, data: st.DataObject, stale: bool, day: int) -> None:
            number = data.draw(st.integers(1, len(self.versions)))
            expected = self.seen if stale else self.model.champion()
            present = self.model.champion()
            errors: list[type[RegistryError]] = []
            if day <= self.decided:
                errors.append(NightDecided)
            elif self.frozen:
                errors.append(Frozen)
            elif (expected and expected.identity) != (present and present.identity):
                errors.append(StaleDecision)
            elif self.champions[-1:] == [number]:
                errors.append(InvalidRequest)
            elif number in self.rolled_back:
                errors.append(StaleDecision)
            version = self.model.version(number)
            if errors:
                with pytest.raises(errors[0]):
                    self.decide(version, expected, day)
            else:
                self.decide(version, expected, day)
                self.crown(number)
                self.decided = day

        def decide(self, version, expected, day):
            self.model.promote(version, expected=expected, author="gate", body={"sentence": "better"}, night=night(day))

        @rule(day=st.integers(1, 28))
        def hold(self, day: int) -> None:
            def held() -> None:
                self.model.hold(expected=self.model.champion(), author="gate", body={}, night=night(day))

            if day <= self.decided:
                with pytest.raises(NightDecided):
                    held()
            else:
                held()
                self.decided, self.decisions = day, self.decisions + 1

        @rule()
        def look(self) -> None:
            self.seen = self.model.champion()

        @rule()
        def rollback(self) -> None:
            left = [number for number in self.former if number not in self.rolled_back]
            if not left:
                with pytest.raises(NoChampion):
                    self.model.rollback(**WHY)
            else:
                self.rolled_back = (self.rolled_back - {left[-1]}) | {self.champions[-1]}
                self.model.rollback(**WHY)
                self.crown(left[-1])

        @rule(freeze=st.booleans())
        def freeze(self, freeze: bool) -> None:
            if freeze or self.frozen:
                (self.model.freeze if freeze else self.model.unfreeze)(**WHY)
                self.frozen, self.decisions = freeze, self.decisions + 1

        @rule(suspend=st.booleans())
        def suspend(self, suspend: bool) -> None:
            if suspend or self.suspended:
                (self.model.suspend if suspend else self.model.resume)(**WHY)
                self.suspended, self.decisions = suspend, self.decisions + 1

        @precondition(lambda self: self.versions)
        @rule(data=st.data(), tag=st.sampled_from(["best", "audited"]))
        def tag(self, data: st.DataObject, tag: str) -> None:
            self.tags[tag] = data.draw(st.integers(1, len(self.versions)))
            self.model.tag(tag, self.tags[tag], author="ann")

        @precondition(lambda self: self.versions)
        @rule(data=st.data())
        def retire(self, data: st.DataObject) -> None:
            number = data.draw(st.integers(1, len(self.versions)))
            if number in {*self.former, *self.champions[-1:]}:
                with pytest.raises(InvalidRequest):
                    self.model.retire([number], **WHY)
            else:
                self.model.retire([number], **WHY)

        @invariant()
        def agrees(self) -> None:
            champion = self.model.champion()
            assert (champion and champion.version) == (f"v{self.champions[-1]}" if self.champions else None)
            head = self.model.decisions.head()
            assert (0 if head is None else head.n) == self.decisions
            newest = self.model.versions.head()
            tags = {} if newest is None else newest.state.get("tags", {})
            assert tags == {tag: f"v{number}" for tag, number in self.tags.items()}

        def teardown(self) -> None:
            self.restart()
            self.agrees()
            history = self.model.history()
            assert [str(version) for version in history] == [f"v{n}" for n in range(1, len(self.versions) + 1)]
            for version, label in zip(history, self.versions, strict=True):
                assert self.place.get(version.record.artifact) == f"archive {label}".encode()
            assert verify(self.model).findings == ()

    return Histories


def explore(new_place: Callable[[], Store], examples: int, steps: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    with_limits = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks, derandomize=True
    )
    run_state_machine_as_test(machine(new_place), settings=with_limits)


def test_random_histories_in_a_folder(tmp_path: Path) -> None:
    explore(lambda: connect(tmp_path / f"{next(_places)}"), examples=60, steps=40)


def test_random_histories_in_a_bucket(bucket: str) -> None:
    explore(lambda: connect(f"{bucket}/root-{next(_places)}"), examples=12, steps=25)
