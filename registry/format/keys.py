"""Names and the keys made of them: the layout on the store, in one place.

::

    format/<number>.json
    models/<name>/versions/<thousand>/<inverted>-<n>.json
    models/<name>/decisions/<thousand>/<inverted>-<n>.json
    models/<name>/artifacts/<sha256>-<operation id>
    models/<name>/evidence/...
    models/<name>/segments/...

``inverted = 9999999999 - n``: the newest entry is the first key of its log. ``thousand`` is its first seven digits, so
that a folder holds at most a thousand entries.
"""

from __future__ import annotations

import re

from registry.errors import InvalidName, InvalidRequest

FORMAT_PREFIX = "format"
MODELS = "models/"
LOGS = ("versions", "decisions")

_TOP = 9_999_999_999
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?=[a-z0-9_-])){0,99}")
_FORMAT = re.compile(r"format/([1-9][0-9]{0,5})\.json")
_ENTRY = re.compile(r"([0-9]{7})/([0-9]{10})-([0-9]{1,10})\.json")
_VERSION = re.compile(r"v?([1-9][0-9]{0,9})")


def check_name(name: str, what: str = "model name") -> str:
    """``name`` if it may stand in a key, else :class:`InvalidName`.

    Lower case only: on some file systems ``A`` and ``a`` are one folder, and two models would share their logs.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise InvalidName(
            f"{what} {str(name)[:60]!r} is not allowed: use 1 to 100 lower-case letters, digits, '_', '-' and single "
            "inner dots, beginning with a letter or digit"
        )
    return name


def is_name(name: str) -> bool:
    """Whether a model may be called ``name``."""
    return _NAME.fullmatch(name) is not None


def check_text(text: str, what: str, *, limit: int = 500) -> str:
    """``text`` if it is one printable, non-empty line of at most ``limit`` bytes in UTF-8, else :class:`InvalidName`.

    Bytes, because what is remembered in a state must fit into an entry in the worst case.
    """
    if not isinstance(text, str) or not text.strip() or not text.isprintable() or len(text.encode()) > limit:
        raise InvalidName(
            f"{what} must be one printable line of at most {limit} bytes in UTF-8, and not empty: {str(text)[:60]!r}"
        )
    return text


def check_author(author: str) -> str:
    """``author`` if it is a printable name of at most 128 bytes, else :class:`InvalidName`."""
    return check_text(author, "author", limit=128)


def format_key(number: int) -> str:
    """The key of the object that says a registry's format; ``format.json`` for format 1, which wrote it so."""
    return f"{FORMAT_PREFIX}.json" if number == 1 else f"{FORMAT_PREFIX}/{number}.json"


def format_number(key: str) -> int | None:
    """The format that the object under ``key`` is about; None for any other key."""
    match = _FORMAT.fullmatch(key)
    number = 1 if key == format_key(1) else None if match is None else int(match[1])
    return number if number is not None and format_key(number) == key else None


def model_prefix(model: str) -> str:
    return f"models/{check_name(model)}/"


def log_prefix(model: str, log: str) -> str:
    return f"{model_prefix(model)}{log}/"


def entry_key(model: str, log: str, n: int) -> str:
    """The key of entry ``n`` (1, 2, …) of a log; :class:`InvalidRequest` for a number that no log reaches."""
    if not 1 <= n <= _TOP:
        raise InvalidRequest(f"{model}/{log} cannot have an entry {n}: a log ends at entry {_TOP:,}")
    inverted = f"{_TOP - n:010d}"
    return f"{log_prefix(model, log)}{inverted[:7]}/{inverted}-{n}.json"


def entry_number(model: str, log: str, key: str) -> int | None:
    """The number of the entry under ``key``; None for a stray key that no writer of this package made."""
    match = _ENTRY.fullmatch(key, len(log_prefix(model, log)))
    if match is None:
        return None
    n = int(match[3])
    return n if n >= 1 and entry_key(model, log, n) == key else None  # another log, a leading zero, a wrong inversion


def artifact_key(model: str, sha256: str, operation: str) -> str:
    return f"{model_prefix(model)}artifacts/{sha256}-{operation}"


def is_version(name: str) -> bool:
    """Whether ``name`` is read as the number of a version (``v3``, ``3``)."""
    return _VERSION.fullmatch(name) is not None


def version_name(number: int) -> str:
    return f"v{number}"


def version_number(name: str | int) -> int:
    """3 for ``"v3"``, ``"3"`` or ``3``; :class:`InvalidName` for anything else."""
    match = _VERSION.fullmatch(str(name))
    if match is None:
        raise InvalidName(f"{str(name)[:60]!r} is not a version: write v1, v2, …, 'champion' or 'latest'")
    return int(match[1])
