"""Registering, and loading the champion, when a model has ten thousand versions instead of ten."""

from __future__ import annotations

from collections.abc import Iterator

import registry
from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.registry.ours import NAME, long_folder, register, trained, upload
from benchmarks.registry.servers import bucket
from benchmarks.timing import in_turns
from registry import Registry

TITLE = "Growth from 10 to 10,000 versions"
BOUND = 1.3


def measure(bench: Bench) -> Iterator[Figure]:
    """In a folder and in a bucket, the same work at both lengths in turns."""
    what = trained(bench)
    bench.say("writing 10 and 10,000 versions")
    folders = {size: long_folder(bench.scratch / f"growth-{size}", size, what) for size in (10, 10_000)}
    with bucket():
        buckets = {size: upload(folder, f"growth-{size}") for size, folder in folders.items()}
        for where, places in (("folder", folders), ("S3", buckets)):
            few, many = (str(place) for place in places.values())
            models = [Registry(place).model(NAME) for place in (few, many)]
            works = {
                "register and promote": tuple(lambda model=model: register(model, what) for model in models),
                "load the champion": tuple(lambda url=url: load(url) for url in (few, many)),
            }
            for name, (before, after) in works.items():
                bench.say(f"{name}, {where}")
                seconds = in_turns(after, before, times=max(bench.times, 15))
                line = f"{name} at 10,000 versions, {where}"
                yield Figure.ratio_of(line, "at 10", seconds[:, 0], seconds[:, 1], bound=BOUND)


def load(url: str) -> None:
    """The champion, by an object that has seen nothing, ready to predict."""
    registry.load(NAME, url=url).warm()
