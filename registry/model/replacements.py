"""Archives that take the place of others: in a repacked copy, an entry names the digest of the old and of the new.

The entry that registered a version, and the signature on it, stay what they are: they name the archive as it was. Where
that is not there, a ``repacked`` entry of the decisions log says which archive holds the same model, so it is believed
as far as a promotion is: where keys are trusted, only from an entry that one of a promoter's signed. Who may only
register cannot write one. Each such entry names the one before it, the state names the newest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from registry.errors import Corrupt
from registry.format import keys
from registry.format.entries import Entry
from registry.log.log import Log
from registry.log.parallel import in_order

KIND = "repacked"


@dataclass(frozen=True)
class Replacement:
    """Of one version: the SHA-256 of the archive that its registration names, the key and the digest of the one that
    takes its place, and the entry that says so."""

    version: str
    old_sha256: str
    key: str
    sha256: str
    entry: Entry


def in_entry(entry: Entry) -> Iterator[Replacement]:
    """What a ``repacked`` entry replaces; nothing for an entry of another kind, or of the log of versions, where
    whoever may only register could write one."""
    if entry.kind != KIND or entry.log != "decisions":
        return
    prefix = keys.model_prefix(entry.model)
    for version, said in entry.body["replaced"].items():
        name = str(said["artifact"])
        sha256 = name.removeprefix("artifacts/").partition("-")[0]
        yield Replacement(version, said["sha256"], prefix + name, sha256, entry)


def replacements(log: Log) -> dict[str, Replacement]:
    """By version, what took the place of its archive; of two, the later. ``log``: the decisions of one model.

    One request where nothing was replaced. Raises :class:`Corrupt` where the chain of these entries is broken.
    """
    head = log.head()
    newest = 0 if head is None else int(head.state.get(KIND, 0))
    found: dict[str, Replacement] = {}
    while newest:
        entries = _run(log, newest)
        for entry in entries:
            for each in in_entry(entry):
                found.setdefault(each.version, each)
        newest = int(entries[-1].body["before"])
    return found


def _run(log: Log, newest: int) -> list[Entry]:
    """The entries of this kind from ``newest`` back that stand one next to the other: a repacking writes many, which
    are read some at once."""
    run: list[Entry] = []
    for entry in in_order(log.read, range(newest, 0, -1)):
        if entry.kind != KIND or (run and run[-1].body["before"] != entry.n):
            break
        run.append(entry)
    if not run:
        raise Corrupt(f"entry {newest} of {log.prefix} should say which archives were repacked; run `registry verify`")
    if not 0 <= run[-1].body["before"] < run[-1].n:
        raise Corrupt(f"entry {run[-1].n} of {log.prefix} names no entry before it; run `registry verify`")
    return run
