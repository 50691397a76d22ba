"""Settings come from the environment (``RETRAIN_*``) and ``retrain.toml``, and say where bars and registry are.

What one run is to do stands in :mod:`flows.job.request`. An option of the command line wins over its variable.
"""

from __future__ import annotations

import os

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.bars.clock import AT_CLOSE, Stamped, default_clock
from flows.bars.label import Label
from flows.errors import RequestRefused
from flows.instruments import Instrument, find_instrument
from registry import Clock, Model, NewId, Registry, random_id
from registry.commands.settings_file import named, use_settings_file
from registry.commands.variables import unknown_variables
from registry.errors import SettingsRefused
from registry.trust.keyring import Keyring

DEFAULT_REGISTRY = ".retrain/registry"

DEFAULT_MODEL = "gbpusd_m15_direction"
SIMULATED = "_simulated"
SIMULATED_MODEL = f"{DEFAULT_MODEL}{SIMULATED}"
"""Simulated bars train a model of another name: a simulated champion can never stand where a real one is loaded."""


NO_KEYS = Keyring()


class Settings(BaseSettings):
    """Where things are; every field is the variable ``RETRAIN_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="RETRAIN_", env_ignore_empty=True, extra="ignore", frozen=True)

    data: str | None = Field(None, description="Folder or s3:// prefix with the yearly feature files; none: simulated")
    instrument: str = Field(
        "GBPUSD", description="What the bars are of: a shipped instrument, or with a bar length, or a .toml file"
    )
    label: str = Field(
        "next_bar", description="What the model learns to tell, kept for good: next_bar, horizon 16, … (labels.md)"
    )
    registry: str = Field(DEFAULT_REGISTRY, description="Folder or s3://bucket/prefix of the registry")
    model: str | None = Field(
        None, description=f"Name of the model; default {DEFAULT_MODEL}, or so of instrument and label"
    )
    clock: str = Field("london-5h", description="Clock of the files: london-5h, UTC, an IANA zone or UTC-5")
    stamped: Stamped = Field("open", description="The moment of a bar that its timestamp is: open, or close")
    recipes_file: str | None = Field(None, description="A recipes.toml with recipes of your own")
    fleet: str = Field("fleet.toml", description="The models of a fleet, for --all")
    sample: str = Field(".retrain/sample", description="Where the simulated sample is kept")
    author: str = Field("retrain", description="Written into the log as who ran the night")
    cores: int | None = Field(None, ge=1, description="Processor cores to use; default all")
    budget: float | None = Field(
        None, gt=0, lt=1, description="The most that the gate's yearly budget may be: a model's share of a fleet's"
    )
    reports: str | None = Field(None, description="Folder of the reports; default: report, beside the registry's")
    spreads: str | None = Field(
        None, description="What crossing the spread costs, by New York's hours; default: the instrument's"
    )
    swap: str | None = Field(
        None, description="Pips a night that one unit held over 17:00 New York gets, by side; default: the instrument's"
    )
    approval_hours: float | None = Field(
        None, ge=0, le=20, description="How long a promotion waits for a person's yes; none: it needs nobody's"
    )  # a waiting night keeps the run lock, and must end before the next begins
    signing_key: str | None = Field(None, description="File of the Ed25519 private key that nights sign with")
    trusted_promoters: str | None = Field(
        None, description="Public keys that may promote, with commas between; production loads what they signed alone"
    )
    trusted_trainers: str | None = Field(None, description="Public keys of nights, which may register and hold")

    def model_name(self, model: str | None = None, *, data: str | None = None) -> str:
        """The model's name, where a run names ``model`` or bars of its own, or neither."""
        return model or self.model or (self._default_model + ("" if data or self.data else SIMULATED))

    @property
    def traded(self) -> Instrument:
        """What the bars are of; :class:`~flows.errors.InstrumentRefused` where the setting names none."""
        return find_instrument(self.instrument)

    @property
    def asked(self) -> Label:
        """What the model learns to tell; :class:`~flows.errors.LabelRefused` where the setting is no label, or too long
        for the instrument."""
        label = Label.parse(self.label)
        label.check(self.traded)
        return label

    @property
    def _default_model(self) -> str:
        return f"{self.traded.name.lower()}_{self.asked.slug}"

    @property
    def plain_clock(self) -> str:
        """The clock of the files, without how bars are stamped: as set, else the default of the instrument."""
        return self.clock if "clock" in self.model_fields_set else default_clock(self.traded)

    @property
    def file_clock(self) -> str:
        """The clock of the files with how bars are stamped, as :class:`~flows.bars.clock.FileClock` is written."""
        return self.plain_clock + (AT_CLOSE if self.stamped == "close" else "")

    @property
    def keys(self) -> Keyring:
        """Who signs here, and whom production trusts; :class:`~registry.errors.KeyRefused` for keys of no use."""
        return Keyring.of(self.signing_key, self.trusted_promoters, self.trusted_trainers)


def open_model(
    registry: str,
    name: str,
    keys: Keyring = NO_KEYS,
    *,
    clock: Clock | None = None,
    new_id: NewId = random_id,
) -> Model:
    """The model ``name`` of the registry at this folder or ``s3://`` root; nothing is asked of the store yet.

    Without ``keys`` nothing is signed, and what was signed is not checked.
    """
    return Registry(registry, clock=clock, new_id=new_id, signer=keys.signer, trusted=keys.trusted).model(name)


def load_settings() -> Settings:
    """The settings from the environment and the settings file; :class:`RequestRefused` names each that is wrong, or
    that is none.

    An empty variable is as if it were not set.
    """
    unknown = unknown_variables(os.environ)
    if unknown is not None:
        raise RequestRefused(unknown)
    take_settings_file()
    try:
        return Settings()
    except ValidationError as error:
        raise RequestRefused(faults_of(error)) from error


def take_settings_file() -> None:
    """The settings file in use fills the empty variables of this process (a worker of Prefect may have no other way);
    :class:`RequestRefused`."""
    try:
        use_settings_file()
    except SettingsRefused as error:
        raise RequestRefused(str(error)) from error


def faults_of(error: ValidationError) -> str:
    """What is wrong with settings, each by its variable or its key in the settings file."""
    faults = [(f"RETRAIN_{str(fault['loc'][0]).upper()}", fault["msg"]) for fault in error.errors()]
    return "; ".join(f"{named(variable)}: {message}" for variable, message in faults)
