"""The command ``retrain``: its entry point and its commands, each imported only when it is called.

Most commands need pandas, some scikit-learn. ``retrain --help``, or a check every few minutes, does not wait for them.

Exit status: 0 done (promoted, held or decided before); 2 wrong usage; 3 bars; 4 recipe; 5 night refused or decision
stale; 6 the store or the gate; 7 damaged; 130 stopped by Ctrl-C; 1 anything else.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from flows.errors import RetrainError

COMMANDS = {
    "init": "A settings file, retrain.toml, from what lies here.",
    "run": "One night: load, train, register, judge, promote or hold.",
    "demo": "60 simulated nights: promotion, alarm, rollback.",
    "features": "Yearly feature files from raw exports of prices.",
    "replay": "Past nights as if live, by the gate and by simpler rules.",
    "report": "The evolution of a model, as one HTML file.",
    "dossier": "What a model-risk reviewer asks of the champion.",
    "explain": "Why a night promoted or held, with the evidence.",
    "replay-decision": "Judge a past decision again: it must agree.",
    "watch": "Is the champion still good, are the bars there?",
    "set-policy": "Change how the nightly gate judges from now on.",
    "up": "Prefect's server, deployments and a worker, in one.",
    "deploy": "Work pool, deployments, automations on an API.",
    "status": "Champion, last night, bars, next run: one screen.",
    "doctor": "What could keep the nights from running.",
    "alert-test": "Send one alert of each kind.",
}
"""What ``retrain --help`` says about each command. The function stands in the module of its name: ``set-policy`` is
:func:`flows.commands.set_policy.set_policy`."""


class Commands(TyperGroup):
    """The group of :data:`COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, imported now; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        function = cmd_name.replace("-", "_")
        from flows.commands.on_model import OnRetrainedModel

        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        called = getattr(importlib.import_module(f"flows.commands.{function}"), function)
        alone.command(cmd_name, cls=OnRetrainedModel)(called)
        return typer.main.get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The section of the help, with nothing imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=Commands,
    help="Train candidates, register them, promote one only when it beats the champion.",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point: errors a person can cause end with one message and their exit status, never a traceback."""
    try:
        from registry.commands.ending import run_command  # takes a moment, in which somebody may have second thoughts
        from registry.errors import RegistryError
        from registry.extras import needing
    except KeyboardInterrupt:
        sys.stderr.write("retrain: stopped by Ctrl-C; nothing was begun\n")
        sys.stderr.flush()
        os._exit(130)  # by the plain way Python ends as killed by the signal

    def with_nights(*, standalone_mode: bool) -> Any:
        with needing("nights", "`retrain`"):
            return app(standalone_mode=standalone_mode)

    run_command("retrain", with_nights, (RetrainError, RegistryError))


@app.callback()
def retrain(context: typer.Context) -> None:
    """Train candidates, register them, promote one only when it beats the champion. Alone: where things stand."""
    if context.invoked_subcommand is None:
        from flows.commands.overview import show_overview

        show_overview()


if __name__ == "__main__":
    main()
