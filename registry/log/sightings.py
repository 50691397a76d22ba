"""What was seen stays: the end of a log cannot be removed, nor a log be rewritten, without the other telling of it.

Each entry names the newest entry of the other log that a writer up to it had seen: its number ``n`` and ``sha256``.
Whoever reads both, a night or ``registry verify``, notices what is missing (:class:`~registry.errors.HistoryCut`), at
no further request as long as nothing is. Who reads one log alone, a serving process, goes by what it read before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from registry.errors import HistoryCut, NotFound
from registry.format import keys
from registry.format.entries import Entry, digest
from registry.log.segments import EntrySource

READ_BEFORE = "this process read it before"


class Seen(EntrySource, Protocol):
    """The log that was seen; :class:`registry.log.log.Log` is one."""

    def entry_in(self, data: bytes, n: int) -> Entry: ...


def of(entry: Entry) -> dict[str, Any]:
    """What is noted of an entry that was seen."""
    return {"n": entry.n, "sha256": entry.digest}


def still_there(log: Seen, seen: Mapping[str, Any], why: str) -> Entry:
    """The entry that was ``seen``, asked for by its key; :class:`HistoryCut` where it is gone or is another."""
    n = seen["n"]
    where = f"entry {n} of {log.prefix} in {log.store.url}"
    mend = (
        f"run `registry verify {log.model}` and put back from a copy what is lost; if nothing can be had back, a "
        f"person says so by `registry repair {log.model}`, and processes that read it are begun anew"
    )
    try:
        data = log.store.get(keys.entry_key(log.model, log.name, n))
    except NotFound as error:
        raise HistoryCut(f"{where} is gone, and {why}: the end of the log was removed; {mend}") from error
    if digest(data) != seen["sha256"]:
        raise HistoryCut(f"{where} is another than it was, and {why}: the log was rewritten; {mend}")
    return log.entry_in(data, n)


def is_lost(log: Seen, seen: Mapping[str, Any] | None) -> bool:
    """Whether an entry that the other log saw is gone, or is another."""
    try:
        return seen is not None and still_there(log, seen, "it was seen") is None
    except HistoryCut:
        return True


def follows(log: Seen, known: Entry | None, newest: Entry) -> None:
    """:class:`HistoryCut` where the log that ends with ``newest`` was not written after ``known``."""
    if known is None:
        return
    after = newest if newest.n == known.n + 1 else log.read(known.n + 1)
    if after.previous != known.digest:
        still_there(log, of(known), READ_BEFORE)
        raise HistoryCut(
            f"entry {after.n} of {log.prefix} in {log.store.url} was not written after the entry {known.n} "
            f"there: the log was rewritten; run `registry verify {log.model}`"
        )
