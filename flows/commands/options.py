"""Arguments and options that several commands of ``retrain`` share."""

from __future__ import annotations

from typing import Annotated

import typer

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Name of the model (RETRAIN_MODEL).")]
RegistryUrl = Annotated[str | None, typer.Option("--registry", help="Folder or s3:// root (RETRAIN_REGISTRY).")]
BarsUrl = Annotated[str | None, typer.Option("--data", help="Folder or s3:// prefix of the bars (RETRAIN_DATA).")]
RecipeNames = Annotated[
    list[str] | None, typer.Option("--recipe", help="A recipe to train; repeat for more. Default: all.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
