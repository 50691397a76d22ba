"""Entries of the two logs: typed events that say themselves in one sentence, and the state after each of them.

An entry is one canonical JSON object (keys sorted, no spaces, UTF-8, a final newline) of at most 16 KiB. It holds what
happened (``kind``, ``body``), the digest of the entry before it, and the **state after it**, so that the newest entry
alone is a complete view of its log. Fields that this version does not know are carried forward in the state and kept
in what is read; an entry of a newer format is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from registry.clock import read_time, write_time
from registry.errors import Corrupt, EntryTooLarge, FormatTooNew, InvalidRequest, MalformedEntry
from registry.format import schema
from registry.format.checks import Fault
from registry.format.keys import check_text
from registry.format.sentences import sentence

FORMAT = 2
"""Of entries written now. Those of format 1 name neither their registry nor what stood in the other log."""

MAX_ENTRY_BYTES = 16 * 1024
KEYS_KEPT = 256
"""How many idempotency keys a state keeps; older work is refused by its night."""

_MOST_SHOWN = 60
_KEY = re.compile(r"[0-9a-f]{32}")

KINDS = {
    "versions": ("registered", "scored", "retired", "tagged", "repaired"),
    "decisions": (
        "scored",
        "promoted",
        "held",
        "returned",
        "rolled_back",
        "frozen",
        "unfrozen",
        "suspended",
        "resumed",
        "policy",
        "repacked",
        "repaired",
    ),
}


@dataclass(frozen=True)
class Entry:
    """One event of a log. ``digest`` is the SHA-256 of its bytes; ``previous`` that of the entry before it."""

    model: str
    log: str
    n: int
    kind: str
    time: datetime
    author: str
    operation: str
    body: Mapping[str, Any]
    state: Mapping[str, Any]
    previous: str | None = None
    as_of: datetime | None = None
    key: str | None = None
    signature: Mapping[str, Any] | None = None
    registry: str | None = None
    """The id of the registry that it was written in; None in format 1."""
    seen: Mapping[str, Any] | None = None
    """The newest entry of the other log that a writer up to here had seen: its number ``n`` and ``sha256``."""
    format: int = FORMAT
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return sentence(self.kind, self.body, self.author)

    def to_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            **self.extra,
            "format": self.format,
            "model": self.model,
            "log": self.log,
            "n": self.n,
            "kind": self.kind,
            "time": write_time(self.time),
            "author": self.author,
            "operation": self.operation,
            "previous": self.previous,
            "body": self.body,
            "state": self.state,
        }
        if self.as_of is not None:
            values["as_of"] = write_time(self.as_of)
        if self.key is not None:
            values["key"] = self.key
        for name in ("registry", "seen", "signature"):
            if getattr(self, name) is not None:
                values[name] = getattr(self, name)
        return values

    def to_bytes(self) -> bytes:
        """The canonical bytes; :class:`EntryTooLarge` past 16 KiB."""
        data = canonical(self.to_dict())
        if len(data) > MAX_ENTRY_BYTES:
            raise EntryTooLarge(
                f"the '{self.kind}' entry of model {self.model} would be {len(data):,} bytes, more than the "
                f"{MAX_ENTRY_BYTES:,} allowed: shorten parameters, metrics, features or the reason"
            )
        return data

    @property
    def digest(self) -> str:
        return digest(self.to_bytes())


_TOP_FIELDS = {*(entry_field.name for entry_field in fields(Entry) if entry_field.name != "extra")}


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: what is hashed and stored. :class:`InvalidRequest` where it has none."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"this cannot be written as JSON: {error}; use numbers, text, lists and dicts") from error


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parse(data: bytes, *, where: str, proven: bool = False) -> Entry:
    """The entry in ``data``, each known field of the type and range of :mod:`registry.format.schema`.

    Raises :class:`FormatTooNew`, :class:`Corrupt` and :class:`MalformedEntry`, naming ``where``.

    ``proven``: a later entry names the digest of these bytes. They were read, and found to be in canonical form, by
    whoever wrote that one, so this is not looked at again: it is half the time that a long history takes.
    """
    if len(data) > MAX_ENTRY_BYTES:
        raise Corrupt(f"{where} has {len(data):,} bytes, more than an entry may; run `registry verify`")
    try:
        values = json.loads(data)
        if values["format"] > FORMAT:
            raise FormatTooNew(
                f"{where} is of format {values['format']}, this package reads up to {FORMAT}: upgrade this package"
            )
        wrong = schema.fault(values)
        if wrong is not None:
            raise _malformed(where, values, wrong)
        as_of = values.get("as_of")
        entry = Entry(
            model=values["model"],
            log=values["log"],
            n=values["n"],
            kind=values["kind"],
            time=read_time(values["time"]),
            author=values["author"],
            operation=values["operation"],
            body=values["body"],
            state=values["state"],
            previous=values["previous"],
            as_of=None if as_of is None else read_time(as_of),
            key=values.get("key"),
            signature=values.get("signature"),
            registry=values.get("registry"),
            seen=values.get("seen"),
            format=values["format"],
            extra={name: value for name, value in values.items() if name not in _TOP_FIELDS},
        )
        # an escape may hide what no text can be printed of: half a character
        same = (proven and (b"\\" not in data or b"\\u" not in data)) or canonical(entry.to_dict()) == data
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidRequest) as error:
        raise Corrupt(f"{where} is not a log entry ({type(error).__name__}: {error}); run `registry verify`") from error
    if not same:
        raise Corrupt(f"{where} is not in canonical form: it was edited or damaged; run `registry verify`")
    return entry


def _malformed(where: str, values: Any, wrong: Fault) -> MalformedEntry:
    names = ("n", "kind", "model", "log")
    told = wrong.field and not any(wrong.field == name for name in names)
    which = "entry {n} ('{kind:.40}') of {model}/{log:.40}".format(**values) if told else "an entry"
    words = f"{_short(wrong.field)[1:-1]} is {_short(wrong.found)}, expected {wrong.expected}"
    return MalformedEntry(f"{where} is {which}: {words}; it was edited or damaged; run `registry verify`", wrong=words)


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"


def key_digest(parts: object) -> str:
    """The idempotency key of some work: 32 hexadecimal digits of the SHA-256 of its canonical JSON."""
    return digest(canonical(parts))[:32]


def idempotency_key(key: str) -> str:
    """``key`` as entries hold it: 32 hexadecimal digits as they are, any other text as its :func:`key_digest`.

    Two keys that begin alike would else be taken for one, since a state keeps no more than their beginnings.
    """
    return key if _KEY.fullmatch(key) else key_digest(check_text(key, "idempotency key"))


def remember(state: Mapping[str, Any], key: str, n: int) -> list[str]:
    """The state's recent idempotency keys with ``key`` (first 12 digits) at entry ``n`` added, oldest dropped."""
    return [*state.get("keys", ()), f"{key[:12]}:{n}"][-KEYS_KEPT:]


def recall(state: Mapping[str, Any], key: str) -> Iterator[int]:
    """The numbers of the recent entries that may have done the work named by ``key``, newest first.

    More than one where keys begin alike: ids made in order of time share their first 12 digits within a millisecond.
    """
    for item in reversed(state.get("keys", ())):
        short, _, n = item.partition(":")
        if short == key[:12]:
            if not n.isdecimal():
                raise Corrupt(f"a state remembers the key {_short(item)} without its entry; run `registry verify`")
            yield int(n)
