"""The processes of a race: what each does to a registry until it is killed, and the journal it keeps on disk.

Before an operation a process writes what it is about to do, after it what it was told, each on disk before it goes on.
Who is told that the outcome is unknown calls again with the same idempotency key. So does the process that takes the
place of one that was killed: it reads in the journal which operation had no answer.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

from registry import ChampionRecord, Model, Registry, VersionRecord
from registry.errors import (
    ArtifactMissing,
    InvalidRequest,
    ModelNotFound,
    NoChampion,
    OutcomeUnknown,
    StaleDecision,
    StoreUnavailable,
    UploadTooOld,
    VersionNotFound,
)
from registry.format.entries import digest
from registry.maintenance import gc
from registry.model.evidence import ScoredNight
from registry.store import connect
from tests.registry.actors import NAME
from tests.registry.races.unreliable import HastyClock, UnreliableStore

REFUSALS = (
    ArtifactMissing,
    InvalidRequest,
    ModelNotFound,
    NoChampion,
    StaleDecision,
    StoreUnavailable,
    UploadTooOld,
    VersionNotFound,
)
"""What a writer may be told in a race; anything else ends its process, and the race."""

Arguments = Mapping[str, Any]


class Flag(Protocol):
    """A number that all processes see; nobody can be killed holding a lock of it."""

    value: int


class Journal:
    """Lines of JSON, each on disk when :meth:`write` returns. Half a line goes: its process was killed before that."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def write(self, event: str, **values: Any) -> None:
        os.write(self._file, json.dumps({"event": event, "moment": time.monotonic(), **values}).encode() + b"\n")
        os.fsync(self._file)

    def without_answer(self) -> dict[str, Any] | None:
        """The operation that was begun last, if nothing was said of it since."""
        last = [line for line in map(json.loads, self.path.read_text(encoding="utf-8").splitlines()) if "key" in line]
        return last[-1] if last and last[-1]["event"] == "begun" else None


@dataclass
class Worker:
    """One process of a race: a model, numbers that look random, a journal."""

    model: Model
    store: UnreliableStore
    chance: random.Random
    journal: Journal
    seen: ChampionRecord | None = None
    """The champion when it was last looked."""

    def write(self, kinds: Mapping[str, int]) -> None:
        """One operation, of one of the kinds, each as often as its number says."""
        (kind,) = self.chance.choices([*kinds], weights=[*kinds.values()])
        arguments = ARGUMENTS[kind](self)
        operation = {"key": f"{self.chance.getrandbits(128):032x}", "kind": kind, "arguments": arguments}
        self.call(operation) or self.call(operation)
        self.journal.write("requests", asked=self.store.asked, failed=self.store.failed)
        self.store.asked = self.store.failed = 0

    def call(self, operation: Mapping[str, Any]) -> bool:
        """Whether it is known what came of it."""
        key, kind = operation["key"], operation["kind"]
        self.journal.write("begun", key=key, kind=kind, arguments=operation["arguments"])
        try:
            answer = CALLS[kind](self, key, operation["arguments"])
        except OutcomeUnknown:
            self.journal.write("unknown", key=key)
            return False
        except REFUSALS as error:
            self.journal.write("refused", key=key, kind=kind, why=type(error).__name__)
        else:
            self.journal.write("acknowledged", key=key, kind=kind, **answer)
        return True

    def some_version(self) -> int:
        """The newest version more often than any other; 1 where there is none yet."""
        head = self.model.versions.head()
        latest = 1 if head is None or "latest" not in head.state else int(head.state["latest"]["version"][1:])
        return latest if self.chance.random() < 0.5 else self.chance.randint(1, latest)

    def judged_against(self) -> ChampionRecord | None:
        """The champion now, or the one that was seen before: a decision on that may be stale."""
        before, self.seen = self.seen, self.model.champion()
        return before if self.chance.random() < 0.2 else self.seen


# --- what is asked: data, so that the process after this one can ask it again ---------------------------------------

ARGUMENTS: Mapping[str, Callable[[Worker], dict[str, Any]]] = {
    "registered": lambda worker: {"archive": f"{worker.chance.getrandbits(64):016x}"},
    "tagged": lambda worker: {"version": worker.some_version()},
    "retired": lambda worker: {"version": worker.some_version()},
    "scored": lambda worker: {"scores": f"{worker.chance.getrandbits(64):016x}"},
    "promoted": lambda worker: {"version": worker.some_version(), "large": worker.chance.random() < 0.2},
    **dict.fromkeys(("held", "rolled_back", "suspended", "resumed"), lambda worker: {}),
}
LARGE = {"numbers": [number / 7 for number in range(500)]}
WHY = {"author": "ann", "reason": "why"}


def register(worker: Worker, key: str, asked: Arguments) -> dict[str, Any]:
    archive = asked["archive"].encode() * 50
    version = worker.model.register(archive, VersionRecord(recipe="rf"), author="trainer", key=key)
    return {"n": version.entry, "version": version.record.version, "sha256": digest(archive)}


def tag(worker: Worker, key: str, asked: Arguments) -> dict[str, Any]:
    entry = worker.model.tag("best", asked["version"], author="trainer", key=key)
    return {"n": entry.n, "version": f"v{asked['version']}"}


def retire(worker: Worker, key: str, asked: Arguments) -> dict[str, Any]:
    return {"n": worker.model.retire([asked["version"]], **WHY, key=key).n}


def score(worker: Worker, key: str, asked: Arguments) -> dict[str, Any]:
    head = worker.model.versions.head()
    night = (date(2020, 1, 1) + timedelta(days=0 if head is None else head.n)).isoformat()
    scored = ScoredNight(asked["scores"].encode(), night, night, 90)
    return {"n": worker.model.score(scored, fold=b"".join, author="night", key=key).n}


def promote(worker: Worker, key: str, asked: Arguments) -> dict[str, Any]:
    version = worker.model.version(asked["version"])
    body = {"sentence": f"promoted: {version}", **({"record": LARGE} if asked["large"] else {})}
    entry = worker.model.promote(version, expected=worker.judged_against(), author="gate", body=body, key=key)
    return {"n": entry.n, "version": str(version)}


def hold(worker: Worker, key: str, asked: Arguments) -> dict[str, Any]:
    entry = worker.model.hold(expected=worker.judged_against(), author="gate", body={"sentence": "held"}, key=key)
    return {"n": entry.n}


def roll_back(worker: Worker, key: str, asked: Arguments) -> dict[str, Any]:
    entry = worker.model.rollback(**WHY, key=key)
    return {"n": entry.n, "version": entry.body["version"]}


CALLS: Mapping[str, Callable[[Worker, str, Arguments], dict[str, Any]]] = {
    "registered": register,
    "tagged": tag,
    "retired": retire,
    "scored": score,
    "promoted": promote,
    "held": hold,
    "rolled_back": roll_back,
    "suspended": lambda worker, key, asked: {"n": worker.model.suspend(**WHY, key=key).n},
    "resumed": lambda worker, key, asked: {"n": worker.model.resume(**WHY, key=key).n},
}

# --- what a process does over and over ------------------------------------------------------------------------------

TRAINER = {"registered": 6, "tagged": 1, "scored": 2, "retired": 2}
GATE = {"promoted": 3, "held": 1}
PERSON = {"rolled_back": 2, "suspended": 1, "resumed": 1}


def collect(worker: Worker) -> None:
    removed = gc.collect(worker.model, dry_run=False).garbage
    worker.journal.write("collected", removed=[garbage.why for garbage in removed])


def fold(worker: Worker) -> None:
    worker.journal.write("folded", runs=len(worker.model.fold().segments))


TURNS: Mapping[str, Callable[[Worker], None]] = {
    **dict.fromkeys(("trainer-1", "trainer-2", "trainer-3"), lambda worker: worker.write(TRAINER)),
    **dict.fromkeys(("gate-1", "gate-2"), lambda worker: worker.write(GATE)),
    "person": lambda worker: worker.write(PERSON),
    "collector": collect,
    "folder": fold,
}
"""By name, the processes of a race, and what each does until it is over."""


def work(name: str, seed: str, url: str, grace: timedelta, journal: Path, over: Flag) -> None:
    """One life of the process ``name``, which ends when it is killed, or soon after the race is ``over``."""
    chance = random.Random(seed)
    store = UnreliableStore(connect(url), chance)
    # upkeep reads hundreds of objects, and would seldom come to an end over such a line
    registry = Registry(url if TURNS[name] in (collect, fold) else store, clock=HastyClock()).with_grace(grace)
    worker = Worker(registry.model(NAME), store, chance, Journal(journal))
    pending = worker.journal.without_answer()
    if pending is not None:
        worker.call(pending)
    while not over.value:
        try:
            TURNS[name](worker)
        except StoreUnavailable:
            continue  # it could not look what there is to do
        time.sleep(chance.random() * 0.02)  # what writers do between their writes
