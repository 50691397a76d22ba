"""``retrain`` alone: where things stand, and the three commands that come next."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console

from flows.errors import RetrainError
from flows.operations.settings import load_operations
from flows.operations.status.status import read_status
from flows.settings import Settings, load_settings
from registry import Registry, SystemClock
from registry.commands.settings_file import find_settings_file
from registry.commands.typed import as_typed, typed
from registry.errors import RegistryError

_GRACE = timedelta(hours=6)


def show_overview() -> None:
    """The status where there is a model, what to begin with where there is none; raises what cannot be read."""
    settings = load_settings()
    models = Registry(settings.registry).models()
    console = Console(highlight=False, soft_wrap=True)
    for line in _where_things_stand(settings, models):
        console.print(as_typed(line), markup=False)
    console.print()
    steps = _next(settings, models)
    width = max(len(command) for command, _ in steps)
    for command, gives in steps:
        console.print(f"  {command:<{width}}  {gives}", markup=False)
    console.print(f"\n{typed('retrain', '--help')} lists all commands.", markup=False)


def _where_things_stand(settings: Settings, models: list[str]) -> list[str]:
    if not models:
        return [f"There is no model in {settings.registry} yet. To begin:"]
    try:
        status = read_status(settings, load_operations(), now=SystemClock().now(), grace=_GRACE, with_bars=False)
    except (RetrainError, RegistryError) as error:
        return [str(error)]
    return status.lines


def _next(settings: Settings, models: list[str]) -> list[tuple[str, str]]:
    if not models:
        bars = "your bars" if settings.data else "a simulated sample"
        steps = [
            (typed("retrain", "init"), "a settings file from the bars that lie here"),
            (typed("retrain", "run"), f"the first night, on {bars}"),
            (typed("retrain", "doctor"), "what could keep it from running"),
        ]
        set_up = find_settings_file() is not None
        return [*steps[1:], (typed("retrain", "up"), "nights that run by themselves")] if set_up else steps
    return [
        (typed("retrain", "explain"), "why the last night promoted or held"),
        (typed("retrain", "report"), "is the champion still good, would it pay: one HTML file"),
        (typed("retrain", "run"), "the next night"),
    ]
