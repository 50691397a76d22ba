"""A request says what one run is to do, whether it is typed, scheduled or filled into the form of Prefect's UI."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, ValidationError, field_validator, model_validator

from flows.bars.plausibility import CheckName
from flows.errors import RequestRefused, RetrainError
from flows.gate.tripwires.wire import KINDS
from flows.instruments import TradingHours
from flows.job.form import Author, Reason, RequestForm
from flows.settings import DEFAULT_MODEL, load_settings

UNSIGNED = "entry"
"""Before a colon, log and number: an entry that a person vouches for, where no trusted key signed it."""

Year = Annotated[int, Field(ge=1990, le=2100)]


class Force(RequestForm):
    """Recorded as forced; evidence starts afresh after it."""

    promote: str = Field(
        min_length=1,
        max_length=100,
        description="A recipe that this run trains (rf_deep), or a version that is there already (v12).",
    )
    author: Author = Field(description="Your name, as the log shall say it.")
    reason: Reason = Field(description="Why, in one line; it stays in the log for good.")


class Release(RequestForm):
    """Lets the gate decide although these wires tripped; every other one still holds the night."""

    wires: str = Field(
        min_length=1,
        max_length=500,
        description="The names that the held night gave, with commas: column:rsi_14, recipe:rf_deep.",
    )
    author: Author = Field(description="Your name, as the log shall say it.")
    reason: Reason = Field(description="Why they are right to be so good, in one line; it stays in the log for good.")

    @field_validator("wires")
    @classmethod
    def _named(cls, value: str) -> str:
        kinds = (*KINDS, UNSIGNED)
        wrong = [name for name in _names(value) if name.partition(":")[0] not in kinds or not name.partition(":")[2]]
        if wrong or not _names(value):
            raise ValueError(
                f"{', '.join(map(repr, wrong)) or 'nothing'} names no wire: write {', '.join(kinds)}, a colon and the "
                "name, such as column:rsi_14"
            )
        return value

    @property
    def names(self) -> tuple[str, ...]:
        return _names(self.wires)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


class Advanced(RequestForm):
    """Where things are, and how to train."""

    model: str | None = Field(
        None,
        description="Name of the model: small letters, digits, '_' and '-'. "
        f"Empty: RETRAIN_MODEL, else {DEFAULT_MODEL}.",
        json_schema_extra={"pattern": "^[a-z0-9][a-z0-9._-]{0,99}$"},
    )
    data: str | None = Field(None, description="Folder or s3:// prefix of the bars. Empty: RETRAIN_DATA.")
    registry: str | None = Field(None, description="Folder or s3:// root of the registry. Empty: RETRAIN_REGISTRY.")
    train_days: int = Field(365, ge=30, le=20_000, description="Length of the rolling training window, in days.")
    backfill: bool = Field(True, description="On the first night, score the past by a walk-forward.")
    backfill_days: int = Field(500, ge=0, le=5_000, description="Trading days of the past to score on the first night.")
    accept_unskilled: bool = Field(
        False, description="Let the first champion be one that is not shown to have skill (recorded)."
    )
    train: tuple[Year, ...] | None = Field(
        None, description="Years to train on, instead of the rolling window; then name the years of the holdout too."
    )
    holdout: tuple[Year, ...] | None = Field(
        None, description="Years to judge on in one look, instead of nightly by the evidence."
    )
    labels: Literal["next_bar", "notebook"] = Field(
        "next_bar", description="next_bar: a label never crosses a gap. notebook: the notebook's shift, for parity."
    )
    allow: tuple[CheckName, ...] | None = Field(
        None, description="Checks of the bars whose findings are meant to be as they are (recorded where one speaks)."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of recipes that set none of their own.")

    @field_validator("train", "holdout", "allow")
    @classmethod
    def _each_once(cls, value: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        return _distinct(value)

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


def _choices(schema: dict[str, Any]) -> None:
    """The recipes to choose from; where their file cannot be read any name may be typed, and the run says why not."""
    from flows.recipes import available_names

    try:
        settings = load_settings()
        names = list(available_names(settings.recipes_file, settings.traded))
    except RetrainError:
        return
    schema["anyOf"][0] |= {"items": {"type": "string", "enum": names}}


class RetrainRequest(RequestForm):
    """One night by hand; what stays empty is as on schedule. Checked before anything is read or trained."""

    as_of: AwareDatetime | None = Field(
        None, description="The moment the run pretends is now. Empty: the close of the newest bar."
    )
    recipes: tuple[str, ...] | None = Field(
        None, description="Recipes to train. None chosen: every one there is.", json_schema_extra=_choices
    )
    dry_run: bool = Field(False, description="Train and judge, but write nothing.")
    force: Force | None = Field(None, description="Promote whatever the gate says, by name and with a reason.")
    release: Release | None = Field(
        None, description="Let the gate decide although a tripwire tripped, by name and with a reason."
    )
    advanced: Advanced = Field(
        Advanced(), description="Places, window, years and seed; a usual night needs none of it."
    )

    @model_validator(mode="before")
    @classmethod
    def _grouped(cls, values: Any) -> Any:
        """In Python and on the command line the advanced fields go by their own names, ``RetrainRequest(seed=1)``."""
        if not isinstance(values, dict):
            return values
        plain = {name: value for name, value in values.items() if name not in Advanced.model_fields}
        named = {name: value for name, value in values.items() if name in Advanced.model_fields}
        given = plain.pop("advanced", None)
        if named and given is not None:
            raise ValueError(f"{', '.join(named)} stand beside 'advanced': give them inside it")
        return {**plain, "advanced": named if given is None else given}

    @field_validator("recipes")
    @classmethod
    def _each_once(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return _distinct(value)

    @model_validator(mode="after")
    def _forced_for_real(self) -> Self:
        if self.force is not None and self.dry_run:
            raise ValueError("a dry run writes nothing, so it forces nothing: drop one of dry run and force")
        return self


def _distinct(value: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    if value is not None and len(set(value)) != len(value):
        raise ValueError("something is named twice")
    return value or None


def request(**values: Any) -> RetrainRequest:
    """A request from options of the command line; :class:`RequestRefused` with every fault in plain words."""
    try:
        return RetrainRequest(**values)
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            where = ".".join(str(part) for part in fault["loc"])
            faults.append(f"{where + ': ' if where else ''}{fault['msg'].removeprefix('Value error, ')}")
        raise RequestRefused("; ".join(faults)) from error


def moment(text: str, hours: TradingHours) -> datetime:
    """The moment in a text: ISO 8601 with a zone, or a plain one in UTC. A date without a time is the close of that
    trading day by ``hours``: midnight would be seven hours into it, and its night would be decided on a part of it."""
    from datetime import UTC, date

    with suppress(ValueError):
        return hours.close_of(date.fromisoformat(text))
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequestRefused(
            f"as-of {text!r} is not a moment: write a trading day such as 2024-12-31 (its close), or 2024-12-31T22:00Z"
        ) from error
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
