"""Whether the entries of a log are signed by keys that are trusted here.

An entry names the digest of the one before it, so a signature vouches for what its signer built upon: entries from
before there were keys, or signed by a key that was given up, are a **beginning** that the first trusted signature ends.
What comes after it without a trusted signature was written by nobody who may, and so was a log in which nothing is
signed though keys are trusted. A signature of a trusted key that does not fit its entry is a forgery wherever it is.

What a night may write, registrations and evidence and holds, has to be signed where the keys of nights are trusted
(``RETRAIN_TRUSTED_TRAINERS``), decisions of a gate or a person wherever keys are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from registry.errors import ForgedSignature, UntrustedSignature
from registry.format import keys
from registry.format.entries import Entry
from registry.maintenance.findings import Damage
from registry.trust.signing import Trusted, is_a_nights


@dataclass
class SignatureCheck:
    """The signatures of one log, added entry by entry from the first on."""

    trusted: Trusted
    _results: list[tuple[Entry, UntrustedSignature | None]] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        try:
            self.trusted.check_entry(entry)
        except UntrustedSignature as error:
            asked = bool(self.trusted.trainers) or not is_a_nights(entry)
            if asked or isinstance(error, ForgedSignature):
                self._results.append((entry, error))
        else:
            self._results.append((entry, None))

    def findings(self) -> Iterator[Damage]:
        """One for each run of entries without a trusted signature."""
        any_signed, signed_before = any(error is None for _, error in self._results), False
        for fine, run in itertools.groupby(self._results, key=lambda result: result[1] is None):
            refused = [(entry, error) for entry, error in run if error is not None]
            forged = any(isinstance(error, ForgedSignature) for _, error in refused)
            if not fine:
                beginning = any_signed and not signed_before and not forged
                yield _finding("unsigned beginning" if beginning else "untrusted entry", refused)
            signed_before = signed_before or fine


def _finding(kind: str, refused: list[tuple[Entry, UntrustedSignature]]) -> Damage:
    entry, error = next((result for result in refused if isinstance(result[1], ForgedSignature)), refused[0])
    first, last = refused[0][0].n, refused[-1][0].n
    more = "" if first == last else f", one of entries {first} to {last}"
    key = keys.entry_key(entry.model, entry.log, entry.n)
    return Damage(kind, key, f"carries no signature that is trusted here{more} ({error})")
