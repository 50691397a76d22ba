"""The identity of a registry: its format and its id, in one small object that is created once and never changed.

::

    format/2.json      {"created": …, "format": 2, "oldest_reader": 2, "registry": "<32 hexadecimal digits>"}

A later format adds ``format/3.json`` with the same id, which whoever may only create can do: the highest number counts.
A registry of format 1 has ``format.json`` and no id; the first write of this package gives it one. Every entry and
every champion names the id of its registry, so what was signed in one registry is not believed in another.

``RETRAIN_REGISTRY_ID`` insists on an id: an empty folder (a mount that failed) or a mistyped prefix is then an error
and no new registry.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from registry.clock import Clock, NewId, write_time
from registry.errors import (
    Corrupt,
    Exists,
    FormatTooNew,
    InvalidRequest,
    OtherRegistry,
    OutcomeUnknown,
    RegistryMissing,
)
from registry.format import keys
from registry.format.entries import FORMAT, canonical
from registry.store import Store

VARIABLE = "RETRAIN_REGISTRY_ID"

_ID = re.compile(r"[0-9a-f]{32}")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """What the root of a registry says of it. ``id``: None for one that was not written to since format 1.

    ``key`` and ``data``: the object that says so, and its bytes.
    """

    id: str | None
    key: str
    data: bytes


_Found = TypeVar("_Found", Identity, Identity | None)


def expected_id(environ: Mapping[str, str] | None = None) -> str | None:
    """The id that ``RETRAIN_REGISTRY_ID`` insists on; None where it is not set. :class:`InvalidRequest`."""
    text = (os.environ if environ is None else environ).get(VARIABLE)
    return None if text is None else check_id(text, VARIABLE)


def check_id(text: str, what: str = "the id of a registry") -> str:
    """``text`` if it is the id of a registry, else :class:`InvalidRequest`."""
    if _ID.fullmatch(text) is None:
        raise InvalidRequest(f"{what} has 32 lower-case hexadecimal digits, not {text[:60]!r}")
    return text


def read_identity(store: Store) -> Identity | None:
    """The identity of the registry in ``store``; None where there is none. One LIST and one GET.

    Raises :class:`FormatTooNew` where it asks for a newer package, :class:`Corrupt`.
    """
    listed = store.list(keys.FORMAT_PREFIX)
    numbered = {number: key for key in listed if (number := keys.format_number(key)) is not None}
    if not numbered:
        return None
    newest = numbered[max(numbered)]
    data = store.get(newest)
    return Identity(_id_in(data, f"{store.url}/{newest}", max(numbered)), newest, data)


class RegistryRoot:
    """Which registry a store holds: looked up once, and begun by whoever writes first.

    ``expected``: the id insisted on, see :func:`expected_id`. Safe to use from many threads.
    """

    def __init__(self, store: Store, clock: Clock, new_id: NewId, expected: str | None = None) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._found: Identity | None = None
        self._adopted = False
        self.expected = expected

    @property
    def known_id(self) -> str | None:
        """The id, as far as it is known without asking the store."""
        return self.expected if self._found is None else self._found.id

    def look(self) -> Identity | None:
        """What is there; None where there is no registry yet.

        Raises :class:`RegistryMissing` and :class:`OtherRegistry` where an id is insisted on and another or none is
        there, and what :func:`read_identity` raises.
        """
        if self._found is None:
            self._found = self._insisted(read_identity(self._store))
        return self._found

    def look_up_id(self) -> str | None:
        """The id of what is there, asked of the store where it is not known yet; None where nothing has one."""
        found = None if self.known_id is not None else self.look()
        return self.known_id if found is None else found.id

    def look_where_empty(self) -> None:
        """Of a log with nothing in it: raises as :meth:`look` where an id is insisted on, and asks nothing else."""
        if self.expected is not None:
            self._insisted(read_identity(self._store))

    def begin(self) -> Identity:
        """What is there; where it has no id it is given one, by this or by another writer. Raises as :meth:`look`."""
        found = self.look()
        if found is not None and (found.id is not None or self._adopted):
            return found
        if found is None and self._store.list(keys.MODELS, limit=1):
            raise RegistryMissing(
                f"there are models in {self._store.url}, and {keys.format_key(FORMAT)}, which says whose they are, "
                "is gone: put it back from a copy, or say the id that their entries name: `registry init --id`"
            )
        self._found = begun = self._insisted(write_identity(self._store, self._clock, self._new_id()))
        if found is None:
            _logger.warning(
                "a new registry begins in %s, its id is %s. If there should be one, look whether the address is right; "
                "%s=%s insists on it from now on",
                *(self._store.url, begun.id, VARIABLE, begun.id),
            )
        return begun

    def begin_as(self, wanted: str | None = None) -> str:
        """The id of what is there, begun under the ``wanted`` id or a new one where there is none.

        Raises :class:`InvalidRequest` where another id than the ``wanted`` is there.
        """
        found = read_identity(self._store)
        if found is None or found.id is None:
            found = write_identity(self._store, self._clock, wanted or self.expected or self._new_id())
        if wanted is not None and found.id != wanted:
            raise InvalidRequest(
                f"{self._store.url} is the registry {found.id} already, and not {wanted}: nothing was done"
            )
        self._found = self._insisted(found)
        assert found.id is not None, "what begins has an id"
        return found.id

    def adopt(self, source: RegistryRoot) -> None:
        """Make this the registry that ``source`` is, for a copy of it; :class:`InvalidRequest` where it is another."""
        theirs, found = source.look(), read_identity(self._store)
        if theirs is not None and (found is None or found.id is None):
            listed = set(self._store.list(keys.FORMAT_PREFIX))
            for key in source._store.list(keys.FORMAT_PREFIX):
                if keys.format_number(key) is not None and key not in listed:
                    self._store.create(key, source._store.get(key))
            found = read_identity(self._store)
        if theirs is not None and found is not None and found.id != theirs.id:
            raise InvalidRequest(
                f"{self._store.url} is the registry {found.id}, and {source._store.url} is {theirs.id}: nothing was "
                "copied; a copy has the id of what it is a copy of: copy to an empty place"
            )
        self._found, self._adopted = found, True  # a copy of format 1 gets its id with what it is a copy of

    def id(self) -> str:
        """The id, given where there was none: what every entry names."""
        given = self.begin().id
        assert given is not None, "what begins has an id"
        return given

    def _insisted(self, found: _Found) -> _Found:
        expected, url = self.expected, self._store.url
        if expected is None or (found is not None and found.id == expected):
            return found
        if found is None or found.id is None:
            there = "there is no registry in" if found is None else "no id has the registry of format 1 in"
            raise RegistryMissing(
                f"{there} {url}, and {VARIABLE} names {expected}: is the address right, is the folder mounted? To "
                f"begin there under that id: `registry init --registry {url} --id {expected}`"
            )
        raise OtherRegistry(f"{url} is the registry {found.id}, and {VARIABLE} names {expected}: one of them is wrong")


def write_identity(store: Store, clock: Clock, registry_id: str) -> Identity:
    """Give the registry in ``store`` its id; what another writer gave it, where that was faster.

    Raises what :func:`read_identity` raises.
    """
    key = keys.format_key(FORMAT)
    values = {"format": FORMAT, "oldest_reader": FORMAT, "created": write_time(clock.now())}
    data = canonical({**values, "registry": check_id(registry_id)})
    try:
        store.create(key, data)
    except (Exists, OutcomeUnknown):
        data = store.get(key)
    return Identity(_id_in(data, f"{store.url}/{key}", FORMAT), key, data)


def _id_in(data: bytes, where: str, number: int) -> str | None:
    try:
        values = json.loads(data)
        oldest, found = values["oldest_reader"], values.get("registry")
        newer = oldest > FORMAT
        sound = number == 1 if found is None else _ID.fullmatch(found) is not None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt(f"{where} is unreadable ({error}): this is not a registry, or it is damaged") from error
    if newer:
        raise FormatTooNew(f"{where} asks for a reader of format {oldest}, this package has {FORMAT}: upgrade it")
    if not sound:
        raise Corrupt(f"{where} names no id of a registry: this is not a registry, or it is damaged")
    return None if found is None else str(found)
