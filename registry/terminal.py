"""Printing whatever a name or a reason holds on whatever a terminal, a pipe or cron can take."""

from __future__ import annotations

import codecs
import io
import json
import sys

_ESCAPED = "registry.escaped"


def print_escaped() -> None:
    """From now on what the encoding of standard output or error lacks is written as ``\\u00e9``, JSON's own escape.

    An act is in the log before it is told, and must not end as a failure because its author is called zoé.
    """
    codecs.register_error(_ESCAPED, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPED)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
