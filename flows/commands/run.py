"""``retrain run``: one night by hand or from cron, through Prefect where an API answers."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated, Any

import typer
from rich.console import Console

from flows.commands.fleet_nights import refuse_any, refuse_one, run_fleet, show_plan
from flows.commands.options import All, Allow, AsOf, BarsUrl, Json, ModelOption, RecipeNames, RegistryUrl
from flows.commands.outcome_table import show
from flows.errors import RequestRefused
from flows.job.request import RetrainRequest, moment
from flows.job.request import request as checked_request
from flows.night.outcome import Outcome
from flows.operations.api import answers, configured_api, prepare_environment, shown
from flows.operations.runs.local import run_local
from flows.settings import load_settings
from registry.store.secrets import masked


def run(
    data: BarsUrl = None,
    registry: RegistryUrl = None,
    model: ModelOption = None,
    as_of: AsOf = None,
    recipe: RecipeNames = None,
    train: Annotated[list[int] | None, typer.Option(help="A year to train on; repeat for more.")] = None,
    holdout: Annotated[list[int] | None, typer.Option(help="A year to judge on; repeat for more.")] = None,
    backfill: Annotated[bool, typer.Option(help="Score the past by a walk-forward on the first night.")] = True,
    labels: Annotated[str, typer.Option(help="next_bar, or notebook for parity.")] = "next_bar",
    accept_unskilled: Annotated[bool, typer.Option(help="Allow a first champion not shown to have skill.")] = False,
    allow: Allow = None,
    dry_run: Annotated[bool, typer.Option(help="Train and judge, write nothing.")] = False,
    force: Annotated[
        str | None, typer.Option(help="Promote this recipe's version of tonight, or v12, against the gate.")
    ] = None,
    release: Annotated[
        list[str] | None, typer.Option(help="A tripwire that shall not hold the night, for example column:rsi_14.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Who forces or releases it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is forced or released; one line.")] = None,
    as_json: Json = False,
    prefect: Annotated[
        bool | None, typer.Option("--prefect/--no-prefect", help="Default: through Prefect where an API answers.")
    ] = None,
    scheduled: Annotated[
        bool, typer.Option(help="For cron: wait for the day's bars and alert about errors; without Prefect.")
    ] = False,
    everyone: All = False,
    planned: Annotated[
        bool, typer.Option("--plan", help="With --all: show which nights come and when they start; run none.")
    ] = False,
) -> None:
    """One night: load, train, register, judge, promote or hold."""
    if everyone:
        one = {"--data": data, "--registry": registry, "--model": model, "--recipe": recipe, "--train": train}
        one |= {"--holdout": holdout, "--allow": allow, "--force": force, "--release": release}
        refuse_one(one)
        flags = {"--scheduled": scheduled, "--dry-run": dry_run, "--accept-unskilled": accept_unskilled}
        flags |= {"--no-backfill": not backfill, "--prefect": prefect is True, "--no-prefect": prefect is False}
        if planned:
            refuse_any({**flags, "--as-of": as_of}, "is of nights that run and does not go with --plan: leave it out")
            show_plan(as_json=as_json)
            return
        given = [] if as_of is None else ["--as-of", as_of]
        run_fleet([*given, *(name for name, on in flags.items() if on)], as_json=as_json)
        return
    if planned:
        raise RequestRefused("--plan is of all models: add --all")
    by = {name: value for name, value in (("author", author), ("reason", reason)) if value is not None}
    forced = by if force is None else {"promote": force, **by}
    request = checked_request(
        force=None if release and force is None else forced or None,
        release={"wires": ",".join(release), **by} if release else None,
        data=data,
        registry=registry,
        model=model,
        as_of=None if as_of is None else moment(as_of, load_settings().traded.hours),
        recipes=recipe,
        train=train,
        holdout=holdout,
        labels=labels,
        backfill=backfill,
        accept_unskilled=accept_unskilled,
        allow=allow,
        dry_run=dry_run,
    )
    through_prefect, why = _choose_way(prefect, scheduled)
    console = Console(stderr=as_json, highlight=False)
    console.print(masked(why), soft_wrap=not console.is_terminal)
    if through_prefect:
        outcome: Outcome | str = _run_flow(request, console)
    else:
        outcome = run_local(request, scheduled=scheduled, console=console)
    if as_json:
        fields = {"covered": outcome} if isinstance(outcome, str) else outcome.to_dict()
        sys.stdout.write(json.dumps({**fields, "through": "prefect" if through_prefect else "plain"}, indent=2) + "\n")
    elif isinstance(outcome, str):
        sys.stdout.write(outcome + "\n")
    else:
        show(outcome, console)


def _choose_way(prefect: bool | None, scheduled: bool) -> tuple[bool, str]:
    """Whether the night runs through Prefect, and the sentence that says why."""
    if prefect and scheduled:
        raise RequestRefused(
            "--scheduled is for cron and runs without Prefect, whose deployments have schedules: drop one"
        )
    if scheduled or prefect is False:
        return False, "Running without Prefect."
    api = configured_api()
    if api is not None and answers(api):
        return True, f"Running through Prefect at {shown(api)}."
    if api is not None and prefect:
        raise RequestRefused(
            f"the Prefect API at {shown(api)} does not answer: start it (`retrain up`), or drop --prefect"
        )
    if api is not None:
        return False, f"Running without Prefect: the API at {shown(api)} does not answer."
    if prefect:
        return True, "Running through Prefect, with a temporary server of its own (none is configured)."
    return False, "Running without Prefect: no Prefect API is configured (PREFECT_API_URL)."


def _run_flow(request: RetrainRequest, console: Console) -> Any:
    prepare_environment()
    # the screen says what happens; the same lines and more stand on the page of the run
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    from flows.operations.runs.screen import night_screen

    with night_screen(console) as screen:
        screen.do("starting Prefect, which takes some seconds")
        from flows.retrain import retrain as flow  # takes seconds, and reads the environment just prepared

        return flow(request)
