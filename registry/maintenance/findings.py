"""What a verification may find in a registry: every kind of damage, how bad it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["damage", "fault", "note"]
"""``damage``: something recorded is lost or not what was written. ``fault``: it should not be there, and nothing
recorded is lost. ``note``: nothing is wrong."""

_RESTORE = "put the object of this key from a copy of the registry back (a copy has the same keys)"
_MEANINGS: Mapping[str, tuple[Severity, str]] = {
    "damaged format": ("damage", "every write is refused: remove it, and the next write makes it anew"),
    "missing format": (
        "damage",
        "nobody knows which registry it is: put the object back from a copy, or say the id that entries name by "
        "`registry init --id`",
    ),
    "damaged entry": ("damage", f"remove it, then {_RESTORE}"),
    "gap": ("damage", _RESTORE),
    "head without predecessor": ("damage", _RESTORE),
    "fork": ("damage", "two writers wrote this number: the store overwrites, or someone did; compare with a copy"),
    "cut log": ("damage", f"the end of the log was removed: {_RESTORE}"),
    "rewritten entry": ("damage", "the log was rewritten: find out who did, put the log back from a copy"),
    "other registry": ("damage", "it was written in another registry: find out who put it here, and remove it"),
    "wrong state": ("damage", "this package does not write this: find out who did, compare with a copy"),
    "version numbers": ("damage", "this package does not write this: find out who did, compare with a copy"),
    "untrusted champion": (
        "fault",
        "production that trusts the keys configured here refuses it: promote it with a key that may, or roll back",
    ),
    "untrusted entry": ("fault", "no key trusted here signed it: find out who wrote it, compare with a copy"),
    "unsigned beginning": (
        "note",
        "no key trusted here signed these, and one signed what was written after them, which names them by digest",
    ),
    "time goes back": ("fault", "questions about a past moment may be answered wrongly: set the writers' clocks"),
    "work done twice": ("fault", "the second entry should not be there: find out who wrote it"),
    "missing artifact": ("damage", f"{_RESTORE}; if it is the champion's, roll back until then"),
    "damaged artifact": ("damage", f"remove it, then {_RESTORE}; if it is the champion's, roll back until then"),
    "missing evidence": ("damage", _RESTORE),
    "damaged evidence": ("damage", f"remove it, then {_RESTORE}"),
    "damaged segment": ("fault", "readers do not use it: `registry gc` removes it, `registry fold` makes it anew"),
    "stray key": ("fault", "this package did not write it and does not read it: remove it or put it elsewhere"),
    "orphan": ("note", "left by a writer that was cut off, or about to be named: `registry gc` removes it in time"),
}
KINDS = tuple(_MEANINGS)
"""Every kind of finding."""


@dataclass(frozen=True)
class Damage:
    """One thing to know about one object: its ``kind`` (of :data:`KINDS`), its ``key``, and what is wrong in words."""

    kind: str
    key: str
    words: str

    @property
    def severity(self) -> Severity:
        return _MEANINGS[self.kind][0]

    @property
    def fix(self) -> str:
        return _MEANINGS[self.kind][1]

    def __str__(self) -> str:
        return f"{self.kind}: {self.key} {self.words}; {self.fix}"


@dataclass(frozen=True)
class Verified:
    """What was looked at, and what was found; ``bytes`` those of artifacts, evidence and segments."""

    model: str
    entries: int
    objects: int
    bytes: int
    findings: tuple[Damage, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.severity == "note" for finding in self.findings)
