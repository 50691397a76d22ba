"""What must be true of the stored bytes of one model, whatever happened: looked at directly, not through readers."""

from __future__ import annotations

from collections.abc import Mapping

from registry.format import keys
from registry.format.entries import Entry, digest, parse
from tests.registry.actors import NAME

Objects = Mapping[str, bytes]
CROWNING = ("promoted", "returned", "rolled_back")


def audit(objects: Objects, name: str = NAME, *, cut: bool = False) -> dict[str, list[Entry]]:
    """Both logs, oldest first; fails where they have a gap, a fork, two champions or a missing artifact.

    ``cut``: one log may lack what the other saw, as in a copy that was cut off.
    """
    logs = {log: log_entries(objects, log, name) for log in keys.LOGS}
    for entries in logs.values():
        for before, entry in zip([None, *entries], entries, strict=False):
            assert entry.previous == (None if before is None else before.digest), f"fork at {entry.log} {entry.n}"
            assert before is None or entry.time >= before.time, f"time goes back at {entry.log} {entry.n}"
        done = [entry.key for entry in entries]
        assert len(set(done)) == len(done), "some work was done twice"
    for log, other in () if cut else (keys.LOGS, keys.LOGS[::-1]):
        _audit_sightings(logs[log], logs[other])
    _audit_versions(logs["versions"], objects)
    _audit_decisions(logs["decisions"], logs["versions"], objects)
    return logs


def log_entries(objects: Objects, log: str, name: str = NAME) -> list[Entry]:
    found = {keys.entry_number(name, log, key): data for key, data in objects.items()}
    found.pop(None, None)
    assert sorted(found) == [*range(1, len(found) + 1)], f"gap in {log}: {sorted(found)}"
    return [parse(found[n], where=f"{log} {n}") for n in sorted(found)]


def done_by(logs: Mapping[str, list[Entry]], key: str) -> list[Entry]:
    """The entries that did the work named by an idempotency key: at most one."""
    return [entry for entries in logs.values() for entry in entries if entry.key == key]


def _audit_sightings(entries: list[Entry], other: list[Entry]) -> None:
    newest = 0
    for entry in entries:
        if entry.seen is not None:
            n = entry.seen["n"]
            assert n >= newest, f"{entry.log} {entry.n} saw less than the entry before it"
            assert n <= len(other) and other[n - 1].digest == entry.seen["sha256"], (
                f"{entry.log} {entry.n} saw what is not"
            )
            newest = n


def _audit_versions(entries: list[Entry], objects: Objects) -> None:
    registered = [entry.body["version"] for entry in entries if entry.kind == "registered"]
    assert [record["version"] for record in registered] == [f"v{n}" for n in range(1, len(registered) + 1)]
    retired = {name for entry in entries if entry.kind == "retired" for name in entry.body["versions"]}
    for record in registered:
        if record["version"] not in retired:
            assert digest(objects[record["artifact"]]) == record["sha256"], f"artifact of {record['version']}"


def _audit_decisions(entries: list[Entry], versions: list[Entry], objects: Objects) -> None:
    champion = None
    for entry in entries:
        if "against" in entry.body:
            present = None if champion is None else [champion["version"], champion["decision"]]
            assert entry.body["against"] == present, f"decision {entry.n} was stale and yet applied"
        if entry.kind in CROWNING:
            assert entry.state["champion"]["decision"] == entry.n
            assert entry.state["champion"]["version"] == entry.body["version"]
        else:
            assert entry.state.get("champion") == champion, f"decision {entry.n} changed the champion"
        champion = entry.state.get("champion")
    if champion is not None:
        assert digest(objects[champion["artifact"]]) == champion["sha256"], "the champion's artifact is gone"
        named = versions[champion["entry"] - 1].body["version"]
        assert (named["version"], named["artifact"]) == (champion["version"], champion["artifact"])
