"""Records too large for an entry: their large fields stand in an object of its own, which the entry names by digest.

A version of five hundred features has a record of twelve kilobytes. It would fit into an entry as long as the log is
young; once the state has grown to what it may hold, every further registration would be refused. So a record may take
up :data:`MOST_BYTES` of its entry, whatever the state before it: what is beyond that goes to an object beside the
archives, field by field, the largest kinds first, and stands in the entry as ``moved``: key, SHA-256, size and the
names of the fields. The fields that a champion's record, a state and a rollback need always stay in the entry.
"""

from __future__ import annotations

import json
from typing import Any

from registry.errors import Corrupt, EntryTooLarge
from registry.format.entries import canonical, digest
from registry.format.records import VersionRecord
from registry.format.schema import VERSION_RECORD

MOST_BYTES = 2560
"""Of a record in its entry. With the fullest state before it (256 keys, 32 tags of 100 letters, 32 recipes, 1,500 bytes
of retired runs), the longest names and a signature such an entry has 15,655 of the 16,384 bytes that it may:
``test_the_fullest_state_leaves_room_for_a_record`` in ``tests/registry/model/test_large_records.py``."""

MOST_MOVED_BYTES = 1 << 20
"""Of the object with the fields that were moved."""

MOVABLE = (
    *("ranges", "columns", "dtypes", "features", "environment", "parameters", "details", "allowed"),
    *("measured_on", "metrics"),  # last, because a history and `registry log` show them
)


def split(record: VersionRecord) -> tuple[VersionRecord, bytes | None]:
    """The record as its entry holds it, and the bytes of the object with the rest; None where it needs none.

    The key of that object is not in it yet. Raises :class:`EntryTooLarge` where even that is too much.
    """
    values, moved = record.to_dict(), dict[str, Any]()
    for name in MOVABLE:
        if len(canonical(values)) + _PLACE * bool(moved) <= MOST_BYTES:
            break
        if values.get(name):
            moved[name] = values.pop(name)
    data = canonical(moved)
    if len(canonical(values)) + _PLACE * bool(moved) > MOST_BYTES or len(data) > MOST_MOVED_BYTES:
        raise EntryTooLarge(
            f"the record of this version has {len(canonical(record.to_dict())):,} bytes: at most {MOST_BYTES:,} stand "
            f"in an entry and {MOST_MOVED_BYTES:,} beside it; shorten its parameters, features, texts"
        )
    if not moved:
        return record, None
    place = {"sha256": digest(data), "size": len(data), "fields": sorted(moved)}
    return VersionRecord.from_dict({**values, "moved": place}), data


_PLACE = 600
"""Bytes of ``moved`` in an entry: the key with the longest name of a model, the digest, the names of all fields."""


def whole(record: VersionRecord, data: bytes, *, where: str) -> VersionRecord:
    """The record with the fields that ``data`` holds; :class:`Corrupt` where those are not what it names."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        fields = None
    moved = record.moved or {}
    values = {name: value for name, value in record.to_dict().items() if name != "moved"}
    if not isinstance(fields, dict) or sorted(fields) != moved.get("fields") or not set(fields) <= set(MOVABLE):
        raise Corrupt(
            f"{where} does not hold the fields of {record.version} that its entry names; run `registry verify`"
        )
    wrong = VERSION_RECORD.fault({**values, **fields})
    if wrong is not None:
        raise Corrupt(f"{where} holds a {wrong.field} of {record.version} that is none; run `registry verify`")
    return VersionRecord.from_dict({**values, **fields})
