"""The commands ``registry show`` and ``compare``: the card of one version, or how two differ."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from registry.analysis.comparison import Comparison, MetricRow, Standing
from registry.analysis.comparison import compare as compared
from registry.analysis.noise import PairedDays
from registry.commands.card import version_card
from registry.commands.default_model import ModelCommands
from registry.commands.options import Json, ModelName, Url, VersionName, open_model
from registry.commands.output import say, show, version_row
from registry.errors import PackageMissing
from registry.extras import needing
from registry.model.roles import Model
from registry.model.version import Version

app = ModelCommands()

_STYLES = {"better": "green", "worse": "red"}


@app.command("show", epilog="Example: registry show gbpusd_m15_direction v12")
def show_version(
    model: ModelName, version: VersionName = "champion", registry: Url = ".retrain/registry", as_json: Json = False
) -> None:
    """One version on a card: when and by whom, trained and measured on what, with which figures; --json has all."""
    opened = open_model(registry, model)
    row = version_row(opened.version(version), opened.champion())
    show(row, as_json, lambda: Console(highlight=False).print(version_card(model, row)))


@app.command(epilog="Example: registry compare gbpusd_m15_direction v1 v2")
def compare(
    model: ModelName,
    first: Annotated[str, typer.Argument(metavar="A", help="v1, champion, latest, or a tag.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The version that is better, or worse, than A.")],
    registry: Url = ".retrain/registry",
    as_json: Json = False,
) -> None:
    """Two versions side by side: better, worse, within noise, or not comparable."""
    opened = open_model(registry, model)
    a, b = opened.version(first), opened.version(second)
    comparison = compared(a, b, days=paired_days(opened, a, b))
    show(comparison.to_dict(), as_json, lambda: _print_comparison(model, comparison))


def _print_comparison(model: str, comparison: Comparison) -> None:
    title = f"{model}: {comparison.b} beside {comparison.a}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("metric")
    for column in (comparison.a, comparison.b, "difference", "%"):
        table.add_column(column, justify="right")
    table.add_column("")
    table.add_column("why", overflow="fold")
    for row in comparison.metrics:
        table.add_row(*_comparison_row(row))
    if comparison.metrics:
        Console(highlight=False).print(table)
    else:
        say(f"{title}: neither has a metric")
    for heading, changes in (
        ("parameters", comparison.parameters),
        ("data", comparison.data),
        ("environment", comparison.environment),
    ):
        say(f"{heading}: {'the same' if not changes else ''}".rstrip(), *(f"  {change}" for change in changes))


def _comparison_row(row: MetricRow) -> tuple[str | Text, ...]:
    status = Text(str(row.status), style=_STYLES.get(str(row.status), ""))
    untold = row.status == Standing.NOT_COMPARABLE  # figures of different bars have no difference
    difference = "" if row.difference is None or untold else f"{row.difference:+.4f}"
    percent = "" if row.percent is None or untold else f"{row.percent:+.2f}"
    return Text(row.name), _figure(row.a), _figure(row.b), difference, percent, status, Text(row.reason)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


GROUP = "registry.paired_days"
"""Entry points: ``(model, a, b) -> {metric: PairedDays of b - a}``."""


def paired_days(model: Model, a: Version, b: Version) -> Mapping[str, PairedDays]:
    """By metric; empty where there is no evidence, or what reads it is not installed (the extra ``nights``)."""
    if not model.manifest().files:
        return {}
    days: dict[str, PairedDays] = {}
    for reader in entry_points(group=GROUP):
        try:
            with needing("nights", "evidence"):
                read = reader.load()
        except PackageMissing:
            continue
        days |= read(model, a, b)
    return days
