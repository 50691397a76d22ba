"""``retrain alert-test``: send one alert of each kind, the way the nights would."""

from __future__ import annotations

from rich.console import Console

from flows.commands.options import ModelOption
from flows.operations.alerts.selftest import send_one_of_each
from flows.operations.settings import load_operations
from flows.settings import load_settings
from registry import SystemClock


def alert_test(model: ModelOption = None) -> None:
    """Send one alert of each kind, the way the nights would."""
    result = send_one_of_each(load_settings().model_name(model), load_operations(), now=SystemClock().now())
    Console(highlight=False, soft_wrap=True).print(result, markup=False)
