"""MODEL may be left out of a command line: it is then that of the settings, else the only one that the registry has."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand

from registry.errors import InvalidRequest, ModelNotFound
from registry.registry import Registry

_Command = TypeVar("_Command", bound=Callable[..., Any])

_VERSION = re.compile(r"v\d+|champion|latest")
_ANY = "model"  # stands where MODEL would, until the other words are read


def only_model(registry: Registry, *, first: str | None = None) -> str:
    """The only model of a registry, or ``first`` where there are several and it is one of them.

    Raises :class:`~registry.errors.ModelNotFound` where there is none, and :class:`~registry.errors.InvalidRequest`,
    which lists them, where it could be any of several.
    """
    models = registry.models()
    if first in models:
        return str(first)
    if len(models) == 1:
        return models[0]
    if not models:
        raise ModelNotFound(
            f"there is no model in {registry.url} yet: a first night (`retrain run`) makes one; --registry names "
            "another registry"
        )
    raise InvalidRequest(
        f"{registry.url} has {len(models)} models: {', '.join(models)}. Name one of them: as MODEL, the first word "
        'after the command, or for good as model = "NAME" in retrain.toml'
    )


class OnModel(TyperCommand):
    """A command whose first argument is MODEL, which may be left out.

    It is left out where there are fewer words than arguments that are needed, or where the first word is a version
    (``v3``, ``champion``, ``latest``) and another would fit.
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._arguments = [each for each in self.params if each.param_type_name == "argument"]
        self._needed = sum(each.required for each in self._arguments)
        self._on_model = self._needed > 0 and self._arguments[0].name == "model" and self._arguments[0].required
        if self._on_model:
            self._arguments[0].required = False  # so that the help does not call it required

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As ever; MODEL, left out, is chosen once the options are read."""
        if ctx.resilient_parsing or not self._left_out(args):
            return super().parse_args(ctx, args)
        rest = super().parse_args(ctx, [_ANY, *args])
        ctx.params["model"] = self.choose(ctx.params)
        return rest

    def choose(self, options: Mapping[str, Any]) -> str:
        """The model of a command line with these options."""
        return os.environ.get("RETRAIN_MODEL") or only_model(Registry(options["registry"]))

    def _left_out(self, args: Sequence[str]) -> bool:
        if not self._on_model:
            return False
        words, most = self._words(args), len(self._arguments)
        room = self._arguments[-1].nargs == -1 or len(words) < most
        if words and _VERSION.fullmatch(words[0]) and room and most > 1:
            return True
        return len(words) < self._needed

    def _words(self, args: Sequence[str]) -> list[str]:
        """Those of ``args`` that are neither an option nor an option's value."""
        valued = {name for each in self.params if not getattr(each, "is_flag", True) for name in each.opts}
        words: list[str] = []
        left = iter(args)
        for word in left:
            if word == "--":
                return [*words, *left]
            if word in valued:
                next(left, None)
            elif not word.startswith("-") or word == "-":
                words.append(word)
        return words


class ModelCommands(typer.Typer):
    """A group of commands, each an :class:`OnModel`."""

    def command(self, *names: Any, **options: Any) -> Callable[[_Command], _Command]:
        """As typer's."""
        return super().command(*names, cls=OnModel, **options)
