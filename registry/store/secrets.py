"""Secrets are taken out of a text before anybody reads it: what a URL carries beside its place, what signs a request.

Their form is known here, and their values where a caller says them: an error's text, a log line or an alert may repeat
the address or the header that somebody else's library had at hand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

HIDDEN = "***"

_NAME = r"[^\s'\"<>/@:]+"
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    # a query with an @, or a password with a question mark: which of the two cannot be told, so nothing of it is shown
    (re.compile(r"(://)[^\s'\"<>?@]*\?[^\s'\"<>]*@[^\s'\"<>]*"), rf"\1{HIDDEN}"),
    # user:password@ of an address, also where the password holds a slash, and where no scheme stands before it
    (re.compile(r"(://)(?:[^\s'\"<>/@]*|[^\s'\"<>@]*:[^\s'\"<>]*)@"), rf"\1{HIDDEN}@"),
    (re.compile(rf"{_NAME}:[^\s'\"<>/@]+@"), f"{HIDDEN}@"),
    # a query: tokens of webhooks, signatures of presigned addresses
    (re.compile(r"(://[^\s'\"<>?]*)\?[^\s'\"<>]+"), rf"\1?{HIDDEN}"),
    # what signs a request, as a header's value or in a query; it may be broken over lines
    (re.compile(r"(AWS4-[A-Z0-9-]+)\s+Credential=.*?Signature=[0-9A-Fa-f]*", re.DOTALL), rf"\1 {HIDDEN}"),
    (re.compile(r"(Credential|Signature)=[^\s,'\"&]+"), rf"\1={HIDDEN}"),
    (re.compile(r"(X-Amz-Security-Token['\"]?[:=]\s*)[^\s,&]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer|Authorization[:=]\s*Basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` with :data:`HIDDEN` for users, passwords and queries of addresses, for signatures and ``secrets``."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    for form, replacement in _FORMS:
        text = form.sub(replacement, text)
    return text


def printable(error: BaseException, secrets: Collection[str] = ()) -> BaseException | None:
    """``error`` as a cause that may be printed with a traceback; None where it, or what it came from, says a secret.

    A text about a header says its value, in whatever form that is.
    """
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        text = str(following)
        if masked(text, secrets) != text or "header" in text.lower():
            return None
        seen.append(following)
        following = following.__cause__ or following.__context__
    return error
