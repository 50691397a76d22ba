"""What the tests of the registry's protocol share: a clock that is set by hand, ids that are counted, one model."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from registry import Model, Night, Registry, Version, VersionRecord
from registry.store import Store
from tests.servers.stores import MemoryStore

NAME = "gbpusd"
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)


class HandClock:
    """Stands still but for :meth:`sleep` and :meth:`pass_time`."""

    def __init__(self, now: datetime = NOON) -> None:
        self.time = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - NOON).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def pass_time(self, **span: float) -> None:
        self.time += timedelta(**span)


def counted_ids(who: int = 1) -> Callable[[], str]:
    """Ids that no other ``who`` gives, the same in every run."""
    numbers = itertools.count(1)
    return lambda: f"{who:04x}{next(numbers):08x}".ljust(32, "0")


def a_model(
    store: Store | None = None, *, name: str = NAME, who: int = 1, clock: HandClock | None = None, **options: Any
) -> Model:
    """A model on ``store`` as the process ``who`` sees it, with nothing remembered."""
    place = MemoryStore() if store is None else store
    grace = options.pop("grace", None)
    registry = Registry(place, clock=clock or HandClock(), new_id=counted_ids(who), **options)
    return (registry if grace is None else registry.with_grace(grace)).model(name)


def register(model: Model, label: str = "a", *, key: str | None = None, as_of: datetime | None = None) -> Version:
    """One more version, its archive some bytes made of ``label``."""
    record = VersionRecord(recipe="rf", metrics={"accuracy": 0.51}, parameters={"depth": 3})
    return model.register(f"archive {label}".encode(), record, author="trainer", key=key, as_of=as_of)


def night(day: int) -> Night:
    """The night of a day of May 2024."""
    return Night(f"2024-05-{day:02d}", datetime(2024, 5, day, 21, tzinfo=UTC))


def promote(model: Model, version: Version, *, key: str | None = None, day: int | None = None, **options: Any) -> Any:
    """``version`` made champion by the gate, judged against the champion there is now."""
    expected = options.pop("expected", "now")
    returned, forced = options.pop("returned", False), options.pop("forced", False)
    decide = model.reinstate if returned else model.overrule if forced else model.promote
    return decide(
        version,
        expected=model.champion() if expected == "now" else expected,
        author="gate",
        body=options.pop("body", {"sentence": f"promoted: {version}"}),
        night=None if day is None else night(day),
        key=key,
        **options,
    )


def crowned(*labels: str, store: Store | None = None, **options: Any) -> Model:
    """A model whose champions were, in this order, the versions made of ``labels``."""
    model = a_model(store, **options)
    for label in labels:
        promote(model, register(model, label))
    return model
