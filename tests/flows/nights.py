"""Nights of one model on short simulated bars: two recipes that train in a moment, ids that count, a clock by hand."""

from __future__ import annotations

import csv
import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.bars import Dataset, load_bars, prepare, write_sample
from flows.evidence.reading import read_nights
from flows.gate.nightly.calibration import Simulation, calibrate
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.scoring.ledger import Ledger, NightScores, assemble
from flows.job.plan import Job, plan
from flows.job.request import RetrainRequest
from flows.night.outcome import Outcome
from flows.night.run import Steps, run_night
from flows.night.state import NightContext
from flows.night.steps import gather, load
from flows.settings import Settings
from registry import Model, Registry
from registry.store.folder import FolderStore
from tests.clocks import FixedClock

RECIPES = """
[line]
estimator = "sklearn.linear_model.LogisticRegression"
features = ["rsi_14", "adx_14"]
scale = true

[bayes]
estimator = "sklearn.naive_bayes.GaussianNB"
features = ["rsi_14", "(close_15m - ema_20) / atr_14"]
"""
FAST = ("line", "bayes")
YEAR_FILE = "GBPUSD_M15_2024_features.csv"

quick_calibration = partial(calibrate, simulation=Simulation(paths=1000))
"""The threshold of a twentieth of the simulated years: what it is worth is tested elsewhere."""


class Killed(Exception):
    """Stands for the end of the process."""


def at(day: int, hour: int = 21, month: int = 6) -> datetime:
    """A moment of June 2024 in UTC; 21:00 is the close of New York's trading day."""
    return datetime(2024, month, day, hour, tzinfo=UTC)


def short_bars(folder: Path) -> Path:
    """Simulated bars from January to the middle of June 2024."""
    return write_sample(folder, first=date(2024, 1, 2), last=date(2024, 6, 14))


class Nights:
    """Runs nights of one model into one registry below ``place``."""

    def __init__(self, place: Path, data: Path, label: str = "next_bar") -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.data = data
        self.label = label
        self.registry = place / "registry"
        self.clock = FixedClock()
        self.recipes = place / "recipes.toml"
        self.recipes.write_text(RECIPES)
        self.first_number = 1
        self.numbers = itertools.count(self.first_number)

    def __call__(self, as_of: datetime | None = None, **values: Any) -> Outcome:
        steps = Steps(gather=partial(gather, progress=values.pop("on_backfill", None)))
        new_id = partial(_numbered, self.numbers)
        return run_night(self.job(as_of or at(3), **values), steps, clock=self.clock, new_id=new_id)

    def context(self, as_of: datetime, **values: Any) -> NightContext:
        """What each step of a night is given, the bars loaded."""
        job = self.job(as_of, **values)
        return NightContext(job, self.model, load(job), self.clock)

    def copy(self, place: Path) -> Nights:
        """These nights again below ``place``, to be continued with ids that were not used here."""
        shutil.copytree(self.registry, place / "registry")
        again = Nights(place, self.data, self.label)
        again.first_number = (self.first_number // 1000 + 1) * 1000
        again.numbers = itertools.count(again.first_number)
        return again

    def request(self, as_of: datetime, **values: Any) -> RetrainRequest:
        usual: dict[str, Any] = {"recipes": FAST, "train_days": 30, "backfill_days": 60}
        return RetrainRequest(as_of=as_of, **(usual | values))

    @property
    def settings(self) -> Settings:
        return Settings(
            data=str(self.data),
            label=self.label,
            registry=str(self.registry),
            model="m",
            cores=1,
            recipes_file=str(self.recipes),
        )

    def job(self, as_of: datetime, **values: Any) -> Job:
        return plan(self.request(as_of, **values), self.settings)

    @property
    def model(self) -> Model:
        return Registry(str(self.registry), clock=self.clock).model("m")

    @property
    def sheets(self) -> list[NightScores]:
        """All evidence that the registry holds."""
        model = self.model
        return read_nights(model, model.manifest())

    @property
    def ledger(self) -> Ledger:
        return assemble(self.sheets)

    def decision(self, number: int | None = None) -> NightlyDecision:
        """The record of the newest decision, or of that number."""
        model = self.model
        entry = model.decisions.head() if number is None else model.decisions.read(number)
        assert entry is not None, "a night was decided"
        record = model.decision_record(entry)
        assert record is not None, "the gate decided"
        return NightlyDecision.from_dict(record)

    def dataset(self, as_of: datetime) -> Dataset:
        """The bars as the night saw them."""
        return prepare(load_bars(self.data, as_of=as_of), labels=self.label)

    def stream(self, name: str) -> str:
        """The stream of one of the two recipes."""
        return f"recipe:{next(each.fingerprint for each in self.job(at(3)).recipes if each.name == name)}"

    def keys(self) -> list[str]:
        return Registry(str(self.registry)).store.list("")

    def content(self) -> dict[str, bytes]:
        """Every file of the registry."""
        files = (path for path in sorted(self.registry.rglob("*")) if path.is_file())
        return {str(path.relative_to(self.registry)): path.read_bytes() for path in files}

    def rewrite(self, change: Callable[[list[str], dict[str, int]], list[str] | None]) -> None:
        """Change the bars' file row by row: ``change`` is given the row and where each column stands, and returns the
        row to keep or None. The clock of the file is four hours behind UTC in June."""
        path = self.data / YEAR_FILE
        with path.open(newline="") as file:
            head, *rows = list(csv.reader(file))
        place = {name: number for number, name in enumerate(head)}
        kept = [row for row in (change(row, place) for row in rows) if row is not None]
        with path.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([head, *kept])


def _numbered(numbers: Iterator[int]) -> str:
    return f"{next(numbers):032x}"


@contextmanager
def killed_at(write: int) -> Iterator[list[str]]:
    """The process ends right after its so-manyth write to a folder. Gives the key it wrote; none where it writes less
    often. One of a process's first writes, the first in a registry that exists, is the probe, which never succeeds."""
    original = FolderStore.create
    written = itertools.count(1)
    ended: list[str] = []

    def create(store: FolderStore, key: str, data: bytes) -> None:
        number = next(written)
        original(store, key, data)
        if number == write:
            ended.append(key)
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FolderStore, "create", create)
        try:
            yield ended
        except Killed:
            pass
