"""What the registry asks of a store, and nothing more; which names may stand in a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from registry.errors import InvalidName, InvalidRequest

LONGEST_KEY = 900  # S3 allows 1024 bytes; the rest is left to the root's own prefix
LONGEST_SEGMENT = 255  # what the usual file systems allow

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_KEY = re.compile(rf"(?:{_SEGMENT}/)*{_SEGMENT}")
_PREFIX = re.compile(rf"(?:{_SEGMENT}/)*(?:{_SEGMENT})?")


@dataclass(frozen=True)
class Stored:
    """One object: its key, its size in bytes, and its age by the store's own clock (never negative).

    ``now``: what that clock said when it was asked.
    """

    key: str
    size: int
    age: timedelta
    now: datetime


class Store(Protocol):
    """Immutable objects under keys; safe to use from many threads at once.

    Every method raises :class:`~registry.errors.StoreDenied` and :class:`~registry.errors.StoreUnavailable` beside what
    it names, and :class:`~registry.errors.InvalidName` for a key that :func:`check_key` refuses.
    """

    url: str
    """Where it is, as a person would type it."""

    def create(self, key: str, data: bytes) -> None:
        """Store ``data`` if nothing is under ``key``: wholly or not at all, durable when this returns.

        Raises ``Exists`` if something is there (after a lost answer it may be what this very call stored: compare what
        is there), ``OutcomeUnknown`` if it cannot be known whether this call stored it, ``StoreFull`` and
        ``StoreRefused`` for what they say. After every other error nothing was stored.
        """

    def get(self, key: str) -> bytes:
        """The bytes under ``key``; ``NotFound`` if nothing is there."""

    def folders(self, prefix: str) -> list[str]:
        """The path segments that follow ``prefix`` (empty or ending in ``/``) and have keys below them, ascending."""

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        """Keys that begin with ``prefix``, ascending byte order, at most ``limit`` of them, all greater than ``after``.

        Keys with a segment that begins with a dot, and folder markers (``…/``), are nobody's objects and left out.
        """

    def delete(self, key: str) -> None:
        """Remove what is under ``key``; nothing there is fine."""

    def stat(self, prefix: str) -> Iterator[Stored]:
        """Size and age of every key that begins with ``prefix``, ascending."""


def check_key(key: str) -> str:
    """``key`` if it is a relative path of plain segments (letters, digits, ``.``, ``_``, ``-``; no leading dot)."""
    if _KEY.fullmatch(key) is None or len(key) > LONGEST_KEY or _longest_segment(key) > LONGEST_SEGMENT:
        raise InvalidName(
            f"{_shortened(key)} is not a key: use segments of A-Z a-z 0-9 . _ - that begin with no dot, joined by '/', "
            f"each at most {LONGEST_SEGMENT} and all together at most {LONGEST_KEY} characters"
        )
    return key


def check_prefix(prefix: str, *, whole: bool = False) -> str:
    """``prefix`` if a key may begin with it; with ``whole`` it must be empty or end in ``/``."""
    if _PREFIX.fullmatch(prefix) is None or len(prefix) > LONGEST_KEY or (whole and prefix and prefix[-1] != "/"):
        ending = " and ends in '/'" if whole else ""
        raise InvalidName(f"{_shortened(prefix)} is not a prefix: use the beginning of a key{ending}, or nothing")
    return prefix


def check_limit(limit: int | None) -> int | None:
    """``limit`` if it is None or at least 1."""
    if limit is not None and limit < 1:
        raise InvalidRequest(f"the limit of a listing must be 1 or more, or None for all keys, not {limit}")
    return limit


def is_listed(key: str) -> bool:
    """Whether a key found on a store is an object of ours to list: no segment begins with a dot or is empty."""
    return all(segment and segment[0] != "." for segment in key.split("/"))


def _longest_segment(key: str) -> int:
    return max(map(len, key.split("/")))


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")
