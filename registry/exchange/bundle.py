"""Bundling a decision with everything it rests on into one file, checked without this package and without a store.

    data = bundle(model, 12)                         # entry 12 of the decisions log
    python examples/check_bundle.py decision-12.zip  # standard library and numpy; offline

The file is a zip archive, the same bytes for the same decision::

    bundle.json           what is asked to be checked: model, decision, entries, evidence, the record's digest
    decisions/<n>.json    the decision and every entry before it, down to the first: each names the digest of the last
    versions/<n>.json     the entry that registered the version, and, where the evidence was named in this log (in
                          registries of format 1), all from there to the entry that named it
    record.json           the decision's record, where it is too large to stand in the entry
    version.json          the fields of the version's record that are too large to stand in its entry
    evidence/<sha256>     the files that the scored entry names

Its last 64 bytes are the SHA-256 of all bytes before them, so that a changed bit is seen wherever it is. Who changes a
bundle on purpose can make that digest anew, but not the chain: compare the decision's digest with one known from
elsewhere, or check the signatures with public keys known from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.archive.canonical_zip import canonical_zip
from registry.errors import Corrupt, InvalidRequest
from registry.format.entries import Entry, canonical, digest
from registry.log.log import Log
from registry.log.parallel import Progress, quiet
from registry.model.evidence import Manifest, manifest_of, watermark
from registry.model.roles import Model
from registry.model.transitions import champion_of

FORMAT = 2
"""Since 2 it says in which log the evidence is named, as decisions do: ``scored`` in theirs, ``entry`` in that of
versions."""

_DIGEST_LENGTH = 64


def bundle(model: Model, decision: int, *, progress: Progress = quiet) -> bytes:
    """The bundle of entry ``decision`` of the model's decisions log.

    Raises :class:`InvalidRequest` where there is no such entry, :class:`Corrupt` where the logs or the evidence are
    damaged: a bundle of those would be refused anyway.
    """
    newest = model.decisions.head()
    if newest is None or not 1 <= decision <= newest.n:
        numbers = "it has none" if newest is None else f"it has 1 to {newest.n}"
        raise InvalidRequest(f"{model.name} has no decision {decision}: {numbers} (`registry log {model.name}`)")
    entry = model.decisions.read(decision)
    decisions = _entries(model.decisions, decision, 1, progress)
    scored = _scored(model, entry)
    champion = champion_of(entry)  # the version that a promotion names, or the one a hold left in place
    registered = None if champion is None else champion.entry
    named = [] if registered is None else [registered]
    if scored is not None and scored.log == model.versions.name:
        named.append(scored.n)
    versions = _entries(model.versions, max(named), min(named), progress) if named else {}
    manifest = Manifest() if scored is None else manifest_of(scored)
    files = dict(zip(manifest.files, model.evidence(manifest), strict=True))
    moved = _record_file(model, entry)
    head = {
        "format": FORMAT,
        "model": model.name,
        "decision": decision,
        "decision_sha256": entry.digest,
        "registered": registered,
        "scored": {} if scored is None else {"entry" if scored.log == model.versions.name else "scored": scored.n},
        "versions": [min(versions), max(versions)] if versions else None,
        "evidence": [_member(name) for name in files],
    }
    members = {"bundle.json": canonical(head)}
    members |= {f"decisions/{n}.json": data for n, data in decisions.items()}
    members |= {f"versions/{n}.json": data for n, data in versions.items()}
    members |= {_member(name): data for name, data in files.items()}
    if moved is not None:
        members["record.json"] = moved
    rest = None if registered is None else model.found_at(registered).record.moved
    if rest is not None:
        members["version.json"] = model.read_object(rest["key"], rest["sha256"])
    return _sealed(members)


def _entries(log: Log, newest: int, oldest: int, progress: Progress) -> dict[int, bytes]:
    """The bytes of the entries from ``newest`` down to ``oldest``, each checked against the one after it."""
    entries = {}
    for entry in log.walk(newest=newest):
        entries[entry.n] = entry.to_bytes()
        progress(f"reading {log.name}", len(entries), newest - oldest + 1)
        if entry.n == oldest:
            break
    return entries


def _scored(model: Model, decision: Entry) -> Entry | None:
    """The ``scored`` entry that the decision names, else the last one before it; None where there is none."""
    if "evidence" in decision.body:
        return model.scored_by(decision)
    newest = watermark(decision)
    if newest is not None:
        return model.decisions.read(newest)
    before = model.versions.last(lambda version_entry: version_entry.time <= decision.time)
    newest = watermark(before)
    return None if newest is None else model.versions.read(newest)


def _record_file(model: Model, decision: Entry) -> bytes | None:
    """The decision's record where it stands beside the log: the bytes whose digest the entry names."""
    named: Any = decision.body.get("record")
    if not isinstance(named, Mapping) or "key" not in named:
        return None
    data = canonical(model.decision_record(decision))
    if digest(data) != named["sha256"]:
        raise Corrupt(f"the record of decision {decision.n} of {model.name} is not in canonical form")
    return data


def _member(name: str) -> str:
    """``evidence/<sha256>``: the operation id at the end of a file's name says nothing here."""
    return name.partition("-")[0]


def _sealed(members: Mapping[str, bytes]) -> bytes:
    """The zip file of the members, its last bytes the digest of all bytes before them."""
    room = b"0" * _DIGEST_LENGTH  # the comment's length is sealed with the rest, its bytes follow
    data = canonical_zip(members, comment=room)[:-_DIGEST_LENGTH]
    return data + digest(data).encode()
