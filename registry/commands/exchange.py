"""The commands ``registry export``, ``bundle``, ``import-notebook`` and ``predict``: data in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from registry.commands.default_model import ModelCommands
from registry.commands.options import (
    Author,
    Json,
    ModelName,
    SigningKey,
    Url,
    VersionName,
    on_this_machine,
    open_model,
    open_registry,
)
from registry.commands.output import bar, say, show
from registry.commands.table import Predicted, read_columns, write_predictions
from registry.errors import InvalidRequest
from registry.exchange.bundle import bundle as bundled
from registry.exchange.export import export as exported
from registry.exchange.notebook import ImportOptions
from registry.exchange.notebook import import_notebook as imported
from registry.store.files import write_once

app = ModelCommands()

_OTHER_NAME = "give another name with --to"


@app.command(epilog="Example: registry export gbpusd_m15_direction v12 --to v12")
def export(
    model: ModelName,
    version: VersionName,
    to: Annotated[
        Path, typer.Option("--to", callback=on_this_machine, help="Folder to write to; created if it does not exist.")
    ],
    registry: Url = ".retrain/registry",
    as_json: Json = False,
) -> None:
    """Write a version as files: archive, record, decision, and a model card in Markdown."""
    paths = [str(path) for path in exported(open_model(registry, model), version, to)]
    show(paths, as_json, lambda: say(*paths))


@app.command(epilog="Example: registry bundle gbpusd_m15_direction 12 --to decision-12.zip")
def bundle(
    model: ModelName,
    decision: Annotated[int, typer.Argument(metavar="N", help="Number of the entry of the decisions log.")],
    to: Annotated[
        Path | None, typer.Option("--to", callback=on_this_machine, help="File to write; default MODEL-decision-N.zip.")
    ] = None,
    registry: Url = ".retrain/registry",
    as_json: Json = False,
) -> None:
    """A decision with all it rests on in one file, which examples/check_bundle.py checks offline."""
    opened = open_model(registry, model)
    path = to or Path(f"{model}-decision-{decision}.zip")
    with bar() as progress:
        data = bundled(opened, decision, progress=progress)
    write_once(path, data, otherwise=_OTHER_NAME)
    facts = {"file": str(path), "bytes": len(data), "decision_sha256": opened.decisions.read(decision).digest}
    lines = (
        f"{path}: {len(data):,} bytes",
        f"check it: python check_bundle.py {path} --digest {facts['decision_sha256']}",
    )
    show(facts, as_json, lambda: say(*lines))


@app.command(epilog="Example: registry import-notebook registry.json --as gbpusd_m15_direction --zone Europe/Paris")
def import_notebook(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The notebook's registry.json.")],
    author: Author,
    model: Annotated[str | None, typer.Option("--model", help="Only this one of its models.")] = None,
    name: Annotated[str | None, typer.Option("--as", help="What the model is called here.")] = None,
    zone: Annotated[str, typer.Option("--zone", help="Zone of times that name none.")] = "UTC",
    trust_pickles: Annotated[
        bool, typer.Option("--trust-pickles", help="Open its pickles: this runs whatever is in them.")
    ] = False,
    registry: Url = ".retrain/registry",
    signing_key: SigningKey = None,
    as_json: Json = False,
) -> None:
    """Import the versions of a notebook's registry; a second run adds only what is new."""
    try:
        clock = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidRequest(f"{zone!r} is no time zone: write Europe/Paris") from error
    with bar() as progress:
        versions = imported(
            open_registry(registry, signing_key=signing_key),
            path,
            author=author,
            options=ImportOptions(model, name, zone=clock, trust_pickles=trust_pickles),
            progress=progress,
        )
    lines = [
        f"{version.model} {version.version}: {version.original} of the notebook, "
        f"{'added' if version.added else 'there already'}{'' if version.loadable else ', a record without artifact'}"
        for version in versions
    ]
    show([version.to_dict() for version in versions], as_json, lambda: say(*lines or [f"{path} holds no versions"]))


@app.command(epilog="Example: registry predict gbpusd_m15_direction bars.csv --to said.csv")
def predict(
    model: ModelName,
    bars: Annotated[str, typer.Argument(metavar="CSV", help="Rows with the version's columns; - reads from stdin.")],
    version: Annotated[str, typer.Option("--version", help="v3, champion, latest, or a tag.")] = "champion",
    to: Annotated[
        Path | None, typer.Option("--to", callback=on_this_machine, help="CSV to write; default: standard output.")
    ] = None,
    registry: Url = ".retrain/registry",
    as_json: Json = False,
) -> None:
    """What a version says about the rows of a CSV file: score, probability, up or down."""
    loaded = open_model(registry, model).load(version)
    table = read_columns(bars, loaded.archive.signature.columns)
    times = {table.named: table.names} if loaded.archive.signature.needs_times else {}
    said, record = loaded.predict({**table.columns, **times}, pick=True), loaded.record
    ends = (None, None) if record is None else (record.trained_from, record.trained_to)
    window = None if ends[0] is None or ends[1] is None else (ends[0], ends[1])
    predicted = Predicted(table.after(loaded.bars - 1), said, window)
    if as_json:
        show(predicted.to_dict(), as_json, lambda: None)
    elif to is None:
        write_predictions(predicted)
    else:
        write_once(to, predicted.to_csv().encode(), otherwise=_OTHER_NAME)
        say(f"{to}: {len(predicted.table.names):,} rows by {predicted.prediction.version}")
    expected = predicted.prediction.expected
    if not as_json:
        typer.echo(f"probability: {predicted.prediction.probability.says}", err=True)
        if expected is not None:
            typer.echo(f"{predicted.prediction.version}: {expected}", err=True)
        if predicted.seen is not None:
            typer.echo(f"{predicted.prediction.version}: {predicted.seen}", err=True)
