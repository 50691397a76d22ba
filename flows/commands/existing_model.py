"""Opening a model that has decided a night, for the commands that read or change its decisions."""

from __future__ import annotations

from flows.settings import load_settings
from registry import Model, Registry
from registry.errors import ModelNotFound
from registry.trust.keyring import Keyring


def open_existing(model: str, registry: str | None) -> Model:
    """The model with the keys of the settings; :class:`ModelNotFound` where it has no decision."""
    settings = load_settings()
    place = registry or settings.registry
    keys = Keyring.of(settings.signing_key, settings.trusted_promoters, settings.trusted_trainers)
    opened = Registry(place, signer=keys.signer, trusted=keys.trusted).model(model)
    if opened.decisions.head() is None:
        raise ModelNotFound(
            f"there is no decision on a model {model} in {place}; `registry models` lists what there is"
        )
    return opened
