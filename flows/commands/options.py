"""Arguments and options that several commands of ``retrain`` share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, get_args

import typer

from flows.errors import RequestRefused
from registry.commands.options import models_named

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Name of the model; needed where the registry has several.",
        autocompletion=models_named,
    ),
]
ModelOption = Annotated[str | None, typer.Option("--model", help="Name of the model (RETRAIN_MODEL).")]
RegistryUrl = Annotated[str | None, typer.Option("--registry", help="Folder or s3:// root (RETRAIN_REGISTRY).")]
BarsUrl = Annotated[str | None, typer.Option("--data", help="Folder or s3:// prefix of the bars (RETRAIN_DATA).")]
RecipeNames = Annotated[
    list[str] | None, typer.Option("--recipe", help="A recipe to train; repeat for more. Default: all.")
]
Allow = Annotated[
    list[str] | None, typer.Option("--allow", help="A check of the bars whose findings are meant; repeat for more.")
]
AsOf = Annotated[
    str | None,
    typer.Option(
        help="Treat this as now: a trading day such as 2024-12-31 (its close), or a moment such as 2024-12-31T12:00Z."
    ),
]
All = Annotated[bool, typer.Option("--all", help="All models of the fleet (RETRAIN_FLEET), not one.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def checked_names(allow: Sequence[str]) -> tuple[str, ...]:
    """The names given to ``--allow``; :class:`RequestRefused` for one that is no check."""
    from flows.bars.plausibility import CheckName  # takes pandas, which most commands do without

    unknown = [name for name in allow if name not in get_args(CheckName)]
    if unknown:
        raise RequestRefused(f"--allow {unknown[0]}: choose among {', '.join(get_args(CheckName))}")
    return tuple(allow)
