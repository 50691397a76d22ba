"""The figures are shown as a table in a terminal, saved as files, and written as ``docs/benchmarks.md``."""

from __future__ import annotations

import json
import os
import platform
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.figure import Figure

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NOTES = HERE / "notes.toml"
PACKAGES = ("numpy", "pandas", "scikit-learn", "prefect", "boto3")
UNEXPLAINED = "no reason is known"

INTRODUCTION = """\
# Measured

Ratios of things taken in turns on one machine in the same minutes: medians, with the quartiles in brackets. Written
by `make bench` (a part alone: `python -m benchmarks NAME`), which took 11 minutes on two idle cores; each part says
what it took where that is known. A clean clone, and 500 nights from nothing, are minutes for one figure and measured
where they are named. What nobody can do without (bare fits, a bare file, bare requests) stands beside a night and in
"The registry beside its limits"; what people would use instead stands in the other parts. The gate's error rates stand
in [gate.md](gate.md), the replay of the real years in [replay.md](replay.md).

What a cold process takes to import the registry and to load from S3 is measured without a bound: most of the latter is
boto3 reading its description of S3, once a process. Requests and bytes are bounded by the registry's tests, warm times
below.
"""


@dataclass(frozen=True)
class Measured:
    """One part's figures, and the machine that they were taken on."""

    part: str
    title: str
    day: str
    machine: str
    versions: str
    bars: str
    figures: tuple[Figure, ...]
    seconds: int | None = None
    """How long measuring took; None in files of before that was kept."""

    def to_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "figures": [figure.to_dict() for figure in self.figures]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measured:
        return cls(**{**values, "figures": tuple(Figure.from_dict(each) for each in values["figures"])})


def measured(part: str, title: str, figures: Iterable[Figure], *, real: bool, today: date) -> Measured:
    """Figures with what they were taken on."""
    bars = "real bars" if real else "simulated bars"
    return Measured(part, title, today.isoformat(), machine(), versions(), bars, tuple(figures))


def machine() -> str:
    """Processor, cores and memory of this machine, in a line."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB"


def versions() -> str:
    """Python and the packages that decide how long things take, in a line."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)])


def save(part: Measured, folder: Path = RESULTS) -> None:
    """The part's file, replacing what it measured before."""
    folder.mkdir(exist_ok=True)
    text = json.dumps(part.to_dict(), indent=1, ensure_ascii=False)
    (folder / f"{part.part}.json").write_text(text + "\n")


def load(parts: Iterable[str], folder: Path = RESULTS) -> list[Measured]:
    """The saved figures of these parts, in this order; a part never measured is left out."""
    paths = [folder / f"{part}.json" for part in parts]
    return [Measured.from_dict(json.loads(path.read_text())) for path in paths if path.exists()]


def notes(path: Path = NOTES) -> dict[str, str]:
    """Why a figure misses its bound, by the figure's name."""
    return {} if not path.exists() else dict(tomllib.loads(path.read_text())["missed"])


def table(title: str, figures: Sequence[Figure]) -> Table:
    """The figures for a terminal."""
    shown = Table(title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    shown.add_column("what, and what it stands beside")
    for name in ("ours", "theirs", "ratio", "must be", ""):
        shown.add_column(name, justify="right", no_wrap=True)
    for each in figures:
        what = f"{each.what}\n[dim]{each.against}[/]" if each.against else each.what
        ratio = "" if each.ratio is None else f"{each.ratio:.3g}\n[dim]{each.low:.3g}–{each.high:.3g}[/]"
        amounts = amount(each.ours, each.unit), amount(each.theirs, each.unit)
        style = "bold red" if each.reached is False else None
        shown.add_row(what, *amounts, ratio, "" if each.bound is None else each.demand, verdict(each), style=style)
    return shown


def verdict(figure: Figure) -> str:
    """Reached, not reached, or nothing where no bound was set."""
    return {True: "reached", False: "not reached", None: ""}[figure.reached]


def amount(value: float | None, unit: str) -> str:
    """A figure with its unit: seconds below one tenth as milliseconds or microseconds."""
    if value is None:
        return ""
    for limit, factor, name in ((1e-3, 1e6, "µs"), (0.1, 1e3, "ms")):
        if unit == "s" and abs(value) < limit:
            return f"{value * factor:.3g} {name}"
    return f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:.3g} {unit}"


def page(everything: Sequence[Measured], reasons: Mapping[str, str]) -> str:
    """``docs/benchmarks.md``: every part's table with its machine and command, then what is not reached and why."""
    parts = [INTRODUCTION, *(_section(each) for each in everything)]
    missed = [figure for each in everything for figure in each.figures if figure.reached is False]
    if missed:
        lines = [
            f"- **{each.what}**: {each.decisive:.3g}, wanted {each.demand}. {reasons.get(each.what, UNEXPLAINED)}"
            for each in missed
        ]
        parts.append("## Not reached\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _section(part: Measured) -> str:
    took = "" if part.seconds is None else f"; {part.seconds} s in all"
    head = [
        f"## {part.title}\n",
        f"`python -m benchmarks {part.part}`, {part.day}, {part.bars}; {part.machine}; {part.versions}{took}.\n",
        "| what | against | ours | theirs | ratio | must be | turns | |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    return "\n".join([*head, *(_row(figure) for figure in part.figures)]) + "\n"


def _row(each: Figure) -> str:
    if each.ratio is None:
        spread = "" if each.n == 1 else f" ({amount(each.low, each.unit)} – {amount(each.high, each.unit)})"
        ours, ratio = f"{amount(each.ours, each.unit)}{spread}", ""
    else:
        ours, ratio = amount(each.ours, each.unit), f"{each.ratio:.3g} ({each.low:.3g} – {each.high:.3g})"
    command = f"{each.what} (`{each.command}`)" if each.command else each.what
    bound = "" if each.bound is None else each.demand
    mark = f"**{verdict(each)}**" if each.reached is False else verdict(each)
    cells = (command, each.against, ours, amount(each.theirs, each.unit), ratio, bound, str(each.n), mark)
    return "| " + " | ".join(cells) + " |"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
