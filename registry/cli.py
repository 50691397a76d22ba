"""The command ``registry``: what a person asks of, or tells, a registry.

Exit status: 0 done; 2 wrong usage or name; 3 not there; 5 refused (stale, decided, frozen, suspended); 6 the store;
7 stored bytes are not what they should be; 8 columns do not fit; 1 anything else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .clock import write_time
from .entries import Entry
from .errors import InvalidRequest, NoChampion, RegistryError
from .model import Model
from .reader import Version
from .records import ChampionRecord
from .registry import Registry

app = typer.Typer(
    help="Versions, champion and history of the models in a registry.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]
Url = Annotated[
    str,
    typer.Option("--registry", envvar="RETRAIN_REGISTRY", help="Folder, or s3://bucket/prefix (AWS_* variables)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
At = Annotated[str | None, typer.Option("--at", help="A past moment, such as 2024-05-01T12:00Z.")]


def main() -> None:
    """Entry point: errors a person can cause end with one message and their exit status, never a traceback."""
    try:
        app()
    except RegistryError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"registry: {error}", markup=False)
        sys.exit(error.exit_status)


@app.command()
def models(registry: Url = ".retrain/registry", as_json: Json = False) -> None:
    """The models in the registry."""
    names = Registry(registry).models()
    _show(names, as_json, lambda: Console().print("\n".join(names) or f"no models in {registry}", highlight=False))


@app.command()
def history(model: ModelName, registry: Url = ".retrain/registry", as_json: Json = False) -> None:
    """Every version, oldest first, with its metrics."""
    book = _model(registry, model)
    versions = book.history()
    champion = book.champion()
    rows = [_version_row(version, champion) for version in versions]
    _show(rows, as_json, lambda: Console().print(_history_table(model, versions, champion)))


@app.command()
def champion(model: ModelName, registry: Url = ".retrain/registry", at: At = None, as_json: Json = False) -> None:
    """What production loads now, or loaded at a past moment, and by which decision."""
    book = _model(registry, model)
    record = book.champion(None if at is None else _moment(at))
    if record is None:
        when = "" if at is None else f" at {at}"
        raise NoChampion(f"{model} has no champion{when}: nothing was promoted in {registry}")
    entry = book.decisions.read(record.decision)
    told = {**record.to_dict(), "sentence": str(entry)}
    _show(told, as_json, lambda: _print_champion(model, record, entry))


@app.command()
def log(
    model: ModelName,
    registry: Url = ".retrain/registry",
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the newest.")] = 50,
    as_json: Json = False,
) -> None:
    """What happened to the model, newest first: one sentence an entry."""
    found = []
    for entry in _model(registry, model).log():
        found.append(entry)
        if len(found) == limit:
            break
    _show([_entry_row(entry) for entry in found], as_json, lambda: _print_log(model, found))


def _model(url: str, name: str) -> Model:
    book = Registry(url).model(name)
    if book.versions.head() is None and book.decisions.head() is None:
        book.version("latest")  # raises ModelNotFound, which says what to do
    return book


def _moment(text: str) -> Any:
    from datetime import UTC, datetime

    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"{text!r} is not a moment: write 2024-05-01T12:00Z") from error
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


def _show(values: Any, as_json: bool, otherwise: Callable[[], None]) -> None:
    if as_json:
        sys.stdout.write(json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    else:
        otherwise()


def _version_row(version: Version, champion: ChampionRecord | None) -> dict[str, Any]:
    return {
        **version.record.to_dict(),
        "date": write_time(version.registered_at),
        "author": version.author,
        "champion": champion is not None and champion.version == version.record.version,
    }


def _entry_row(entry: Entry) -> dict[str, Any]:
    values = {name: value for name, value in entry.to_dict().items() if name != "state"}
    return {**values, "sentence": str(entry)}


def _history_table(model: str, versions: list[Version], champion: ChampionRecord | None) -> Table:
    metrics = list(dict.fromkeys(name for version in versions for name in version.record.metrics))
    table = Table(title=f"{model}: {len(versions)} versions", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("version", "registered", "recipe", "author"):
        table.add_column(column)
    for name in metrics:
        table.add_column(name, justify="right")
    table.add_column("")
    for version in versions:
        record = version.record
        values = [record.metrics.get(name) for name in metrics]
        table.add_row(
            record.version,
            f"{version.registered_at:%Y-%m-%d %H:%M}",
            record.recipe or "",
            version.author,
            *("" if value is None else f"{value:.4f}" for value in values),
            "champion" if champion is not None and champion.version == record.version else "",
        )
    return table


def _print_champion(model: str, record: ChampionRecord, entry: Entry) -> None:
    console = Console(highlight=False, soft_wrap=True)
    simulated = ", trained on simulated bars" if record.simulated else ""
    console.print(f"{model}: {record.version} ({record.recipe or 'no recipe'}){simulated}")
    console.print(f"in production since {entry.time:%Y-%m-%d %H:%M} UTC by decision {record.decision} of {record.by}")
    console.print(str(entry), markup=False)


def _print_log(model: str, entries: list[Entry]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for entry in entries:
        console.print(f"{entry.time:%Y-%m-%d %H:%M:%S}  {entry.log:<9} {entry.n:>5}  {entry}", markup=False)


if __name__ == "__main__":
    main()
