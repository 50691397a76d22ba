"""Whether an entry's state follows from the state before it and from what the entry says happened.

Looked at are the time, the idempotency keys, the latest version and its number, the champion, and what
:mod:`registry.maintenance.derivation` works out. Fields and kinds of writers to come are none of this module's
business.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from registry.errors import RegistryError
from registry.format.entries import Entry
from registry.format.keys import version_name
from registry.format.records import VersionRecord
from registry.maintenance import derivation
from registry.maintenance.derivation import CROWNING
from registry.model import transitions
from registry.model.transitions import champion_of

_UNKNOWN_FORM = (KeyError, TypeError, ValueError, AttributeError, IndexError, RegistryError)

Inconsistency = tuple[str, str]
"""Kind of fault (``"wrong state"``, ``"version numbers"``, ``"time goes back"``), and what is wrong in words."""


def faults(before: Entry | None, entry: Entry, registered: Mapping[int, VersionRecord]) -> Iterator[Inconsistency]:
    """What is wrong with ``entry``, written after ``before``.

    ``registered``: the versions by the number of the entry that registered them, those of this entry's log up to it or,
    for a decision, all.
    """
    if before is not None and entry.time < before.time:
        yield "time goes back", f"was written at {entry.time}, before the entry before it ({before.time})"
    look = _version_faults if entry.log == "versions" else _decision_faults
    try:
        yield from _key_faults(before, entry)
        found = list(look(before, entry, registered))
        yield from found or _state_faults(before, entry, registered)
    except _UNKNOWN_FORM as error:
        yield "wrong state", f"has a body or state of unknown form ({type(error).__name__}: {error})"


def _key_faults(before: Entry | None, entry: Entry) -> Iterator[Inconsistency]:
    remembered = entry.state["keys"]
    if remembered[-1] != f"{str(entry.key)[:12]}:{entry.n}":
        yield "wrong state", f"was done under the key {entry.key}, and its state remembers {remembered[-1]}"
    earlier = [] if before is None else before.state["keys"]
    if len(remembered) < len(earlier) or remembered[:-1] != earlier[len(earlier) - len(remembered) + 1 :]:
        yield "wrong state", "remembers other idempotency keys than the entry before it, beside its own"


def _state_faults(
    before: Entry | None, entry: Entry, registered: Mapping[int, VersionRecord]
) -> Iterator[Inconsistency]:
    try:
        wrong = derivation.differences(before, entry, registered)
    except RegistryError as error:
        yield "wrong state", f"is '{entry.kind}', which is refused after the entry before it ({error})"
        return
    for name, (expected, actual) in wrong.items():
        yield (
            "wrong state",
            f"is '{entry.kind}', after which {name} is {_short(expected)}; its state has {_short(actual)}",
        )


def _short(value: object) -> str:
    return textwrap.shorten(ascii(value), 100, placeholder=" …")


def _version_faults(
    before: Entry | None, entry: Entry, registered: Mapping[int, VersionRecord]
) -> Iterator[Inconsistency]:
    count = transitions.latest_number(before)
    latest = entry.state.get("latest")
    if entry.kind == "registered":
        record, expected = VersionRecord.from_dict(entry.body["version"]), version_name(count + 1)
        if record.version != expected:
            yield "version numbers", f"registers {record.version}, where {expected} comes next"
        if latest != {"version": record.version, "entry": entry.n}:
            yield "wrong state", f"registers {record.version}, and its state says that the latest is {latest}"
    elif latest != (None if before is None else before.state.get("latest")):
        yield "wrong state", f"registers nothing, and yet changes the latest version to {latest}"


def _decision_faults(
    before: Entry | None, entry: Entry, registered: Mapping[int, VersionRecord]
) -> Iterator[Inconsistency]:
    present, champion = champion_of(before), champion_of(entry)
    against = None if present is None else list(present.identity)
    if "against" in entry.body and entry.body["against"] != against:
        yield "wrong state", f"was judged against {entry.body['against']} and applied to {against}"
    if entry.kind not in CROWNING:
        if champion != present:
            yield "wrong state", f"is '{entry.kind}', and yet changes the champion from {present} to {champion}"
        return
    if champion is None or (champion.version, champion.decision) != (entry.body["version"], entry.n):
        yield "wrong state", f"makes {entry.body['version']} champion, and its state says {champion}"
        return
    record = registered.get(champion.entry)
    named: tuple[Any, ...] = (champion.version, champion.artifact, champion.sha256)
    if record is None or (record.version, record.artifact, record.sha256) != named:
        yield "wrong state", f"names entry {champion.entry} of versions, which did not register this {champion.version}"
