"""``retrain doctor``: what could keep the nights from running, and how to fix it."""

from __future__ import annotations

import json
import sys

import typer
from rich.console import Console

from flows.commands.options import Allow, Json, ModelOption, RegistryUrl, checked_names
from flows.operations.doctor.checks import examine
from flows.operations.settings import load_operations
from flows.settings import load_settings
from registry import SystemClock


def doctor(registry: RegistryUrl = None, model: ModelOption = None, allow: Allow = None, as_json: Json = False) -> None:
    """Whatever could keep the nights from running, and how to fix it; status 1 where something is wrong."""
    settings, now = load_settings(), SystemClock().now()
    findings = examine(
        settings, load_operations(), now=now, registry=registry, model=model, allow=checked_names(allow or ())
    )
    if as_json:
        sys.stdout.write(json.dumps([finding.to_dict() for finding in findings], indent=2) + "\n")
    else:
        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            for line in finding.lines:
                console.print(line, markup=False)
    if any(finding.verdict == "wrong" for finding in findings):
        raise typer.Exit(1)
