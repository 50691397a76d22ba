"""What a holder of a key does: approve what a night proposed; make a key, show whose it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..keyring import public_key, write_new_key
from .acts import told
from .asking import Author, Key, Reason
from .options import Json, ModelName, SigningKey, Url, open_model, show
from .output import say

app = typer.Typer()


@app.command(epilog='Example: registry approve gbpusd_m15_direction v12 --reason "the evidence is plain"')
def approve(
    model: ModelName,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version that the night proposed, v12.")],
    reason: Reason,
    author: Author,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Make champion what the last night proposed and held for a person; stale once anything else was decided."""
    book = open_model(registry, model, signing_key=signing_key)
    told(book.approve(version, author=author, reason=reason, key=key), as_json)


@app.command(epilog="Example: registry key approver.pem --new")
def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of an Ed25519 private key, PEM.")],
    new: Annotated[bool, typer.Option("--new", help="Make the key first; an existing file is left alone.")] = False,
    as_json: Json = False,
) -> None:
    """The public key of a signing key: what stands in RETRAIN_TRUSTED_PROMOTERS or RETRAIN_TRUSTED_TRAINERS."""
    public = write_new_key(file) if new else public_key(file)
    show({"public": public}, as_json, lambda: say(public))
