"""The command ``registry``: what a person reads in a registry, and does to it.

Exit status: 0 done; 2 wrong usage or name; 3 not there; 5 refused (stale, decided, frozen, suspended); 6 the store;
7 stored bytes are not what they should be; 8 columns do not fit; 130 stopped by Ctrl-C; 1 anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from registry.clock import SystemClock, read_time, say_time
from registry.commands import acts, exchange, upkeep, versions
from registry.commands.default_model import ModelCommands
from registry.commands.ending import run_command
from registry.commands.options import CacheFolder, Json, ModelName, Url, moment, open_model
from registry.commands.output import bar, entry_row, say, show, version_row
from registry.errors import NoChampion
from registry.format.entries import Entry
from registry.format.phrases import plural
from registry.format.records import ChampionRecord
from registry.model.retention import is_retired
from registry.model.transitions import champion_of
from registry.model.version import Version, author_of, dated
from registry.registry import Registry

app = ModelCommands(
    help="Versions, champion and history of the models in a registry.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=(
        "Exit status: 0 done; 2 wrong usage or name; 3 not there; 5 refused (stale, decided, frozen, suspended); 6 the "
        "store; 7 stored bytes are not what they should be; 8 columns do not fit; 130 stopped by Ctrl-C; 1 anything "
        "else."
    ),
)
for part in (versions, acts, upkeep, exchange):
    app.add_typer(part.app)

At = Annotated[str | None, typer.Option("--at", help="A past moment, such as 2024-05-01T12:00Z.")]


def main() -> None:
    """Entry point: errors a person can cause end with one message and their exit status, never a traceback."""
    run_command("registry", app)


@app.command(epilog="Example: registry models --registry s3://models/registry")
def models(registry: Url = ".retrain/registry", as_json: Json = False) -> None:
    """The models in the registry."""
    names = Registry(registry).models()
    show(names, as_json, lambda: say("\n".join(names) or f"no models in {registry}"))


@app.command(epilog="Example: registry history gbpusd_m15_direction --json")
def history(
    model: ModelName, registry: Url = ".retrain/registry", cache: CacheFolder = None, as_json: Json = False
) -> None:
    """Every version, oldest first, with its metrics."""
    opened = open_model(registry, model, cache)
    with bar() as progress:
        versions = opened.history(progress=progress)
    champion, head = opened.champion(), opened.versions.head()
    state = {} if head is None else head.state
    rows = [version_row(version, champion) for version in versions]
    told = _Told(model, versions, champion, state)
    show(rows, as_json, lambda: _print_history(told))


@app.command(epilog="Example: registry champion gbpusd_m15_direction --at 2024-05-01T12:00Z")
def champion(model: ModelName, registry: Url = ".retrain/registry", at: At = None, as_json: Json = False) -> None:
    """What production loads now, or loaded at a past moment, and by which decision."""
    opened = open_model(registry, model)
    decided = opened.deciding(None if at is None else moment(at))
    record = champion_of(decided)
    if decided is None or record is None:
        when = "" if at is None else f" at {at}"
        raise NoChampion(f"{model} has no champion{when}: nothing was promoted in {registry}")
    entry = opened.decisions.read(record.decision)
    suspended, frozen = decided.state.get("suspended"), decided.state.get("frozen")
    if frozen is not None and frozen["until"] is not None:
        then = SystemClock().now() if at is None else moment(at)
        frozen = frozen if read_time(frozen["until"]) > then else None  # over by itself
    row = {**record.to_dict(), "sentence": str(entry), "suspended": suspended, "frozen": frozen}
    show(row, as_json, lambda: _print_champion(model, record, entry, suspended, frozen))


@app.command(epilog="Example: registry log gbpusd_m15_direction --limit 10")
def log(
    model: ModelName,
    registry: Url = ".retrain/registry",
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many of the newest entries.")] = 50,
    cache: CacheFolder = None,
    as_json: Json = False,
) -> None:
    """What happened to the model, newest first: one sentence an entry."""
    entries = []
    with bar() as progress:
        for entry in open_model(registry, model, cache).log():
            entries.append(entry)
            progress("reading the log", len(entries), limit)
            if len(entries) == limit:
                break
    show([entry_row(entry) for entry in entries], as_json, lambda: _print_log(model, entries))


@dataclass(frozen=True)
class _Told:
    """What a history tells: of a model its versions, the champion among them, and the state of their log."""

    model: str
    versions: Sequence[Version]
    champion: ChampionRecord | None
    state: Mapping[str, Any]


def _print_history(told: _Told) -> None:
    """The table in the width that there is: columns are left out, from the last metric on, and no figure is cut."""
    console = Console()
    metrics = list(dict.fromkeys(name for version in told.versions for name in version.record.metrics))
    if "accuracy" in metrics and any(map(_no_skill, told.versions)):
        metrics.insert(metrics.index("accuracy") + 1, "no_skill")
    shown = ["recipe", *metrics, "author"]
    left_out: list[str] = []
    while len(shown) > 1 and _width(console, _history_table(told, shown)) > console.width:
        left_out.append(shown.pop())
    console.print(_history_table(told, shown))
    if any((version.record.measured_on or {}).get("rule") == "stream" for version in told.versions):
        words = "figures are each recipe's walk-forward: every bar predicted by a fit from before it"
        console.print(Text(words), soft_wrap=not console.is_terminal)
    if left_out:
        names = ", ".join(reversed(left_out))
        console.print(Text(f"no room for {names}: a wider window or --json shows them"), soft_wrap=True)


def _no_skill(version: Version) -> float | None:
    """What no skill scores on the bars that a version's figures are of."""
    value: float | None = (version.record.measured_on or {}).get("no_skill")
    return value


def _width(console: Console, table: Table) -> int:
    return Measurement.get(console, console.options.update(max_width=10_000), table).maximum


def _history_table(told: _Told, shown: Sequence[str]) -> Table:
    tags: dict[str, str] = told.state.get("tags", {})
    title = Text(f"{told.model}: {plural(len(told.versions), 'version')}")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("version", "registered, UTC", *shown):
        words = column in ("version", "registered, UTC", "recipe", "author")
        table.add_column(Text(column), justify="left" if words else "right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for version in told.versions:
        record = version.record
        # what a person wrote is no markup
        cells = {name: Text("" if value is None else f"{value:.4f}") for name, value in record.metrics.items()}
        cells |= {"recipe": Text(record.recipe or ""), "author": Text(author_of(version))}
        if (no_skill := _no_skill(version)) is not None:
            cells["no_skill"] = Text(f"{no_skill:.4f}")
        notes = ["champion"] if told.champion is not None and told.champion.version == record.version else []
        notes += ["retired"] if is_retired(told.state, record.number) else []
        notes += [tag for tag, tagged in tags.items() if tagged == record.version]
        table.add_row(
            record.version,
            f"{dated(version):%Y-%m-%d %H:%M}",
            *(cells.get(name, Text("")) for name in shown),
            Text(", ".join(notes)),
        )
    return table


def _print_champion(
    model: str,
    record: ChampionRecord,
    entry: Entry,
    suspended: Mapping[str, Any] | None,
    frozen: Mapping[str, Any] | None,
) -> None:
    console = Console(highlight=False, soft_wrap=True)
    simulated = ", trained on simulated bars" if record.simulated else ""
    console.print(f"{model}: {record.version} ({record.recipe or 'no recipe'}){simulated}", markup=False)
    what = "in production" if suspended is None else "champion"
    console.print(f"{what} since {say_time(entry.time)} by decision {record.decision} of {record.by}", markup=False)
    console.print(str(entry), markup=False)
    if suspended is not None:
        since = say_time(suspended["since"])
        console.print(f"not in production: suspended since {since}: {suspended['reason']}", markup=False)
    if frozen is not None:
        until = "a person unfreezes it" if frozen["until"] is None else say_time(frozen["until"])
        console.print(f"frozen: nothing is promoted until {until}: {frozen['reason']}", markup=False)


def _print_log(model: str, entries: list[Entry]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for entry in entries:
        console.print(f"{entry.time:%Y-%m-%d %H:%M:%S}  {entry.log:<9} {entry.n:>5}  {entry}", markup=False)


if __name__ == "__main__":
    main()
