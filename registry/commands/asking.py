"""What a person says with a command: which version, who, why, when."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from ..errors import InvalidName, InvalidRequest


def login_name() -> str:
    """Who is logged in; :class:`InvalidName` where the system does not know."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise InvalidName("who does this is not known: say it with --author or RETRAIN_AUTHOR") from error


VersionName = Annotated[str, typer.Argument(metavar="VERSION", help="v3, champion, latest, or a tag.")]
Author = Annotated[
    str,
    typer.Option(
        "--author",
        envvar="RETRAIN_AUTHOR",
        default_factory=login_name,
        show_default="the login name",
        help="Who does this.",
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in one line; it is recorded.")]
Key = Annotated[str | None, typer.Option("--key", help="Idempotency key: the same act with the same key is done once.")]


def moment(text: str) -> datetime:
    """The moment that ``text`` names, UTC where it says no zone; :class:`InvalidRequest`."""
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # OverflowError: the last day of 9999 in a zone west of UTC
        raise InvalidRequest(f"{text!r} is not a moment: write 2024-05-01T12:00Z") from error
