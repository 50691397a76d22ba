"""What a forked process must begin anew: no thread of its parent runs in it, and locks and connections are not its own.

A web server that loads its application before it forks its workers is the usual case.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """Something that holds threads, locks or connections."""

    def begin_anew(self) -> None:
        """Called in a forked process before anything else runs there."""


_watched: weakref.WeakSet[Forked] = weakref.WeakSet()


def begin_anew_in_forks(thing: Forked) -> None:
    """From now on call ``thing.begin_anew()`` in every process forked from this one, as long as ``thing`` lives."""
    _watched.add(thing)


def _in_child() -> None:
    for thing in list(_watched):
        thing.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
