"""The outcome of a night in a terminal: the table, the sentence of the decision, the registry, and what to do next."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from flows.night.outcome import Outcome, bars_in_words, figures_of, since_promotion

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
        console.print(
            f"The night of {outcome.night} is decided already; nothing was added. It was decided:", soft_wrap=True
        )
    console.print(outcome.sentence, style="bold", soft_wrap=True, markup=False)
    for repair in outcome.repairs:
        console.print(f"repaired: {repair}", soft_wrap=True, markup=False)
    for question in outcome.questions:
        console.print(f"questioned: {question}", soft_wrap=True, markup=False)
    console.print()
    console.print(_production(outcome), soft_wrap=True, markup=False)
    if outcome.report is not None:
        console.print(f"Report: {outcome.report}", soft_wrap=True, markup=False)
    for step in _next_steps(outcome):
        console.print(f"  {step}", soft_wrap=True, markup=False)


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


def _next_steps(outcome: Outcome) -> list[str]:
    if outcome.dry_run:
        return ["nothing was written: leave out --dry-run to register and decide"]
    where = f"{outcome.model} --registry {outcome.registry}"
    steps = [f"registry log {where}        what happened, and why", f"registry history {where}    every version"]
    if outcome.simulated:
        steps.append("make run DATA=path/to/your/files    the same on your own bars")
    return steps
