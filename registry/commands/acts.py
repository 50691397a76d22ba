"""The commands by which a person acts on a model: each is one entry of a log, with a name and a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.clock import say_time
from registry.commands.default_model import ModelCommands
from registry.commands.options import (
    Author,
    Json,
    Key,
    ModelName,
    Reason,
    SigningKey,
    Url,
    VersionName,
    moment,
    on_this_machine,
    open_model,
    open_registry,
)
from registry.commands.output import entry_line, entry_row, print_entry, say, show
from registry.errors import InvalidRequest, StaleDecision
from registry.model.roles import Model
from registry.trust.keyring import public_key, write_new_key

app = ModelCommands()

_WHY = '--reason "the feed was wrong"'


@app.command(epilog=f"Example: registry promote gbpusd_m15_direction v12 --force {_WHY}")
def promote(
    model: ModelName,
    version: VersionName,
    reason: Reason,
    author: Author,
    force: Annotated[bool, typer.Option("--force", help="Required, because this overrules the gate.")] = False,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Make a version champion against the gate; recorded as forced, and evidence starts again from zero."""
    if not force:
        raise InvalidRequest(
            f"only the gate promotes on evidence; to make {version} champion whatever it says, add --force: it is "
            "recorded as forced, with your name and reason, and evidence starts afresh"
        )
    opened = open_model(registry, model, signing_key=signing_key)
    chosen = opened.find(version)
    print_entry(opened.force(chosen.record.version, author=author, reason=reason, key=key), as_json)


@app.command(epilog=f"Example: registry rollback gbpusd_m15_direction --to v9 {_WHY}")
def rollback(
    model: ModelName,
    reason: Reason,
    author: Author,
    to: Annotated[str | None, typer.Option("--to", help="A former champion; default: the last good one.")] = None,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Back to the last champion that nobody rolled back from, or to a named former one."""
    opened = open_model(registry, model, signing_key=signing_key)
    print_entry(opened.rollback(to, author=author, reason=reason, key=key), as_json)


@app.command(epilog=f"Example: registry freeze gbpusd_m15_direction --until 2024-06-01 {_WHY}")
def freeze(
    model: ModelName,
    reason: Reason,
    author: Author,
    until: Annotated[str | None, typer.Option("--until", help="A moment; default: until unfreeze.")] = None,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Forbid promotions until a moment, or until unfreeze."""
    end = None if until is None else moment(until)
    opened = open_model(registry, model, signing_key=signing_key)
    print_entry(opened.freeze(until=end, author=author, reason=reason, key=key), as_json)


@app.command(epilog=f"Example: registry unfreeze gbpusd_m15_direction {_WHY}")
def unfreeze(
    model: ModelName,
    reason: Reason,
    author: Author,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Allow promotions again; evidence starts from zero."""
    opened = open_model(registry, model, signing_key=signing_key)
    print_entry(opened.unfreeze(author=author, reason=reason, key=key), as_json)


@app.command(epilog=f"Example: registry suspend gbpusd_m15_direction {_WHY}")
def suspend(
    model: ModelName,
    reason: Reason,
    author: Author,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Tell production to stop serving the champion, until resume."""
    opened = open_model(registry, model, signing_key=signing_key)
    print_entry(opened.suspend(author=author, reason=reason, key=key), as_json)


@app.command(epilog=f"Example: registry resume gbpusd_m15_direction {_WHY}")
def resume(
    model: ModelName,
    reason: Reason,
    author: Author,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Let production serve the champion again."""
    opened = open_model(registry, model, signing_key=signing_key)
    print_entry(opened.resume(author=author, reason=reason, key=key), as_json)


@app.command(epilog='Example: registry repair gbpusd_m15_direction --reason "the clock was a year ahead"')
def repair(
    model: ModelName,
    reason: Reason,
    author: Author,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Reset what was dated in the future, or was removed and is in no copy, so that nights and writers go on."""
    opened = open_registry(registry, signing_key=signing_key).model(model)  # not read yet: it may be what is refused
    entries = opened.repair(author=author, reason=reason, key=key)
    show([entry_row(entry) for entry in entries], as_json, lambda: say(*map(entry_line, entries)))


@app.command(epilog=f"Example: registry retire gbpusd_m15_direction v3 v4 {_WHY}")
def retire(
    model: ModelName,
    versions: Annotated[list[str], typer.Argument(metavar="VERSION", help="v3, v4, …")],
    reason: Reason,
    author: Author,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Give up the artifacts of versions that are neither champion nor one of the last ten; records stay."""
    opened = open_model(registry, model, signing_key=signing_key)
    print_entry(opened.retire(versions, author=author, reason=reason, key=key), as_json)


@app.command(epilog="Example: registry tag gbpusd_m15_direction best v12")
def tag(
    model: ModelName,
    name: Annotated[str, typer.Argument(metavar="TAG", help="Lower-case letters, digits, - and _.")],
    author: Author,
    version: Annotated[str | None, typer.Argument(metavar="VERSION", help="v3, champion or latest.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the tag.")] = False,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Give a version a second name, or remove one."""
    if remove == (version is not None):
        raise InvalidRequest("name the version that gets the tag, or --remove to take the tag away")
    opened = open_model(registry, model, signing_key=signing_key)
    number = None if version is None else opened.find(version).record.version
    print_entry(opened.tag(name, number, author=author, key=key), as_json)


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
    opened = open_model(registry, model, signing_key=signing_key)
    if not as_json:
        _show_proposed(opened, version)
    print_entry(opened.approve(version, author=author, reason=reason, key=key), as_json)


def _show_proposed(model: Model, version: str) -> None:
    """What an approval is of: the name of a version says little, since another may be registered under it."""
    try:
        proposed = model.proposed(version)
    except StaleDecision:
        return  # approved before, with the same key; or it is refused below
    say(
        f"{proposed}: entry {proposed.entry} of versions, registered by {proposed.author} at "
        f"{say_time(proposed.registered_at)}, archive {proposed.record.sha256}"
    )


@app.command(epilog="Example: registry key approver.pem --new")
def key(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", callback=on_this_machine, help="File of an Ed25519 private key, PEM.")
    ],
    new: Annotated[bool, typer.Option("--new", help="Make a new key; an existing file is not overwritten.")] = False,
    as_json: Json = False,
) -> None:
    """The public key of a signing key: what stands in RETRAIN_TRUSTED_PROMOTERS or RETRAIN_TRUSTED_TRAINERS."""
    public = write_new_key(file) if new else public_key(file)
    show({"public": public}, as_json, lambda: say(public))
