"""The public names of both packages, under the name of what is installed.

::

    import champion_gate

    loaded = champion_gate.load("gbpusd_m15_direction", url="s3://models/registry")   # what production loads
    outcome = champion_gate.run_night(champion_gate.plan(champion_gate.RetrainRequest(), champion_gate.load_settings()))

``flows`` (nights) and ``registry`` (versions, decisions, serving) stay importable by their own names. Each name is
imported when it is first used: a service that loads a champion imports numpy and no scikit-learn, and needs the base
installation alone; the names of :data:`NIGHTS` need the extra ``nights``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.bars import load_bars as load_bars
    from flows.errors import RetrainError as RetrainError
    from flows.job.plan import plan as plan
    from flows.job.request import RetrainRequest as RetrainRequest
    from flows.night.outcome import Outcome as Outcome
    from flows.night.run import run_night as run_night
    from flows.settings import Settings as Settings
    from flows.settings import load_settings as load_settings
    from registry import ChampionRecord as ChampionRecord
    from registry import Clock as Clock
    from registry import Comparison as Comparison
    from registry import Entry as Entry
    from registry import Expectation as Expectation
    from registry import Follower as Follower
    from registry import LoadedModel as LoadedModel
    from registry import Model as Model
    from registry import NewId as NewId
    from registry import Night as Night
    from registry import PairedDays as PairedDays
    from registry import Prediction as Prediction
    from registry import Registry as Registry
    from registry import RegistryError as RegistryError
    from registry import SystemClock as SystemClock
    from registry import Version as Version
    from registry import VersionRecord as VersionRecord
    from registry import __version__ as __version__
    from registry import compare as compare
    from registry import errors as errors
    from registry import follow as follow
    from registry import history as history
    from registry import key_digest as key_digest
    from registry import load as load
    from registry import random_id as random_id

NIGHTS = {
    "Outcome": "flows.night.outcome",
    "RetrainError": "flows.errors",
    "RetrainRequest": "flows.job.request",
    "Settings": "flows.settings",
    "load_bars": "flows.bars",
    "load_settings": "flows.settings",
    "plan": "flows.job.plan",
    "run_night": "flows.night.run",
}
"""What runs a night, and the modules that it stands in."""


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted({*importlib.import_module("registry").__all__, *NIGHTS})
    if name.startswith("_") and name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(NIGHTS.get(name, "registry")), name, None)
    if value is None or name not in (*__getattr__("__all__"), "__version__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__getattr__("__all__")]
