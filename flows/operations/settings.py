"""The settings of nights that run by themselves: ``RETRAIN_*`` variables, in addition to those of the night itself.

Addresses may hold secrets, so they are never shown, logged or written.
"""

from __future__ import annotations

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.errors import RequestRefused
from flows.instruments import TradingHours
from flows.operations.calendar import TradingCalendar
from flows.settings import faults_of, take_settings_file


class Operations(BaseSettings):
    """How bars arrive, and whom to notify of what; every field is the variable ``RETRAIN_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="RETRAIN_", env_ignore_empty=True, extra="ignore", frozen=True)

    feed: str | None = Field(None, description="A command that fetches new bars, run by the shell before loading")
    feed_seconds: float = Field(600, gt=0, description="How long that command may take")
    wait_minutes: float = Field(180, ge=0, description="How long a scheduled night waits for complete bars")
    look_minutes: float = Field(5, gt=0, description="How often it looks (and runs the feed) meanwhile")
    turn_minutes: float = Field(240, ge=0, description="How long a night waits for another one of the same model")
    holidays: str = Field("", description="More days without trading: 04-07,2026-04-03; 12-25 and 01-01 are known")
    short_days: str = Field("", description="More days that end early; 12-24 and 12-31 are known")
    alert_url: SecretStr | None = Field(None, description="Where alerts go: a webhook (https://…) or an Apprise URL")
    alert_held: bool = Field(False, description="Also tell of nights on which nothing was promoted")
    ping_url: SecretStr | None = Field(None, description="Asked for after each decided night (a dead-man's switch)")
    conditions: str = Field(".retrain/conditions", description="Folder that remembers which alerts are open")

    def calendar(self, hours: TradingHours) -> TradingCalendar:
        """The days on which bars are expected of a market of these hours; :class:`RequestRefused` for what is no
        date."""
        return TradingCalendar.of(self.holidays, self.short_days, hours)

    @property
    def alert_target(self) -> str | None:
        return None if self.alert_url is None else self.alert_url.get_secret_value() or None

    @property
    def ping_target(self) -> str | None:
        return None if self.ping_url is None else self.ping_url.get_secret_value() or None


def load_operations() -> Operations:
    """The settings from the environment and the settings file; :class:`RequestRefused` names each that is wrong."""
    take_settings_file()
    try:
        return Operations()
    except ValidationError as error:
        raise RequestRefused(faults_of(error)) from error
