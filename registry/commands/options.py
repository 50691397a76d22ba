"""The options that the commands of ``registry`` share, and opening a model as they say."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from registry.errors import InvalidName, InvalidRequest, RegistryError
from registry.model.roles import Model
from registry.registry import Registry
from registry.store.place import local_path
from registry.trust.keyring import Keyring


def models_named(context: typer.Context, incomplete: str) -> list[str]:
    """Completion of a model's name, in the registry that the line names so far."""
    url = context.params.get("registry") or os.environ.get("RETRAIN_REGISTRY") or ".retrain/registry"
    try:
        return [name for name in Registry(url).models() if name.startswith(incomplete)]
    except RegistryError:
        return []  # a shell that completes has no place for a message


ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Name of the model; needed where the registry has several.",
        show_default=False,
        autocompletion=models_named,
    ),
]
Url = Annotated[
    str,
    typer.Option("--registry", envvar="RETRAIN_REGISTRY", help="Folder, or s3://bucket/prefix (AWS_* variables)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CacheFolder = Annotated[
    Path | None,
    typer.Option("--cache", envvar="RETRAIN_CACHE", help="Folder of a local cache; without it nothing is cached."),
]


SigningKey = Annotated[
    Path | None,
    typer.Option("--signing-key", envvar="RETRAIN_SIGNING_KEY", help="File of an Ed25519 private key to sign with."),
]


def on_this_machine(path: Path | None) -> Path | None:
    """The callback of options that name what is written here: the address of a bucket would become a folder ``s3:``."""
    return None if path is None else local_path(path, "a place to write to")


def open_model(url: str, name: str, cache: Path | None = None, signing_key: Path | None = None) -> Model:
    """The model, with the keys of the environment; :class:`ModelNotFound` where it has no entry yet."""
    model = open_registry(url, cache, signing_key).model(name)
    if model.versions.head() is None and model.decisions.head() is None:
        model.version("latest")  # raises ModelNotFound, which says what to do
    return model


def open_begun(url: str, name: str, signing_key: Path | None = None) -> Model:
    """As :func:`open_model`, also where all there is was left by a writer cut off before its first entry."""
    model = open_registry(url, signing_key=signing_key)
    return model.model(name) if name in model.models() else open_model(url, name, signing_key=signing_key)


def open_registry(url: str, cache: Path | None = None, signing_key: Path | None = None) -> Registry:
    """The registry, with the keys of the environment."""
    ring = Keyring.configured(signing_key)
    return Registry(url, cache=cache, signer=ring.signer, trusted=ring.trusted)


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
