"""The outcome of a night in a terminal: the table, the sentence of the decision, the registry, and what to do next."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from flows.night.outcome import Outcome, bars_in_words, figures_of, since_promotion
from flows.settings import DEFAULT_REGISTRY
from registry.commands.typed import typed

_MARKS = {
    "champion": "champion",
    "promoted": "new champion",
    "would be promoted": "would be promoted",
    "held": "held",
    "reference": "reference",
}


def show(outcome: Outcome, console: Console) -> None:
    """Print the outcome."""
    console.print(_table(outcome))
    console.print()
    if outcome.already_decided:
        _say(console, f"The night of {outcome.night} is decided already; nothing was added. It was decided:")
    _say(console, outcome.sentence, style="bold")
    if outcome.waiting is not None:
        _say(console, "To approve it, until the next night is decided:")
        console.print(f"  {outcome.waiting}", soft_wrap=True, markup=False)  # never broken, so that it can be copied
    for repair in outcome.repairs:
        _say(console, f"repaired: {repair}")
    for question in outcome.questions:
        _say(console, f"questioned: {question}")
    console.print()
    _say(console, _production(outcome))
    if outcome.report is not None:
        _say(console, f"Report: {outcome.report}")
    console.print()
    if outcome.dry_run:
        _say(console, "Nothing was written: leave out --dry-run to register and decide.")
        return
    _say(console, "Next:")
    for command, what in _next_steps(outcome):
        console.print(f"  {command}", soft_wrap=True, markup=False)  # never broken, so that it can be copied
        _say(console, f"      {what}", style="dim")


def _say(console: Console, text: str, style: str | None = None) -> None:
    """Broken between words in a terminal; one line elsewhere, for programs that read it."""
    console.print(text, style=style, soft_wrap=not console.is_terminal, markup=False)


def _table(outcome: Outcome) -> Table:
    simulated = ", simulated bars" if outcome.simulated else ""
    dry = ", dry run" if outcome.dry_run else ""
    title = f"{outcome.model}: night of {outcome.night}{simulated}{dry}"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    champion = since_promotion(outcome.rows)
    names = ["accuracy", "F1", "AUC"]
    if champion is not None:  # two columns say which bars they are of
        names = ["250 days\naccuracy", "250 days\nAUC", f"since {champion.version}\naccuracy"]
    table.add_column("version", vertical="bottom")
    table.add_column("recipe", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for row in outcome.rows:
        cells = [row.version or "", row.name, *figures_of(row, outcome.rows), _MARKS[row.status]]
        table.add_row(*cells, style="dim" if row.status == "reference" else None)
    bars = bars_in_words(outcome.rows)
    if bars:
        table.caption = f"{bars}; references are never candidates"
        table.caption_justify = "left"
    return table


def _production(outcome: Outcome) -> str:
    place = f"Registry: {outcome.registry}"
    if outcome.champion is None:
        return f"{place}. Production has no champion."
    champion = outcome.champion
    return f"{place}. Production loads {champion.version} ({champion.recipe}), champion since {champion.since[:16]}Z."


def _next_steps(outcome: Outcome) -> list[tuple[str, str]]:
    """Three commands as they are typed from here, each with what it gives."""
    where = [outcome.model]
    if outcome.registry != DEFAULT_REGISTRY:
        where += ["--registry", outcome.registry]
    steps = [
        (typed("retrain", "explain", *where), "why it was decided so, with the evidence"),
        (typed("registry", "log", *where), "what happened, a sentence an entry"),
    ]
    if outcome.simulated:
        return [*steps, (typed("retrain", "run", "--data", "path/to/your/bars"), "the same on your own bars")]
    return [*steps, (typed("registry", "history", *where), "every version with its figures")]
