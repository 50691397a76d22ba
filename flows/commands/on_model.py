"""MODEL may be left out of a command of ``retrain``: the model of the settings, else the only one of the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.commands.default_model import OnModel, only_model


class OnRetrainedModel(OnModel):
    """As the commands of ``registry``; of several models it is the one that a run with these settings makes."""

    def choose(self, options: Mapping[str, Any]) -> str:
        """The model of a command line with these options."""
        from flows.settings import load_settings  # pydantic takes a moment, and most lines name their model
        from registry import Registry

        settings, data = load_settings(), options.get("data")
        if settings.model:
            return settings.model
        usual = settings.model_name(data=data) if data or settings.data else None
        return only_model(Registry(options.get("registry") or settings.registry), first=usual)
