"""``retrain watch``: is the champion still good, and are the bars there?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from flows.commands.fleet_nights import refuse_one, watch_all
from flows.commands.options import All, AsOf, BarsUrl, RegistryUrl
from flows.errors import BarsMissing
from flows.job.plan import plan
from flows.job.request import moment, request
from flows.operations.status.watching import champion_health, watch_champion
from flows.settings import Settings, load_settings
from registry import Registry, SystemClock
from registry.errors import ModelNotFound

ALARMED = 10
"""Exit status where something is wrong."""


def watch(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Name of the model (RETRAIN_MODEL).")] = None,
    data: BarsUrl = None,
    registry: RegistryUrl = None,
    as_of: AsOf = None,
    tell: Annotated[bool, typer.Option(help="For cron: alert where something begins or ends.")] = False,
    everyone: All = False,
) -> None:
    """Is the champion still good, and are the bars there? Ends with status 10 where something is wrong.

    Where nothing names a model (MODEL, RETRAIN_MODEL, RETRAIN_DATA) it looks at every model of the registry.
    """
    settings = load_settings()
    at = None if as_of is None else moment(as_of, settings.traded.hours)
    if everyone:
        refuse_one({"MODEL": model, "--data": data, "--registry": registry})
        if watch_all(at, tell=tell):
            raise typer.Exit(ALARMED)
        return
    names = _models(settings, registry, model, data)
    alarmed = False
    for name in names:
        job = plan(request(as_of=at, data=data, registry=registry, model=name), settings)
        try:
            health = (watch_champion if tell else champion_health)(job, at or SystemClock().now())
        except BarsMissing as missing:
            if len(names) == 1:
                raise
            said, alarmed = f"not looked at: {missing}", True
        else:
            said = "production is empty, there is nothing to watch" if health is None else str(health)
            alarmed = alarmed or (health is not None and bool(health.alarms))
        Console(highlight=False).print(f"{name}: {said}", soft_wrap=True, markup=False)
    if alarmed:
        raise typer.Exit(ALARMED)


def _models(settings: Settings, registry: str | None, model: str | None, data: str | None) -> list[str]:
    """The model that is named, by an argument or by the settings; where nothing names one, all there are.

    Raises :class:`ModelNotFound` where there is none: a check that looks at nothing must not pass.
    """
    place = registry or settings.registry
    models = Registry(place).models()
    if model or settings.model or data or settings.data:
        named = settings.model_name(model, data=data)
        models, missing = [name for name in models if name == named], f"no {named}"
    else:
        missing = "no model"
    if not models:
        raise ModelNotFound(
            f"there is nothing to watch: {place} has {missing}; `retrain run` makes one, `registry models` lists all"
        )
    return models
