"""What a text may say of an address or a request, and what is taken out of it."""

from __future__ import annotations

import pytest
from botocore import exceptions as client
from hypothesis import example, given
from hypothesis import strategies as st

from registry.store.faults import understand
from registry.store.secrets import masked, printable

WORD = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="'\"<>"), min_size=8)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("look at https://me:secret@host:9000/place now", "look at https://***@host:9000/place now"),
        ("look at https://secret@host/place", "look at https://***@host/place"),
        ("a password with a slash: https://me:sec/ret@host/x", "a password with a slash: https://***@host/x"),
        ("no scheme: me:secret@host:9000", "no scheme: ***@host:9000"),
        ('posted to "https://host/hook?token=secret&a=b".', 'posted to "https://host/hook?***".'),
        (
            "AWS4-HMAC-SHA256 Credential=KEY\n/20240101/r/s3/aws4_request, SignedHeaders=host, Signature=ab12",
            "AWS4-HMAC-SHA256 ***",
        ),
        ("X-Amz-Security-Token: secret", "X-Amz-Security-Token: ***"),
        ("Authorization: Bearer abcdefghij", "Authorization: Bearer ***"),
        # what people need to read stays
        ("k in s3://bucket/root: nothing is stored there (404 NoSuchKey)", None),
        ("http://127.0.0.1:9000/bucket cannot be reached at 12:30", None),
        ("GBPUSD_M15_2024_features.csv row 14: 2 of 6, why? nobody knows", None),
        ("forced by ann@example.org: the evidence is plain", None),
        ("Bearer of news", None),
    ],
)
def test_what_is_secret_is_taken_out(text: str, shown: str | None) -> None:
    assert masked(text) == (text if shown is None else shown)
    assert masked(masked(text)) == masked(text)


@given(WORD.filter(lambda word: "@" not in word))
def test_no_password_of_an_address_is_left(password: str) -> None:
    assert password not in masked(f"cannot connect to https://someone:{password}@host.example/place today")


@given(WORD)
@example("to=mailto:me@host&token=secret")  # what came after the @ was left
@example("https://")
def test_no_query_of_an_address_is_left(query: str) -> None:
    place = "***" if "@" in query else "host.example/hook?***"
    assert masked(f"cannot post to https://host.example/hook?{query} today") == f"cannot post to https://{place} today"


def test_what_the_client_says_of_a_header_is_never_repeated() -> None:
    error = client.HTTPClientError(error=ValueError(r"Invalid header value b'CANARY\n'"))
    fault = understand(error)
    assert "CANARY" not in fault.said + fault.fix
    assert printable(error) is None


def test_a_cause_is_kept_where_it_says_no_secret() -> None:
    plain, telling = ValueError("no such host"), ValueError("https://me:secret@host")
    assert printable(plain) is plain
    assert printable(telling) is None
    plain.__context__ = telling
    assert printable(plain) is None
