"""The parser of features: text in, a tree or one message that names the place of the fault out.

    comparison  = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
    sum         = product { ("+" | "-") product }
    product     = factor { ("*" | "/") factor }
    factor      = "-" factor | number | column | word | "(" comparison ")" | function "(" arguments ")"
    column      = [ symbol "." ] name

A parser of its own rather than Python's: ``return`` is a word of Python, whose grammar moves with its versions, while
a feature has to be read the same way for as long as a model lives (docs/decisions/0015-features.md).
"""

from __future__ import annotations

import re
from typing import NoReturn

from registry.errors import InvalidRequest
from registry.features.grammar import (
    COMPARISONS,
    FUNCTIONS,
    ONE_BAR,
    WINDOWS,
    WORDS,
    Expression,
    shape_of,
)

MOST_CHARACTERS = 500
_DEEPEST = 25
_TOKEN = re.compile(
    r" *(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)(?![A-Za-z0-9_.])"
    r"|(?P<name>(?:[A-Z][A-Z0-9]{1,19}\.)?[A-Za-z_][A-Za-z0-9_]{0,63})(?![A-Za-z0-9_.])"
    r"|\"(?P<text>[A-Za-z0-9_]{1,20})\""
    r"|(?P<sign><=|>=|==|!=|[-+*/()<>,]))"
)


def parse(text: str) -> Expression:
    """The tree that ``text`` spells; :class:`InvalidRequest` where it spells none, or the same for every bar."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidRequest(
            f"feature {text[:40]!r}… has {len(text):,} characters: write at most {MOST_CHARACTERS}, or two features"
        )
    try:
        tree = _Parser(text).whole()
    except InvalidRequest as wrong:
        raise InvalidRequest(f"feature {text!r} is not understood: {wrong}") from wrong
    if not tree.columns and not any(part.operation in WORDS for part in tree.parts):
        raise InvalidRequest(f"feature {text!r} is the same for every bar: name a column")
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._at = 0
        self._depth = 0

    def _split(self) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]] = []
        place = 0
        end = len(self._text.rstrip(" "))
        while place < end:
            match = _TOKEN.match(self._text, place)
            if match is None or match.lastgroup is None:
                rest = self._text[place:].lstrip(" ")
                raise InvalidRequest(f"{rest[:10]!r} (character {len(self._text) - len(rest) + 1}) is no part of one")
            found.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1))
            place = match.end()
        return found

    def whole(self) -> Expression:
        tree = self._comparison()
        if self._at < len(self._tokens):
            self._expected("the end")
        return tree

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at][:2] if self._at < len(self._tokens) else ("end", "")

    def _take(self, *signs: str) -> str | None:
        kind, value = self._peek()
        if kind != "sign" or value not in signs:
            return None
        self._at += 1
        return value

    def _need(self, sign: str) -> None:
        if self._take(sign) is None:
            self._expected(repr(sign))

    def _expected(self, what: str) -> NoReturn:
        if self._at < len(self._tokens):
            _, value, place = self._tokens[self._at]
            raise InvalidRequest(f"{value!r} (character {place}) stands where {what} is expected")
        raise InvalidRequest(f"it ends where {what} is expected")

    def _comparison(self) -> Expression:
        left = self._sum()
        sign = self._take(*COMPARISONS)
        return left if sign is None else Expression(sign, (left, self._sum()))

    def _sum(self) -> Expression:
        left = self._product()
        while (sign := self._take("+", "-")) is not None:
            left = Expression(sign, (left, self._product()))
        return left

    def _product(self) -> Expression:
        left = self._factor()
        while (sign := self._take("*", "/")) is not None:
            left = Expression(sign, (left, self._factor()))
        return left

    def _factor(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InvalidRequest(f"it is more than {_DEEPEST} levels deep: write two features")
        try:
            return self._one_factor()
        finally:
            self._depth -= 1

    def _one_factor(self) -> Expression:
        if self._take("-") is not None:
            inner = self._factor()
            if inner.operation == "number":
                return Expression("number", numbers=(-inner.numbers[0],))
            return Expression("negative", (inner,))
        if self._take("(") is not None:
            inner = self._comparison()
            self._need(")")
            return inner
        kind, value = self._peek()
        if kind == "number":
            return Expression("number", numbers=(self._number(),))
        if kind != "name":
            self._expected("a column, a number or a function")
        self._at += 1
        if self._take("(") is not None:
            return self._call(value)
        return Expression(value) if value in WORDS else Expression("column", name=value)

    def _call(self, function: str) -> Expression:
        if function not in FUNCTIONS:
            raise InvalidRequest(f"there is no function {function}: {', '.join(FUNCTIONS)}")
        name = self._longer() if function == "at" else ""
        inner, count = shape_of(function)
        parts = tuple(self._comparison() for _ in range(inner))
        numbers: list[float] = []
        if function in ONE_BAR and self._peek() == ("sign", ")"):
            numbers.append(1.0)
        while len(numbers) < count:
            if self._take(",") is None:
                self._expected(_WANTED[function])
            numbers.append(self._signed_number(_WANTED[function]))
        self._need(")")
        return Expression(function, parts, tuple(numbers), name)

    def _longer(self) -> str:
        kind, value = self._peek()
        if kind != "text":
            self._expected('a longer bar in double quotes, as "1h",')
        self._at += 1
        self._need(",")
        return value

    def _signed_number(self, what: str) -> float:
        negative = self._take("-") is not None
        if self._peek()[0] != "number":
            self._expected(what)
        value = self._number()
        return -value if negative else value

    def _number(self) -> float:
        value = self._peek()[1]
        self._at += 1
        return float(value)


_WANTED = {**dict.fromkeys(WINDOWS, "a comma and a number of bars"), "clip": "a comma and a bound"}
