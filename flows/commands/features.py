"""``retrain features``: yearly feature files from raw exports of prices."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.console import Console

from flows.bars import DEFINITIONS
from flows.bars.clock import FileClock, Stamped
from flows.bars.contents import LARGEST
from flows.bars.raw import Built, Choices, Export, Layout, add, build, read_export
from flows.bars.raw.building import Last, Years
from flows.bars.raw.layouts import column_map, described
from flows.bars.raw.reading import stamped_at_close
from flows.commands.options import Allow, Json, checked_names
from flows.errors import BarsMissing, RequestRefused
from flows.instruments import RAW_NAMES
from flows.settings import load_settings
from registry import SystemClock
from registry.store.place import local_path

AUTO = "auto"


def features(
    raw: Annotated[
        list[Path],
        typer.Argument(metavar="RAW...", help="Exports: HistData, MetaTrader, Dukascopy and others, packed or not."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the yearly feature files.")],
    append: Annotated[
        bool, typer.Option("--add", help="Append only bars later than the last one in the folder.")
    ] = False,
    clock: Annotated[
        str | None, typer.Option(help="Clock of the exports; files are written by RETRAIN_CLOCK. Default: the same.")
    ] = None,
    stamped: Annotated[
        str | None, typer.Option(help="The moment of a bar that an export's time is, open or close. Default: open.")
    ] = None,
    definitions: Annotated[str, typer.Option(help=f"{' or '.join(DEFINITIONS)} (Wilder's, by TA-Lib).")] = "notebook",
    years: Annotated[
        str, typer.Option(help="continuous, or apart: indicators begin anew each year, as the notebook's.")
    ] = "continuous",
    bars: Annotated[
        str, typer.Option(help=f"Length of the exports' bars: {', '.join(RAW_NAMES.values())} or auto.")
    ] = AUTO,
    last: Annotated[
        str, typer.Option(help="The last quarter of an hour: auto (written if its last minute is there), keep or drop.")
    ] = AUTO,
    columns: Annotated[str, typer.Option(help="time=Date+Time,open=O,high=H,low=L,close=C")] = "",
    delimiter: Annotated[str | None, typer.Option(help="The character between columns, or the word tab.")] = None,
    time_format: Annotated[str | None, typer.Option(help="As for strptime; default: ISO 8601.")] = None,
    max_gap_days: Annotated[float, typer.Option(min=0.1, max=36_500, help="A longer gap is an error.")] = 5,
    allow: Allow = None,
    as_json: Json = False,
) -> None:
    """Build GBPUSD_M15_{year}_features.csv (RETRAIN_INSTRUMENT: of another) from raw bars: all or, with --add, what
    is new; all files or none."""
    settings = load_settings()
    written_by = settings.file_clock
    read_by = FileClock.parse(clock or settings.plain_clock)
    choices = Choices(
        clock=FileClock.parse(written_by).name,
        definitions=_one_of("--definitions", definitions, DEFINITIONS),
        years=_one_of("--years", years, get_args(Years)),
        last=_one_of("--last", last, get_args(Last)),
        longest_gap=timedelta(days=max_gap_days),
        read_by=read_by.name,
        allow=checked_names(allow or ()),
        now=SystemClock().now(),
        instrument=settings.traded,
    )
    at_close = _one_of("--stamped", stamped or "open", get_args(Stamped)) == "close"
    lengths = {RAW_NAMES[each]: each for each in choices.instrument.made_of}
    minutes = lengths.get(_one_of("--bars", bars, (AUTO, *lengths)))
    layout = described(column_map(columns), delimiter, time_format)
    local_path(out, "a folder for feature files")
    exports = [_read(path, choices, layout, minutes) for path in raw]
    if clock is not None:
        _refuse_second_clock(clock, exports)
    if at_close:
        exports = [stamped_at_close(export) for export in exports]
    built = (add if append else build)(out, exports, choices)
    if as_json:
        told = asdict(built) | {"exports": [str(export) for export in exports]}
        sys.stdout.write(json.dumps(told, indent=2, default=str) + "\n")
    else:
        _show(built, exports)


def _read(path: Path, choices: Choices, layout: Layout | None, minutes: int | None) -> Export:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)  # a pipe or a device may never end
    except OSError as error:
        raise BarsMissing(f"{path} cannot be read: {error.strerror}") from error
    clock = FileClock.parse(choices.read_by or choices.clock)
    return read_export(path.name, content, clock=clock, layout=layout, minutes=minutes, instrument=choices.instrument)


def _refuse_second_clock(clock: str, exports: list[Export]) -> None:
    zoned = [export.file for export in exports if export.zoned]
    if zoned:
        raise RequestRefused(
            f"--clock {clock} contradicts {', '.join(zoned)}, whose times carry their own offset: leave out --clock, "
            "or read these files by themselves"
        )


def _one_of(option: str, value: str, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise RequestRefused(f"{option} {value!r}: choose among {', '.join(allowed)}")
    return value


def _show(built: Built, exports: list[Export]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    of_exports = {repair for export in exports for repair in export.repairs}
    for export in exports:
        console.print(str(export), markup=False)
    for repair in built.repairs:
        if repair not in of_exports:
            console.print(f"  repaired: {repair}", markup=False)
    for question in built.questions:
        console.print(f"  questioned: {question}", markup=False)
    console.print(
        f"{built.folder}: {built.bars:,} bars, {built.first:%Y-%m-%d %H:%M} to {built.last:%Y-%m-%d %H:%M} UTC; "
        f"{built.added:,} new, in {', '.join(built.files) or 'no file'}",
        markup=False,
    )
    console.print(
        f"  {built.warming:,} bars warmed the indicators up and are not written; "
        f"{built.holes:,} holes of less than a day"
    )
    if built.held_back:
        console.print(
            f"  {built.held_back} bars held back: their quarter of an hour may go on in the next export "
            "(--last keep writes it now)"
        )
