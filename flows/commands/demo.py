"""``retrain demo``: two months of simulated nights in a minute, with a fault that nobody announces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.commands.progress import progress
from flows.demo.playing import MODEL, Event, Played, play
from flows.demo.story import Story
from registry.commands.options import on_this_machine
from registry.commands.typed import typed
from registry.format.phrases import plural

BEFORE = (
    "SIMULATED: nothing of yours is read, and all of it lies below {place}.\n"
    "{nights} nights of GBPUSD in quarters of an hour are played: two models, one of prices, one of a column that a "
    "vendor sells. The gate decides each night. Once a person overrules it. Then the vendor's column breaks, which no "
    "check of the bars can see. It takes about a minute on two cores."
)

_STYLES = {"promoted": "green", "forced": "yellow", "planted": "dim", "alarm": "bold red", "rolled back": "green"}


def demo(
    out: Annotated[
        Path, typer.Option(callback=on_this_machine, help="A new folder for its bars, registry and report.")
    ] = Path(".retrain/demo"),
    nights: Annotated[int, typer.Option(min=2, max=60, help="How many nights of the story.")] = 60,
) -> None:
    """Simulated nights: a promotion, nights held, a person's mistake, an alarm, the rollback, the report."""
    console = Console(highlight=False)
    _say(console, BEFORE.format(place=out, nights=nights))
    told = _Told(console)
    with progress(console, "simulated nights") as advance:
        played = play(out, Story(played=nights), told.event, advance)
    told.held()
    _end(console, played)


class _Told:
    """Prints the events of a demonstration; nights held one after the other are one line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._held: list[Event] = []

    def event(self, event: Event) -> None:
        if event.kind == "held":
            self._held.append(event)
            return
        self.held()
        _say(self._console, f"\n{event.day}  {event.kind.upper()}", style=_STYLES.get(event.kind))
        _say(self._console, event.sentence)

    def held(self) -> None:
        """The nights held since the last other event."""
        if self._held:
            days = self._held[0].day if len(self._held) == 1 else f"{self._held[0].day} to {self._held[-1].day}"
            _say(self._console, f"\n{days}  {plural(len(self._held), 'night')} HELD", style="dim")
            _say(self._console, f"The last of them: {self._held[-1].sentence}")
        self._held = []


def _end(console: Console, played: Played) -> None:
    kinds = [event.kind for event in played.events]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds) if kind != "planted")
    _say(console, f"\nSIMULATED, and over: {counts}.", style="bold")
    _say(console, f"Registry: {played.registry}")
    _say(console, f"Report: {played.report}")
    _say(console, "Next:")
    where = [MODEL, "--registry", str(played.registry)]
    steps = {
        typed("registry", "log", *where): "all that happened, a sentence an entry",
        typed("registry", "history", *where): "every version with its figures",
        typed("retrain", "run"): "a first night of your own",
    }
    for command, what in steps.items():
        console.print(f"  {command}", soft_wrap=True, markup=False)
        _say(console, f"      {what}", style="dim")


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, soft_wrap=not console.is_terminal, markup=False)
