"""Evidence files: how the nights scored, kept beside the logs and named by ``scored`` entries.

One file a night, content-addressed: ``evidence/<sha256>-<operation id>`` below the model. What stands in a file is the
business of whoever writes it. The newest ``scored`` entry names every file that makes up the evidence, so that reading
it takes one entry and the files: nights of past months are folded into one file a month, older months drop out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.errors import Corrupt, NotFound
from registry.format import keys
from registry.format.entries import Entry, digest
from registry.store import Store

MONTHS_KEPT = 26
"""Months of evidence named by the newest entry: two years, twice what the gate looks back."""

Fold = Callable[[Sequence[bytes]], bytes]
"""Makes one file of several, oldest first."""


@dataclass(frozen=True)
class Manifest:
    """The files of the evidence, oldest first: names below the model's folder.

    ``through``: the newest bar that is scored (ISO 8601, UTC). ``nights``: the present month's files by night;
    ``months``: one file for each month before; ``backfill``: what was scored before there was a first night.
    """

    through: str | None = None
    backfill: tuple[str, ...] = ()
    months: Mapping[str, str] = field(default_factory=dict)
    nights: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        months = [self.months[month] for month in sorted(self.months)]
        return (*self.backfill, *months, *(self.nights[night] for night in sorted(self.nights)))

    def to_dict(self) -> dict[str, Any]:
        """As a ``scored`` entry holds it."""
        return {
            "through": self.through,
            "backfill": list(self.backfill),
            "months": dict(self.months),
            "nights": dict(self.nights),
        }


@dataclass(frozen=True)
class ScoredNight:
    """What a night scored: ``data`` is its file.

    ``night``: its trading day; ``through``: the newest bar scored, ISO 8601 in UTC; ``bars``: how many are new.
    ``backfill``: files of what was scored, on the first night, for the time before.
    """

    data: bytes
    night: str
    through: str
    bars: int
    backfill: Sequence[bytes] = ()


def manifest_of(entry: Entry) -> Manifest:
    """The manifest that a ``scored`` entry holds."""
    parts = entry.body["manifest"]
    return Manifest(parts["through"], tuple(parts["backfill"]), dict(parts["months"]), dict(parts["nights"]))


def broken_by(before: Manifest, after: Manifest, night: str) -> str | None:
    """What ``after``, the manifest with a ``night``'s evidence, changed of the one ``before`` it: a night adds
    its own file and folds nights of past months, and leaves the rest as it is. None where that is all."""
    if after.backfill[: len(before.backfill)] != before.backfill:
        return "its backfill"
    folded = {past[:7] for past in before.nights if past[:7] != night[:7]}
    for past, name in before.nights.items():
        of_this_month = past[:7] == night[:7]
        if past in after.nights and not of_this_month:
            return f"the night of {past}"
        if of_this_month and past != night and after.nights.get(past) != name:
            return f"the night of {past}"
    kept = sorted({*before.months, *folded})[-MONTHS_KEPT:]
    if sorted(after.months) != kept:
        return "which months there are"
    changed = [month for month in kept if month not in folded and after.months[month] != before.months[month]]
    if changed:
        return f"the month {changed[0]}"
    return None if {*after.nights} - {*before.nights} <= {night} else "nights that are not its own"


def named_by(entry: Entry) -> Iterator[str]:
    """The keys of the evidence files that an entry names (``scored`` ones, and those with a large record)."""
    prefix = keys.model_prefix(entry.model)
    if entry.kind == "scored":
        yield from (prefix + name for name in manifest_of(entry).files)
    if entry.kind == "registered" and entry.body["version"].get("moved") is not None:
        yield str(entry.body["version"]["moved"]["key"])
    record: Any = entry.body.get("record")
    if isinstance(record, Mapping) and "key" in record:
        yield str(record["key"])


def watermark(head: Entry | None) -> int | None:
    """The number of the newest ``scored`` entry."""
    newest = None if head is None else head.state.get("watermark")
    return None if newest is None else int(newest["entry"])


def read_file(store: Store, model: str, name: str) -> bytes:
    """An evidence file, checked against the digest in its name; :class:`Corrupt` where it is damaged or gone."""
    sha256 = name.removeprefix("evidence/").partition("-")[0]
    key = keys.model_prefix(model) + name
    where = f"{store.url}/{key}"
    try:
        data = store.get(key)
    except NotFound as error:
        raise Corrupt(f"{where} is gone, but an entry names it; run `registry verify {model}`") from error
    if digest(data) != sha256:
        raise Corrupt(f"{where} is not what its name says (SHA-256 differs); run `registry verify {model}`")
    return data
