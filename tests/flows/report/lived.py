"""A registry to report on: a dozen nights on short simulated bars, a person with a hostile sense of humour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from flows.gate.nightly.policy import GatePolicy
from flows.job.plan import Job, plan
from flows.job.request import RetrainRequest
from flows.night.outcome import Outcome
from flows.settings import Settings
from registry import Model, Registry
from tests.flows.nights import FAST

POLICY = GatePolicy(windows=(4, 8), budget=0.3)
NIGHTS = [date(2022, 6, day) for day in (1, 2, 3, 6, 7, 8, 9, 10, 13, 14)]
HOSTILE = "<script>document.title='owned'</script> | **bold** [link](https://example.org) & </td>"


def as_of(night: date) -> datetime:
    """The close of a trading day in summer: 17:00 New York."""
    return datetime(night.year, night.month, night.day, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Lived:
    """A registry with ten nights of the model ``m``, the bars they ran on, and what the last one came to."""

    registry: str
    data: str
    recipes: str
    outcome: Outcome

    @property
    def model(self) -> Model:
        return Registry(self.registry).model("m")

    def job(self, night: date = NIGHTS[-1], model: str = "m") -> Job:
        settings = Settings(data=self.data, registry=self.registry, model=model, cores=1, recipes_file=self.recipes)
        return plan(RetrainRequest(recipes=FAST, as_of=as_of(night)), settings)
