"""The commands of ``retrain`` that stand in modules of their own: a module is imported when its command is asked for.

Most of them need pandas, some scikit-learn. ``retrain --help``, or a check every few minutes, does not wait for them.
"""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "features": ("flows.commands.features:features", "Yearly feature files from raw exports of prices."),
    "replay": ("flows.commands.replay:replay", "Past nights as if live, by the gate and by simpler rules."),
    "report": ("flows.commands.report:report", "The evolution of a model, as one HTML file."),
    "explain": ("flows.commands.explain:explain", "Why a night promoted or held, with the evidence."),
    "replay-decision": ("flows.commands.explain:replay_decision", "Judge a past decision again: it must agree."),
    "watch": ("flows.commands.explain:watch", "Is the champion still good, are the bars there?"),
    "set-policy": ("flows.commands.policy:set_policy", "Change how the nightly gate judges from now on."),
    "up": ("flows.commands.operations:up", "Prefect's server, deployments and a worker, in one."),
    "deploy": ("flows.commands.operations:deploy", "Work pool, deployments, automations on an API."),
    "status": ("flows.commands.operations:status", "Champion, last night, bars, next run: one screen."),
    "doctor": ("flows.commands.operations:doctor", "What could keep the nights from running."),
    "alert-test": ("flows.commands.operations:alert_test", "Send one alert of each kind."),
}
"""For each command where it stands, and what ``retrain --help`` says of it."""


class Commands(TyperGroup):
    """A group with :data:`COMMANDS` beside those that it was given."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help."""
        return [*super().list_commands(ctx), *COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, imported now."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(cmd_name)(getattr(importlib.import_module(module), function))
        return typer.main.get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The section of the help, with nothing imported for it."""
        given = {name: command.get_short_help_str(60) for name, command in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl([*given.items(), *((name, words) for name, (_, words) in COMMANDS.items())])
