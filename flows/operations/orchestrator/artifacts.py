"""A night in Prefect's UI: the name of its run, its progress, and artifacts.

Artifacts stand under keys that stay the same for a model, so that the UI shows each as a history:
``<model>-decision`` (the night), ``<model>-champion`` (what production loads, why, how it does, how to load it) and
``<model>-versions`` (the newest versions). A dry run has a key of its own, ``<model>-dry-run``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run as runtime
from pydantic import ValidationError

from flows.errors import RetrainError
from flows.evidence.backfill import cost_sentence, left_sentence
from flows.fitting.queue import OnQueueProgress, QueueProgress
from flows.job.request import RetrainRequest
from flows.night.outcome import Outcome
from flows.operations.alerts.notifier import flow_run
from flows.report.data import ReportData
from flows.report.markdown import champion_markdown, decision_markdown, headline
from flows.settings import load_settings
from registry import Model, VersionRecord

NEWEST_VERSIONS = 50


def run_name() -> str:
    """The name of a run before its bars are read: the model, and the as-of where one is given."""
    try:
        request = RetrainRequest.model_validate(runtime.parameters.get("request", {}))
        model = load_settings().model_name(request.advanced.model, data=request.advanced.data)
    except (RetrainError, ValidationError):  # the run itself says what is wrong
        return "retrain"
    return model if request.as_of is None else f"{model} as of {request.as_of:%Y-%m-%d %H:%M}"


def rename_run(model: str, night: str, verdict: str | None = None) -> None:
    """Name the present run by its night, which is known once the bars are loaded, and by what came of it: the list of
    runs then tells what happened."""
    run = flow_run()
    if run is not None:
        with get_client(sync_client=True) as client:
            client.set_flow_run_name(run.id, f"{model} {night}" if verdict is None else f"{model} {night}: {verdict}")


@contextmanager
def walk_forward_progress() -> Iterator[OnQueueProgress]:
    """A progress bar on the page of the run, of time; the server is asked once for each percent that it moves."""
    artifact: Any = None
    shown, forecast = -1, ""

    def report(now: QueueProgress) -> None:
        nonlocal artifact, shown, forecast
        percent = round(100.0 * now.share)
        if shown < 0:
            artifact = create_progress_artifact(float(percent), description=cost_sentence(now.total))
            shown = percent
        elif percent > shown:
            forecast = forecast or ("" if now.left is None else left_sentence(now.left))
            update_progress_artifact(artifact, float(percent), description=f"{cost_sentence(now.total)} {forecast}")
            shown = percent

    yield report


def publish(model: Model, outcome: Outcome, told: ReportData | None = None) -> None:
    """Write the artifacts of a night that was decided now, or of a dry run. ``told``: what the night's report holds.

    Their descriptions begin with the verdict and leave the sentence to the page.
    """
    key, verdict = artifact_key(outcome.model), f"{headline(outcome)}, {outcome.model}."
    report = decision_markdown(outcome, model, told)
    if outcome.dry_run:
        create_markdown_artifact(report, f"{key}-dry-run", verdict)
        return
    create_markdown_artifact(report, f"{key}-decision", verdict)
    champion = outcome.champion
    loads = "Nothing is in production"
    if champion is not None:
        loads = f"{champion.version} ({champion.recipe}) is in production since {champion.since[:10]}"
    create_markdown_artifact(champion_markdown(outcome, told), f"{key}-champion", f"{loads}, {outcome.model}.")
    rows = versions_table(model)
    newest = f"{rows[0]['version']} is the newest version" if rows else "No version yet"
    create_table_artifact(rows, f"{key}-versions", f"{newest} of {outcome.model}; {NEWEST_VERSIONS} at most are shown.")


def artifact_key(model: str) -> str:
    """The model's name in small letters, digits and dashes, which is all that a key may hold; one key a model."""
    plain = re.sub(r"[^a-z0-9]+", "-", model).strip("-")
    same = plain.replace("-", "_") == model
    return plain if same else f"{plain}-{hashlib.sha256(model.encode()).hexdigest()[:6]}"


def versions_table(model: Model) -> list[dict[str, str]]:
    """The newest versions, newest first."""
    champion = model.champion()
    registered = (entry for entry in model.versions.walk() if entry.kind == "registered")
    rows = []
    for entry in islice(registered, NEWEST_VERSIONS):
        record = VersionRecord.from_dict(entry.body["version"])
        figures = {name: record.metrics.get(name) for name in ("accuracy", "f1", "auc")}
        rows.append(
            {
                "version": record.version,
                "night": record.night or "",
                "recipe": record.recipe or "",
                **{name: "" if value is None else f"{value:.4f}" for name, value in figures.items()},
                "now": "champion" if champion is not None and champion.version == record.version else "",
            }
        )
    return rows
