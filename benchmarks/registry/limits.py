"""The registry beside what nobody can do without: the same bytes in a file, the same requests to the bucket."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import urllib3.connectionpool

import registry
from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.registry.history import read
from benchmarks.registry.ours import NAME, Trained, long_folder, register, trained, upload
from benchmarks.registry.servers import BUCKET, bucket, client
from benchmarks.timing import Work, in_turns
from registry import Registry
from registry.archive.archive import pack

TITLE = "The registry beside its limits: a bare file, bare requests"

READING_BOUND = 1.2
FILE_BOUND = 2.0
VERSIONS = 1_000


def measure(bench: Bench) -> Iterator[Figure]:
    """In a folder beside a file that is written and fsynced, in a bucket beside the same requests by boto3."""
    what = trained(bench)
    bench.say("in a folder")
    yield from _in_a_folder(bench, what)
    with bucket():
        bench.say("in a bucket")
        yield from _in_a_bucket(bench, what)


def _in_a_folder(bench: Bench, what: Trained) -> Iterator[Figure]:
    data, place = pack(what.estimator, what.signature), bench.folder("registry")
    model, bare = Registry(place).model(NAME), bench.folder("bare")
    register(model, what)
    two = _added(place, lambda: model.register(data, what.record, author="bench"))
    three = _added(place, lambda: register(model, what))
    names = (str(number) for number in itertools.count())

    def registered() -> None:
        model.register(data, what.record, author="bench")

    def promoted() -> None:
        register(model, what)

    one = b"".join(two)
    works = (
        registered,
        lambda: _write(bare / next(names), one),
        lambda: _write_to_stay(bare, names, two),
        promoted,
        lambda: _write_to_stay(bare, names, three),
    )
    seconds = in_turns(*works, times=max(bench.times, 15))
    name, safe = "register a packed rf_shallow, folder", "its {} files one after the other, each and its name fsynced"
    yield Figure.ratio_of(
        name, f"one fsynced file of its {len(one):,} bytes", seconds[:, 0], seconds[:, 1], bound=FILE_BOUND
    )
    yield Figure.ratio_of(name, safe.format(len(two)), seconds[:, 0], seconds[:, 2], bound=None)
    name = "pack, register and promote, folder"
    yield Figure.ratio_of(name, safe.format(len(three)), seconds[:, 3], seconds[:, 4], bound=None)


def _added(place: Path, work: Callable[[], object]) -> list[bytes]:
    """The files that ``work`` adds."""
    before = set(place.rglob("*"))
    work()
    return [path.read_bytes() for path in set(place.rglob("*")) - before if path.is_file()]


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _write_to_stay(folder: Path, names: Iterator[str], files: list[bytes]) -> None:
    """What a crash of the machine must leave: the files in their order, and the names under which they are found."""
    for data in files:
        _write(folder / next(names), data)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _in_a_bucket(bench: Bench, what: Trained) -> Iterator[Figure]:
    url = upload(long_folder(bench.scratch / "long", VERSIONS, what), "limits")
    model, follower = Registry(url).model(NAME), Registry(url).model(NAME)
    follower.champion()
    warm = bench.folder("cache")
    read(url, VERSIONS, warm)
    works: dict[str, tuple[Work, float | None]] = {
        "load the champion, S3": (lambda: registry.load(NAME, url=url).warm(), READING_BOUND),
        "look whether the champion is still the same, S3": (lambda: _look(follower), READING_BOUND),
        f"history of {VERSIONS:,} versions, S3 warm": (lambda: read(url, VERSIONS, warm), READING_BOUND),
        "pack, register and promote, S3": (lambda: register(model, what), None),
    }
    bare = client()
    for name, (work, bound) in works.items():
        work()  # an object that writes probes the store first
        with recorded() as requests:
            work()
        fresh = (str(number) for number in itertools.count())
        seconds = in_turns(
            work, lambda asked=requests, names=fresh: ask(bare, asked, names), times=max(bench.times, 15)
        )
        kinds = "; ".join(f"{sum(1 for each in requests if each.kind == kind)} {kind}" for kind in _kinds(requests))
        yield Figure.ratio_of(name, f"the same requests by boto3: {kinds}", seconds[:, 0], seconds[:, 1], bound=bound)


def _look(follower: Any) -> None:
    follower.champion()


@dataclass(frozen=True)
class Request:
    """One request as it went over the wire: ``kind`` is LIST, GET or PUT."""

    kind: str
    key: str
    query: dict[str, str]
    body: bytes


def _kinds(requests: list[Request]) -> list[str]:
    return sorted({each.kind for each in requests})


@contextmanager
def recorded() -> Iterator[list[Request]]:
    """The requests to the bucket that this process makes meanwhile."""
    requests: list[Request] = []
    original = urllib3.connectionpool.HTTPConnectionPool._make_request

    def recording(pool: Any, connection: Any, method: str, url: str, **named: Any) -> Any:
        parts, body = urlsplit(url), named.get("body")
        key = parts.path.removeprefix(f"/{BUCKET}").lstrip("/")
        kind = "LIST" if method == "GET" and not key else method
        content = body if isinstance(body, bytes) else b"" if body is None else _content(body)
        requests.append(Request(kind, key, dict(parse_qsl(parts.query)), content))
        return original(pool, connection, method, url, **named)

    urllib3.connectionpool.HTTPConnectionPool._make_request = recording
    try:
        yield requests
    finally:
        urllib3.connectionpool.HTTPConnectionPool._make_request = original


def _content(body: Any) -> bytes:
    data: bytes = body.read()
    body.seek(0)
    return data


def ask(s3: Any, requests: list[Request], names: Iterator[str]) -> None:
    """The same requests one after the other, answers read and not looked at. Objects get names that are new."""
    for each in requests:
        if each.kind == "LIST":
            limit = each.query.get("max-keys")
            asked = {"Prefix": each.query.get("prefix", ""), **({} if limit is None else {"MaxKeys": int(limit)})}
            s3.list_objects_v2(Bucket=BUCKET, **asked)
        elif each.kind == "GET":
            s3.get_object(Bucket=BUCKET, Key=each.key)["Body"].read()
        else:
            s3.put_object(Bucket=BUCKET, Key=f"bare/{next(names)}", Body=each.body, IfNoneMatch="*")
