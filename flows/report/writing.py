"""The report is written to a file, by hand or after each night.

The file appears complete or not at all. A report that cannot be made after a night changes nothing about the decision:
the outcome then holds the reason.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from flows.bars import Dataset
from flows.errors import ReportFailed, RequestRefused
from flows.job.plan import Job
from flows.night.outcome import Outcome
from flows.report.data import ReportData
from flows.report.front import front
from flows.report.gathering import gather
from flows.report.page import render
from registry import Model
from registry.clock import read_time
from registry.errors import ModelNotFound
from registry.format.html_table import facts
from registry.store.files import write_atomically

log = logging.getLogger("flows.report")


def write_report(
    job: Job, model: Model, *, now: datetime | None = None, data: Dataset | None = None, out: Path | None = None
) -> Path:
    """Write the report of the job's model and return its path.

    ``now``: the moment it describes; default the as-of of the bars. ``data``: the bars, where they are loaded already.
    ``out``: default ``<model>.html`` in the folder of the setting ``reports``.

    Raises :class:`ModelNotFound`, :class:`~flows.errors.RequestRefused` where the bars are not those of the model,
    :class:`~flows.errors.ReportFailed` where the file cannot be written, and what reading bars and registry raises.
    """
    return _write(job, make_report(job, model, now=now, data=data).data, out)


@dataclass(frozen=True)
class EvolutionReport:
    """The report of a model as a value. A notebook shows its first screen, :meth:`html` is the whole page."""

    data: ReportData

    def html(self) -> str:
        """The page that :func:`write_report` writes."""
        return render(self.data)

    def _repr_html_(self) -> str:
        first = front(self.data)
        rows = [
            ("in short", first.headline),
            ("", first.production),
            *((card.question, f"{card.answer}. {card.text}") for card in first.cards),
        ]
        return facts(f"{self.data.model}{', simulated bars' if self.data.simulated else ''}", rows)


def make_report(job: Job, model: Model, *, now: datetime | None = None, data: Dataset | None = None) -> EvolutionReport:
    """The report of the job's model; arguments and errors are those of :func:`write_report`."""
    return EvolutionReport(_gathered(job, model, now, data))


def night_report(job: Job, outcome: Outcome, *, data: Dataset | None = None) -> tuple[Outcome, ReportData | None]:
    """The outcome with the path of its report, or why there is none, and what the report holds. A dry run has none.

    ``data``: the night's bars.
    """
    if outcome.dry_run:
        return outcome, None
    told = None
    try:
        model = job.open_model()
        complete = data if _covers_the_evidence(job, model) else None
        told = _gathered(job, model, read_time(outcome.as_of), complete)
        report = str(_write(job, told, None))
    except Exception as error:  # noqa: BLE001  # the night is decided: a report that fails is recorded, not raised
        log.error("the night is decided, but its report could not be made: %s", error)
        report = f"none: {error}"
    return replace(outcome, report=report), told


def after_night(job: Job, outcome: Outcome, *, data: Dataset | None = None) -> Outcome:
    """The outcome of :func:`night_report`."""
    return night_report(job, outcome, data=data)[0]


def _gathered(job: Job, model: Model, now: datetime | None, data: Dataset | None) -> ReportData:
    check_model(model, job.registry, job.source)
    dataset = data or job.load_dataset()
    check_bars(model, dataset)
    return gather(job, model, dataset, now or dataset.bars.as_of.to_pydatetime())


def _write(job: Job, told: ReportData, out: Path | None) -> Path:
    path = out or Path(job.reports).expanduser() / f"{told.model}.html"
    write_file(path, render(told).encode())
    return path


def _covers_the_evidence(job: Job, model: Model) -> bool:
    """Whether the night's bars are all that is scored: a night of named years has loaded no others."""
    return job.request.advanced.years is None or not model.manifest().files


def check_model(model: Model, place: str, data: str | None) -> None:
    """:class:`ModelNotFound` where the registry has no such model; :class:`~flows.errors.RequestRefused` where its bars
    are real and nobody says where they are (``data``): before bars are simulated for nothing."""
    if model.decisions.head() is None and model.versions.head() is None:
        raise ModelNotFound(
            f"there is no model {model.name} in {place}: `registry models --registry {place}` lists those there are; "
            "a first night (`retrain run`) makes one"
        )
    if data is None and model.versions.head() is not None and not model.version("latest").record.simulated:
        raise RequestRefused(
            f"{model.name} was trained on bars of yours, and nothing says where they are: add --data FOLDER, the "
            'folder of `retrain run --data FOLDER`, or write data = "FOLDER" in retrain.toml, once for all commands'
        )


def check_bars(model: Model, data: Dataset) -> None:
    """Refuses to measure a real model on simulated bars, and the other way round."""
    newest = model.versions.head()
    simulated = newest is not None and bool(model.version("latest").record.simulated)
    if simulated != data.bars.simulated:
        bars, trained_on = ("simulated", "real") if data.bars.simulated else ("real", "simulated")
        raise RequestRefused(
            f"the bars in {data.bars.source} are {bars} and {model.name} was trained on {trained_on} ones: "
            "give the place of its bars with --data or RETRAIN_DATA"
        )


def write_file(path: Path, page: bytes) -> None:
    """Write a page, its folder too; :class:`~flows.errors.ReportFailed` where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, page)
    except OSError as error:
        raise ReportFailed(
            f"the report cannot be written to {path} ({error.strerror}): give another file with --out, or another "
            "folder with RETRAIN_REPORTS"
        ) from error
