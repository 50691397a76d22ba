"""What a person can set: where things are (``RETRAIN_*``), and what one run is asked to do.

``Settings`` come from the environment and say where bars and registry are; ``RetrainRequest`` is one run, whether
typed, scheduled or filled into the form of Prefect's UI. An option of the command line wins over its variable.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import RequestRefused

DEFAULT_MODEL = "gbpusd_m15_direction"
SIMULATED_MODEL = f"{DEFAULT_MODEL}_simulated"
"""Simulated bars train a model of another name: a simulated champion can never stand where a real one is loaded."""

Year = Annotated[int, Field(ge=1990, le=2100)]


class Settings(BaseSettings):
    """Where things are; every field is the variable ``RETRAIN_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="RETRAIN_", extra="ignore", frozen=True)

    data: str | None = Field(None, description="Folder or s3:// prefix with the yearly feature files; none: simulated")
    registry: str = Field(".retrain/registry", description="Folder or s3://bucket/prefix of the registry")
    model: str | None = Field(None, description=f"Name of the model; default {DEFAULT_MODEL}")
    clock: str = Field("london-5h", description="Clock of the files: london-5h, UTC, an IANA zone or UTC-5")
    recipes_file: str | None = Field(None, description="A recipes.toml with recipes of your own")
    sample: str = Field(".retrain/sample", description="Where the simulated sample is kept")
    author: str = Field("retrain", description="Written into the log as who ran the night")
    cores: int | None = Field(None, ge=1, description="Processor cores to use; default all")


class RetrainRequest(BaseModel):
    """One run of a night: what differs from the defaults. Validated before anything is read or trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: AwareDatetime | None = Field(
        None, description="The moment the run pretends is now (with a time zone). Default: the close of the newest bar."
    )
    recipes: tuple[str, ...] | None = Field(None, description="Recipes to train. Default: every one there is.")
    dry_run: bool = Field(False, description="Train and judge, but write nothing.")
    accept_unskilled: bool = Field(
        False, description="Let the first champion be one that does not beat the majority class (recorded)."
    )
    model: str | None = Field(None, description=f"Name of the model. Default: RETRAIN_MODEL, else {DEFAULT_MODEL}.")
    data: str | None = Field(None, description="Folder or s3:// prefix of the bars. Default: RETRAIN_DATA.")
    registry: str | None = Field(None, description="Folder or s3:// root of the registry. Default: RETRAIN_REGISTRY.")
    train: tuple[Year, ...] | None = Field(None, description="Years to train on. Default: a rolling window.")
    train_days: int = Field(365, ge=30, le=20_000, description="Length of the rolling training window, in days.")
    holdout: tuple[Year, ...] | None = Field(
        None, description="Years to judge on in one look. Default: judged nightly by the evidence."
    )
    backfill: bool = Field(True, description="On the first night, score the past by a walk-forward.")
    backfill_days: int = Field(500, ge=0, le=5_000, description="Trading days of the past to score on the first night.")
    labels: Literal["next_bar", "notebook"] = Field(
        "next_bar", description="next_bar: a label never crosses a gap. notebook: the notebook's shift, for parity."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of recipes that set none of their own.")

    @field_validator("recipes", "train", "holdout")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        if value is not None and len(set(value)) != len(value):
            raise ValueError("something is named twice")
        return value or None

    @model_validator(mode="after")
    def _years_apart(self) -> Self:
        if (self.train is None) != (self.holdout is None):
            raise ValueError("name the years of both train and holdout, or of neither")
        if self.labels == "notebook" and self.holdout is None:
            raise ValueError("notebook labels are for parity over named years: name the years of train and holdout")
        both = sorted(set(self.train or ()) & set(self.holdout or ()))
        if both:
            raise ValueError(
                f"{', '.join(map(str, both))} would be both trained on and judged on: choose different years"
            )
        return self

    @property
    def years(self) -> tuple[int, ...] | None:
        """The years to load; None for all there are."""
        return None if self.train is None else tuple(sorted({*self.train, *(self.holdout or ())}))


def load_settings() -> Settings:
    """The settings from the environment; :class:`RequestRefused` names each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"RETRAIN_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        raise RequestRefused(faults) from error


def request(**values: Any) -> RetrainRequest:
    """A request from options a person typed; :class:`RequestRefused` with every fault in plain words."""
    try:
        return RetrainRequest(**values)
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            where = ".".join(str(part) for part in fault["loc"])
            faults.append(f"{where + ': ' if where else ''}{fault['msg'].removeprefix('Value error, ')}")
        raise RequestRefused("; ".join(faults)) from error


def moment(text: str) -> datetime:
    """An as-of a person typed: ISO 8601 with a zone, or a plain one in UTC."""
    from datetime import UTC

    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequestRefused(f"as-of {text!r} is not a moment: write 2024-12-31T22:00Z or 2024-12-31") from error
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
