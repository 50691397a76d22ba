"""A second reader of a registry, written from ``docs/protocol.md`` alone: it imports nothing of what it judges.

::

    python tests/registry/races/independent.py FOLDER [JOURNAL ...]      # or s3://bucket/prefix

It reads every object below the root and says what is not as the protocol has it: keys, the chain of each log, what each
log saw of the other, the id of the registry, numbers of versions, how each decision follows from the one before it, and
that whatever is named is there with its digest. What a race's processes wrote into their journals is compared: what was
acknowledged is there once, what was refused is not there, and nobody wrote what nobody asked for.

A journal has one JSON object a line, of one ``event`` of one operation. ``key`` is the idempotency key, ``moment`` the
seconds of a clock that all processes of the machine share:

- ``begun``: the operation is about to be called (again, by a process in the place of one that was killed);
- ``acknowledged``: it returned; ``kind``, ``n`` and, where there is one, ``version`` and ``sha256`` are what it said;
- ``refused``: it raised an error that means "nothing was written"; ``unknown``: one that means "perhaps".

A ``begun`` without an answer is the last word of a process that was killed.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

Values = Mapping[str, Any]

LOGS = ("versions", "decisions")
CROWNING = ("promoted", "returned", "rolled_back")
TOP = 9_999_999_999
LONGEST = 16 * 1024
KEYS_KEPT, FORMER_KEPT = 256, 10

CHANGED_BY: Mapping[str, Sequence[str]] = {
    "latest": ("registered",),
    "newest": ("registered",),
    "tags": ("tagged",),
    "retired": ("retired",),
    "watermark": ("scored", "repaired"),
    "champion": CROWNING,
    "former": CROWNING,
    "rolled_back": CROWNING,
    "frozen": ("frozen", "unfrozen"),
    "suspended": ("suspended", "resumed"),
    "policy": ("policy",),
}
"""By field of a state: the kinds of the entries that may change it."""

_NAME = r"[a-z0-9](?:[a-z0-9_-]|\.(?=[a-z0-9_-])){0,99}"
_ENTRY = re.compile(rf"models/({_NAME})/(versions|decisions)/([0-9]{{7}})/([0-9]{{10}})-([1-9][0-9]{{0,9}})\.json")
_OBJECT = re.compile(rf"models/({_NAME})/(artifacts|evidence)/([0-9a-f]{{64}})-[A-Za-z0-9_-]+")
_SEGMENT = re.compile(
    rf"models/({_NAME})/segments/(versions|decisions)/([0-9]{{10}})-([0-9]{{10}})-([0-9a-f]{{64}})\.jsonl"
)
_FORMAT = re.compile(r"format/([1-9][0-9]{0,5})\.json")
_ID = re.compile(r"[0-9a-f]{32}")
_MISSHAPEN = (KeyError, TypeError, ValueError, AttributeError, IndexError)


class Wrong(NamedTuple):
    """Something that is not as the protocol has it: the key of the object (or of the operation), and what."""

    key: str
    what: str


@dataclass(frozen=True)
class Written:
    """An entry as it is stored: its number, its key, the digest of its bytes and what stands in it."""

    n: int
    key: str
    sha256: str
    values: Values

    @property
    def kind(self) -> str:
        return str(self.values["kind"])


@dataclass
class ModelRead:
    """All that is stored of one model. ``logs``: by log and number, each entry that can be read."""

    name: str
    numbers: dict[str, set[int]] = field(default_factory=lambda: {log: set() for log in LOGS})
    logs: dict[str, dict[int, Written]] = field(default_factory=lambda: {log: {} for log in LOGS})

    def entries(self, *kinds: str) -> Iterator[Written]:
        """Those of the given kinds, in whichever log they stand, oldest first."""
        for log in LOGS:
            for _, entry in sorted(self.logs[log].items()):
                if entry.values.get("kind") in kinds:
                    yield entry


# --- what is there --------------------------------------------------------------------------------------------------


def read(url: str) -> dict[str, bytes]:
    """Every object below the root of a registry in a folder or a bucket, by key."""
    if not url.startswith("s3://"):
        root = Path(url)
        files = (path for path in root.rglob("*") if path.is_file())
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in files
            if path.relative_to(root).parts[0] != ".incoming"  # where a folder's writers prepare what they link
        }
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""
    client = boto3.client("s3", config=Config(s3={"addressing_style": "path"}, max_pool_connections=8))
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]

    def get(key: str) -> bytes:
        return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())

    with ThreadPoolExecutor(8) as threads:
        objects = dict(zip((key.removeprefix(prefix) for key in keys), threads.map(get, keys), strict=True))
    client.close()
    return objects


def read_journal(path: Path) -> list[Values]:
    """The lines of one process's journal, oldest first."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def entry_key(model: str, log: str, n: int) -> str:
    inverted = f"{TOP - n:010d}"
    return f"models/{model}/{log}/{inverted[:7]}/{inverted}-{n}.json"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- what is wrong --------------------------------------------------------------------------------------------------


def wrongs(objects: Mapping[str, bytes], journal: Iterable[Values] = ()) -> list[Wrong]:
    """Everything in a registry's ``objects`` that is not as the protocol has it, or not as the ``journal`` says."""
    found: list[Wrong] = []
    models = _models(objects, found)
    registry = _identity(objects, found)
    for model in models.values():
        for log in LOGS:
            found += _chain(model, log, registry)
        found += _sightings(model)
        found += _states(model)
        found += _versions(model)
        found += _decisions(model, registry)
        found += _named(model, objects)
        found += _segments(model, objects)
        found += _work(model)
    lines = list(journal)
    if lines:
        found += _journal(list(models.values()), lines)
    return found


def _models(objects: Mapping[str, bytes], found: list[Wrong]) -> dict[str, ModelRead]:
    """What is stored, model by model; every key that fits no pattern and every entry that cannot be read is found."""
    models: dict[str, ModelRead] = {}
    for key, data in objects.items():
        match = _ENTRY.fullmatch(key)
        if match is not None and key == entry_key(match[1], match[2], int(match[5])):
            name, log, n = match[1], match[2], int(match[5])
            model = models.setdefault(name, ModelRead(name))
            model.numbers[log].add(n)
            try:
                model.logs[log][n] = Written(n, key, digest(data), _entry(data, name, log, n))
            except _MISSHAPEN as error:
                found.append(Wrong(key, f"is no entry: {error}"))
        elif not any(pattern.fullmatch(key) for pattern in (_OBJECT, _SEGMENT, _FORMAT)) and key != "format.json":
            found.append(Wrong(key, "is no key of the protocol"))
    return models


def _entry(data: bytes, model: str, log: str, n: int) -> Values:
    values = json.loads(data)
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if f"{text}\n".encode() != data or len(data) > LONGEST:
        raise ValueError("another spelling of these values, or too long")
    if (values["model"], values["log"], values["n"]) != (model, log, n):
        raise ValueError(f"it is entry {values['n']} of {values['model']}/{values['log']}")
    if not isinstance(values["body"], dict) or not isinstance(values["state"], dict):
        raise ValueError("its body or its state is no object")
    return dict(values)


def _identity(objects: Mapping[str, bytes], found: list[Wrong]) -> str | None:
    """The id of the registry: the highest format says it, and each lower one that has an id says the same."""
    numbers = {int(match[1]): key for key in objects if (match := _FORMAT.fullmatch(key)) is not None}
    if not numbers:
        if "format.json" not in objects:  # a registry of format 1 has this one and no id
            found.append(Wrong("format/2.json", "is missing"))
        return None
    ids = {}
    for number, key in numbers.items():
        try:
            values = json.loads(objects[key])
            if values["format"] != number or values["oldest_reader"] > number:
                raise ValueError("it is of another format than its key says")
            if _ID.fullmatch(values["registry"]) is None:
                raise ValueError("no id")
            ids[number] = str(values["registry"])
        except _MISSHAPEN as error:
            found.append(Wrong(key, f"is no identity: {error}"))
    if len(set(ids.values())) > 1:
        found.append(Wrong(numbers[max(numbers)], f"is of another registry than a lower format: {ids}"))
    return ids.get(max(numbers))


def _chain(model: ModelRead, log: str, registry: str | None) -> Iterator[Wrong]:
    """Gaps, forks, time that goes back, entries of other registries and of formats that fall."""
    entries = model.logs[log]
    for n in range(1, max(model.numbers[log], default=0) + 1):
        if n not in model.numbers[log]:
            yield Wrong(entry_key(model.name, log, n), "is missing from the log")
            continue
        entry, before = entries.get(n), entries.get(n - 1)
        if entry is None or (before is None and n > 1):
            continue  # found already
        values = entry.values
        if values["previous"] != (None if before is None else before.sha256):
            yield Wrong(entry.key, "was not written after the entry before it")
        if before is not None and values["time"] < before.values["time"] and entry.kind != "repaired":
            yield Wrong(entry.key, "is older than the entry before it")
        if before is not None and values["format"] < before.values["format"]:
            yield Wrong(entry.key, "is of an older format than the entry before it")
        if values["format"] > 1 and values.get("registry") != registry:
            yield Wrong(entry.key, f"is of registry {values.get('registry')}, and this is {registry}")


def _sightings(model: ModelRead) -> Iterator[Wrong]:
    """Each entry tells of the newest entry of the other log that was seen: it is there, and its number never falls."""
    for log, other in (LOGS, LOGS[::-1]):
        last: Values = {"n": 0}
        for _, entry in sorted(model.logs[log].items()):
            seen = entry.values.get("seen")
            if seen is None:
                if last["n"]:
                    yield Wrong(entry.key, "forgets what the entries before it saw of the other log")
                continue
            if seen["n"] < last["n"] or (seen["n"] == last["n"] and seen != last):
                yield Wrong(entry.key, f"saw entry {seen['n']} of the other log, after {last['n']} was seen")
            last = seen
            key, told = entry_key(model.name, other, seen["n"]), model.logs[other].get(seen["n"])
            if seen["n"] not in model.numbers[other]:
                yield Wrong(key, f"is gone, and {entry.key} saw it")
            elif told is not None and told.sha256 != seen["sha256"]:
                yield Wrong(key, f"is another than {entry.key} saw")


def _states(model: ModelRead) -> Iterator[Wrong]:
    """Each field of a state is changed by what may change it; the keys remembered are those of the last entries."""
    for log in LOGS:
        for n, entry in sorted(model.logs[log].items()):
            if n > 1 and n - 1 not in model.logs[log]:
                continue
            before = model.logs[log][n - 1].values["state"] if n > 1 else {}
            after = entry.values["state"]
            for name, kinds in CHANGED_BY.items():
                if entry.kind not in kinds and before.get(name) != after.get(name):
                    yield Wrong(entry.key, f"changes {name}, being '{entry.kind}'")
            if "streams" not in entry.values["body"] and before.get("streams") != after.get("streams"):
                yield Wrong(entry.key, "changes the streams, and says of none")
            if "key" in entry.values:
                remembered = [*before.get("keys", ()), f"{entry.values['key'][:12]}:{n}"][-KEYS_KEPT:]
                if after.get("keys") != remembered:
                    yield Wrong(entry.key, "does not remember the idempotency keys up to it")


def _versions(model: ModelRead) -> Iterator[Wrong]:
    """Versions are numbered without a gap, and each has an artifact of its own under a key with its digest."""
    owners: dict[str, str] = {}
    retired: set[int] = set()
    count = 0
    for _, entry in sorted(model.logs["versions"].items()):
        try:
            body, state = entry.values["body"], entry.values["state"]
            if entry.kind == "registered":
                record, count = body["version"], count + 1
                if record["version"] != f"v{count}":
                    yield Wrong(entry.key, f"registers {record['version']}, and v{count} is the next")
                if state["latest"] != {"version": record["version"], "entry": entry.n}:
                    yield Wrong(entry.key, f"says that the latest is {state['latest']}")
                artifact = record.get("artifact")
                match = None if artifact is None else _OBJECT.fullmatch(artifact)
                if artifact is not None and (match is None or match.group(2, 3) != ("artifacts", record["sha256"])):
                    yield Wrong(entry.key, f"names {artifact} as its artifact")
                if artifact is not None and owners.setdefault(artifact, record["version"]) != record["version"]:
                    yield Wrong(entry.key, f"names the artifact of {owners[artifact]}")
            elif entry.kind == "retired":
                retired |= {int(name[1:]) for name in body["versions"]}
                if _numbers(state["retired"]) != retired:
                    yield Wrong(entry.key, f"says that {state['retired']} are retired")
        except _MISSHAPEN as error:
            yield _misshapen(entry, error)


def _numbers(runs: str) -> set[int]:
    pairs = (run.split("-") for run in runs.split(",") if run)
    return {number for first, last in pairs for number in range(int(first), int(last) + 1)}


def _decisions(model: ModelRead, registry: str | None) -> Iterator[Wrong]:
    """Each decision follows from the one before it: it was judged against the champion that there was."""
    entries = model.logs["decisions"]
    for n, entry in sorted(entries.items()):
        if n > 1 and n - 1 not in entries:
            continue
        try:
            before = entries[n - 1].values["state"] if n > 1 else {}
            yield from _decision(entry, before, model)
            champion = entry.values["state"].get("champion")
            if entry.kind in CROWNING and entry.values["format"] > 1 and champion["registry"] != registry:
                yield Wrong(entry.key, "makes a champion of another registry")
        except _MISSHAPEN as error:
            yield _misshapen(entry, error)


def _decision(entry: Written, before: Values, model: ModelRead) -> Iterator[Wrong]:
    body, state, kind = entry.values["body"], entry.values["state"], entry.kind
    present, champion = before.get("champion"), state.get("champion")
    if kind in ("promoted", "returned", "held"):
        identity = None if present is None else [present["version"], present["decision"]]
        if body["against"] != identity:
            yield Wrong(entry.key, f"was judged against {body['against']}, and the champion was {identity}")
    if kind == "rolled_back" and (present is None or body["from"] != present["version"]):
        yield Wrong(entry.key, f"rolls back from {body['from']}, which was no champion")
    if kind in ("promoted", "returned") and _is_frozen(before, entry.values["time"]):
        yield Wrong(entry.key, "promotes while the champion is frozen")
    if (kind == "suspended" and state["suspended"] is None) or (kind == "resumed" and state["suspended"] is not None):
        yield Wrong(entry.key, f"is '{kind}', and its state says otherwise")
    if kind == "resumed" and before.get("suspended") is None:
        yield Wrong(entry.key, "resumes what was not suspended")
    if kind not in CROWNING:
        return
    if (champion["version"], champion["decision"]) != (body["version"], entry.n):
        yield Wrong(entry.key, f"makes {body['version']} champion, and its state says {champion['version']}")
    registered = model.logs["versions"].get(champion["entry"])
    record = {} if registered is None else registered.values["body"].get("version", {})
    for name in ("version", "artifact", "sha256", "size", "cut", "recipe"):
        if record.get(name) != champion.get(name):
            yield Wrong(entry.key, f"makes a champion with another {name} than was registered")
    last = [] if present is None else [present["version"]]
    gone = {champion["version"], *last}
    former = [*(each["version"] for each in before.get("former", ()) if each["version"] not in gone), *last]
    if [each["version"] for each in state["former"]] != former[-FORMER_KEPT:]:
        yield Wrong(entry.key, "does not say which were the last champions")


def _is_frozen(state: Values, time: str) -> bool:
    freeze = state.get("frozen")
    return freeze is not None and (freeze["until"] is None or time < freeze["until"])


def _named(model: ModelRead, objects: Mapping[str, bytes]) -> Iterator[Wrong]:
    """Whatever an entry names is there with its digest; but artifacts of versions that were retired may be gone, unless
    they are of the champion or of one of the last ten champions."""
    newest = max(model.logs["decisions"].items(), default=(0, None))[1]
    kept: set[str] = set()
    retired = {name for entry in model.entries("retired") for name in entry.values["body"].get("versions", ())}
    if newest is not None:
        state = newest.values["state"]
        crowned = [*state.get("former", ()), *([state["champion"]] if state.get("champion") else [])]
        kept = {each["version"] for each in crowned if isinstance(each, dict)}
    for entry in model.entries("registered"):
        record = entry.values["body"].get("version", {})
        key = record.get("artifact")
        if key is not None and (key in objects or record["version"] not in retired - kept):
            yield from _holds(objects, key, record["sha256"], f"the artifact of {record['version']}")
    for log in LOGS:
        for entry in model.logs[log].values():
            try:
                for key, sha256 in _evidence(model.name, entry):
                    yield from _holds(objects, key, sha256, f"evidence that {entry.key} names")
            except _MISSHAPEN as error:
                yield _misshapen(entry, error)


def _evidence(model: str, entry: Written) -> Iterator[tuple[str, str]]:
    """Key and digest of every file that an entry names beside its artifact."""
    body = entry.values["body"]
    if entry.kind == "scored":
        manifest = body["manifest"]
        for name in (*manifest["backfill"], *manifest["months"].values(), *manifest["nights"].values()):
            yield f"models/{model}/{name}", name.removeprefix("evidence/")[:64]
    version = body.get("version")
    for moved in (body.get("record"), version.get("moved") if isinstance(version, dict) else None):
        if isinstance(moved, dict) and "key" in moved:
            yield moved["key"], moved["sha256"]


def _holds(objects: Mapping[str, bytes], key: str, sha256: str, what: str) -> Iterator[Wrong]:
    if key not in objects:
        yield Wrong(key, f"is missing: {what}")
    elif digest(objects[key]) != sha256:
        yield Wrong(key, f"has another digest: {what}")


def _segments(model: ModelRead, objects: Mapping[str, bytes]) -> Iterator[Wrong]:
    """A segment is the bytes of its entries, one after the other."""
    for key, data in objects.items():
        match = _SEGMENT.fullmatch(key)
        if match is None or match[1] != model.name:
            continue
        first, last = int(match[3]), int(match[4])
        held = [objects.get(entry_key(model.name, match[2], n), b"") for n in range(first, last + 1)]
        if last % (last - first + 1) or digest(data) != match[5] or data != b"".join(held):
            yield Wrong(key, "is not the entries that it says")


def _work(model: ModelRead) -> Iterator[Wrong]:
    for log in LOGS:
        done: Counter[str] = Counter()
        for _, entry in sorted(model.logs[log].items()):
            key = entry.values.get("key")
            if key is not None:
                done[key] += 1
                if done[key] == 2:
                    yield Wrong(entry.key, f"does the work of key {key} again")


def _misshapen(entry: Written, error: Exception) -> Wrong:
    return Wrong(entry.key, f"is not of the form of a '{entry.values.get('kind')}' entry: {error!r}")


# --- what the processes were told -----------------------------------------------------------------------------------


def _journal(models: Sequence[ModelRead], lines: Sequence[Values]) -> Iterator[Wrong]:
    """What was acknowledged is there once, what was refused is not, and nothing is there that nobody asked for."""
    there: dict[str, list[Written]] = defaultdict(list)
    for model in models:
        for log in LOGS:
            for entry in model.logs[log].values():
                there[entry.values.get("key", entry.key)].append(entry)
    told: dict[str, list[Values]] = defaultdict(list)
    for line in lines:
        if "key" in line:
            told[line["key"]].append(line)
    for key, events in told.items():
        yield from _told(key, events, there.get(key, []))
    for key, entries in there.items():
        if key not in told:
            yield Wrong(entries[0].key, "was asked for by nobody")
    for model in models:
        for log in LOGS:
            yield from _order([entry for _, entry in sorted(model.logs[log].items())], told)


def _told(key: str, events: Sequence[Values], entries: Sequence[Written]) -> Iterator[Wrong]:
    answers = [line for line in events if line["event"] == "acknowledged"]
    if len(entries) > 1:
        yield Wrong(key, f"is there {len(entries)} times")
    elif answers and not entries:
        yield Wrong(key, f"was acknowledged and is not there: {answers[0]}")
    elif entries and _surely_refused(events):
        yield Wrong(key, "was refused and is there")
    for answer in answers if entries else ():
        entry = entries[0]
        version = entry.values["body"].get("version")
        record = version if isinstance(version, dict) else {"version": version}
        is_there = {"kind": entry.kind, "n": entry.n, "version": record.get("version"), "sha256": record.get("sha256")}
        wrong = {name: answer[name] for name, value in is_there.items() if name in answer and answer[name] != value}
        if wrong:
            yield Wrong(key, f"was acknowledged as {wrong}, and {entry.key} is there")


def _surely_refused(events: Sequence[Values]) -> bool:
    """Whether every call was refused. After one without an answer (its process was killed, or it was told "unknown")
    the entry may have landed whatever a later call was told."""
    counted = Counter(line["event"] for line in events)
    return counted["refused"] == counted["begun"] == len(events) / 2


def _order(entries: Sequence[Written], told: Mapping[str, Sequence[Values]]) -> Iterator[Wrong]:
    """No entry stands before one that was acknowledged before its own operation began."""
    latest = 0.0
    for entry in entries:
        events = told.get(entry.values.get("key", ""), ())
        answered = [line["moment"] for line in events if line["event"] == "acknowledged"]
        if answered and min(answered) < latest:
            yield Wrong(entry.key, "stands after an entry whose operation began when this one was acknowledged")
        latest = max(latest, min((line["moment"] for line in events if line["event"] == "begun"), default=0.0))


if __name__ == "__main__":
    found = wrongs(read(sys.argv[1]), [line for path in sys.argv[2:] for line in read_journal(Path(path))])
    for wrong in found:
        sys.stdout.write(f"{wrong.key} {wrong.what}\n")
    sys.exit(bool(found))
