"""What a registry takes when a model has ten versions, and a hundred thousand: four centuries of nights."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import registry
from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.registry.history import read
from benchmarks.registry.ours import NAME, Trained, long_folder, register, trained, upload
from benchmarks.registry.servers import bucket, requests_counted
from benchmarks.timing import Work, in_turns
from registry import Registry

TITLE = "Growth from 10 to 100,000 versions"
BOUND = 1.3
WARM_BOUND = 150.0
"""Milliseconds for ten thousand versions that were read before."""

SIZES = (10, 1_000, 10_000, 100_000)
_SHOWN = 5


def measure(bench: Bench) -> Iterator[Figure]:
    """In a folder and in a bucket: the history, which grows, and what must not, all lengths in turns."""
    what = trained(bench)
    folders: dict[int, Path] = {}
    for size in SIZES:
        bench.say(f"writing {size:,} versions")
        folders[size] = long_folder(bench.scratch / f"growth-{size}", size, what)
    with bucket():
        bench.say("copying them to a bucket")
        buckets = {size: upload(folder, f"growth-{size}") for size, folder in folders.items()}
        for where, places in (("folder", {size: str(folder) for size, folder in folders.items()}), ("S3", buckets)):
            for size, url in places.items():
                bench.say(f"history of {size:,} versions, {where}")
                yield from _history(bench, where, size, url)
            for name, made in STEADY.items():
                bench.say(f"{name}, {where}")
                yield from _steady(bench, f"{name}, {where}", [made(url, what) for url in places.values()])


def _steady(bench: Bench, name: str, works: list[Work]) -> Iterator[Figure]:
    asked = []
    for work in works:
        work()  # an object that writes probes the store first
        with requests_counted() as counted:
            work()
        asked.append(counted[0])
    seconds = in_turns(*works, times=max(bench.times, 9))
    for place, size in enumerate(SIZES[1:], 1):
        requests = f": {asked[place]} requests" if asked[place] else ""
        against = f"at {SIZES[0]}{f': {asked[0]} requests' if asked[0] else ''}"
        bound = BOUND if size == SIZES[-1] else None
        yield Figure.ratio_of(f"{name}, at {size:,}{requests}", against, seconds[:, place], seconds[:, 0], bound=bound)


def _history(bench: Bench, where: str, size: int, url: str) -> Iterator[Figure]:
    """Read for the first time and again, from the cache that the first time left; a long one once."""
    numbers, times = itertools.count(), 1 if size == SIZES[-1] else 3
    caches = [bench.folder(f"{where}-{size}-{number}") for number in range(times)]
    works: dict[str, Work] = {
        "cold": lambda: read(url, size, caches[next(numbers)]),
        "warm": lambda: read(url, size, caches[0]),
    }
    for kind, work in works.items():
        with requests_counted() as counted:
            seconds = in_turns(work, times=times, warm=0)
        requests = f": {counted[0] // times} requests" if counted[0] else ""
        bound = WARM_BOUND if (size, where, kind) == (10_000, "S3", "warm") else None
        name = f"history of {size:,} versions, {where} {kind}{requests}"
        yield Figure.value_of(name, seconds * 1e3, unit="ms", bound=bound)


def _registering(url: str, what: Trained) -> Work:
    model = Registry(url).model(NAME)
    return lambda: register(model, what)


def _loading(url: str, what: Trained) -> Work:
    return lambda: registry.load(NAME, url=url).warm()


def _looking(url: str, what: Trained) -> Work:
    follower = Registry(url).model(NAME)

    def look() -> None:
        follower.champion()

    return look


def _log(url: str, what: Trained) -> Work:
    def newest() -> None:
        assert len(list(itertools.islice(Registry(url).model(NAME).log(), _SHOWN))) > 1

    return newest


STEADY: dict[str, Callable[[str, Trained], Work]] = {
    "load the champion": _loading,
    "look whether the champion is still the same": _looking,
    f"the {_SHOWN} newest entries": _log,
    "register and promote": _registering,
}
"""What must take as long at any length."""
