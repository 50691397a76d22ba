"""Whether each log still has what the entries of the other saw of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from registry.format import keys
from registry.format.entries import Entry, digest
from registry.maintenance.findings import Damage
from registry.model.repair import KIND


@dataclass
class Sightings:
    """What the entries of one log saw of the other, added from the first on."""

    model: str
    _seen: dict[int, tuple[str, Entry]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        if entry.kind == KIND and "seen" in entry.body["reset"]:
            self._seen.clear()  # a person said that what was seen before is lost
        if entry.seen is not None:
            self._seen.setdefault(entry.seen["n"], (entry.seen["sha256"], entry))

    def findings(self, other: str, digests: Mapping[int, str], later: Mapping[int, bytes | None]) -> Iterator[Damage]:
        """What is not there as it was seen. ``digests``: of the entries of the log ``other`` that were read; ``later``:
        the bytes of those that are numbered above them, None where there is none."""
        cut = [n for n in self._seen if n in later and later[n] is None]
        if cut:
            yield self._damage("cut log", other, max(cut), "is gone, and was seen")
        found = {**digests, **{n: digest(data) for n, data in later.items() if data is not None}}
        wrong = [n for n, (sha256, _) in self._seen.items() if n in found and found[n] != sha256]
        if wrong:
            yield self._damage("rewritten entry", other, min(wrong), "is not what was seen")

    def _damage(self, kind: str, other: str, n: int, words: str) -> Damage:
        _, by = self._seen[n]
        when = f"{words} by entry {by.n} of {by.log} of {by.time:%Y-%m-%d %H:%M} UTC"
        return Damage(kind, keys.entry_key(self.model, other, n), when)

    def beyond(self, newest: int) -> list[int]:
        """The numbers that were seen above ``newest``."""
        return [n for n in self._seen if n > newest]
