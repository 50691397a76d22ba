"""The command ``retrain``: run a night by hand or from cron, through Prefect where there is an API.

Exit status: 0 done (promoted, held or decided before); 2 wrong usage; 3 bars; 4 recipe; 5 night refused or decision
stale; 6 the store or the gate; 7 damaged; 1 anything else.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console

from flows.commands.lazy import Commands
from flows.errors import RetrainError
from registry.commands.output import print_escaped
from registry.errors import RegistryError
from registry.extras import needing

app = typer.Typer(
    cls=Commands,
    help="Train candidates, register them, promote one only when it beats the champion.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point: errors a person can cause end with one message and their exit status, never a traceback."""
    print_escaped()
    try:
        with needing("nights", "`retrain`"):
            app()
    except (RetrainError, RegistryError) as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"retrain: {error}", markup=False)
        sys.exit(error.exit_status)


@app.callback()
def retrain() -> None:
    """Train candidates, register them, promote one only when it beats the champion."""


@app.command()
def run(
    data: Annotated[str | None, typer.Option(help="Folder or s3:// prefix of the bars (RETRAIN_DATA).")] = None,
    registry: Annotated[str | None, typer.Option(help="Folder or s3:// root (RETRAIN_REGISTRY).")] = None,
    model: Annotated[str | None, typer.Option(help="Name of the model (RETRAIN_MODEL).")] = None,
    as_of: Annotated[str | None, typer.Option(help="The moment to pretend it is, 2024-12-31T22:00Z.")] = None,
    recipe: Annotated[list[str] | None, typer.Option(help="A recipe to train; repeat for more. Default: all.")] = None,
    train: Annotated[list[int] | None, typer.Option(help="A year to train on; repeat for more.")] = None,
    holdout: Annotated[list[int] | None, typer.Option(help="A year to judge on; repeat for more.")] = None,
    backfill: Annotated[bool, typer.Option(help="Score the past by a walk-forward on the first night.")] = True,
    labels: Annotated[str, typer.Option(help="next_bar, or notebook for parity.")] = "next_bar",
    accept_unskilled: Annotated[bool, typer.Option(help="Allow a first champion below the majority class.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Train and judge, write nothing.")] = False,
    force: Annotated[
        str | None, typer.Option(help="Promote this recipe's version of tonight, or v12, whatever the gate says.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Who forces it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is forced; one line.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    prefect: Annotated[
        bool | None, typer.Option("--prefect/--no-prefect", help="Default: through Prefect where an API answers.")
    ] = None,
    scheduled: Annotated[
        bool, typer.Option(help="For cron: wait for the day's bars, tell of whatever goes wrong; without Prefect.")
    ] = False,
) -> None:
    """One night: load, train, register, judge, promote or hold."""
    from flows.job.request import moment, request
    from flows.operations.runs.local import run_local

    forced = {"promote": force, "author": author, "reason": reason}
    given = {name: value for name, value in forced.items() if value is not None}
    asked = request(
        force=given or None,
        data=data,
        registry=registry,
        model=model,
        as_of=None if as_of is None else moment(as_of),
        recipes=recipe,
        train=train,
        holdout=holdout,
        labels=labels,
        backfill=backfill,
        accept_unskilled=accept_unskilled,
        dry_run=dry_run,
    )
    through, why = _through_prefect(prefect, scheduled)
    console = Console(stderr=as_json, highlight=False)
    console.print(why, soft_wrap=True)
    outcome = _run_flow(asked) if through else run_local(asked, scheduled=scheduled, console=console)
    if isinstance(outcome, str):
        sys.stdout.write(
            (json.dumps({"covered": outcome, "through": "plain"}, indent=2) if as_json else outcome) + "\n"
        )
    elif as_json:
        sys.stdout.write(
            json.dumps({**outcome.to_dict(), "through": "prefect" if through else "plain"}, indent=2) + "\n"
        )
    else:
        from flows.commands.outcome_table import show

        show(outcome, console)


def _through_prefect(asked: bool | None, scheduled: bool) -> tuple[bool, str]:
    from flows.errors import RequestRefused

    if asked and scheduled:
        raise RequestRefused(
            "--scheduled is for cron and runs without Prefect, whose deployments have schedules: drop one"
        )
    if scheduled or asked is False:
        return False, "Running plainly, without Prefect."
    from flows.operations.api import answers, configured_api

    api = configured_api()
    if api is not None and answers(api):
        return True, f"Running through Prefect at {api}."
    if api is not None and asked:
        raise RequestRefused(f"the Prefect API at {api} does not answer: start it (`retrain up`), or drop --prefect")
    if api is not None:
        return False, f"Running plainly: the Prefect API at {api} does not answer."
    if asked:
        return True, "Running through Prefect, with a temporary server of its own (none is configured)."
    return False, "Running plainly: no Prefect API is configured (PREFECT_API_URL)."


def _run_flow(asked: Any) -> Any:
    from flows.operations.api import prepare_environment

    prepare_environment()
    from flows.retrain import retrain as flow

    return flow(asked)


if __name__ == "__main__":
    main()
