"""``retrain replay-decision``: judge a past decision again from the recorded scores."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from flows.commands.existing_model import open_existing
from flows.commands.options import ModelArgument, RegistryUrl
from flows.errors import GateRefused
from flows.night.rejudge import judge_again


def replay_decision(
    model: ModelArgument,
    number: Annotated[int, typer.Argument(min=1, help="Number of the decision in the log.")],
    registry: RegistryUrl = None,
) -> None:
    """Judge a past decision again from the recorded scores; it must agree exactly."""
    result = judge_again(open_existing(model, registry), number)
    if not result.same:
        raise GateRefused(
            f"decision {number} of {model} comes out differently: recorded '{result.recorded}', now '{result.again}'; "
            "the evidence or this package changed: run `registry verify` and compare versions"
        )
    Console(highlight=False).print(
        f"decision {number} comes out the same: {result.again}", soft_wrap=True, markup=False
    )
