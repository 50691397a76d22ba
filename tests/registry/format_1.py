"""A small registry that holds every kind of entry of format 1, written by the package's own calls; what is read in it.

``fixtures/format-1`` was written by this module when the format was young (``fixtures/format-1.md``). Tests hold later
code to opening it, and to writing the same bytes again. Three models:

- ``nightly``: nights on simulated bars (:mod:`flows.night.run`), with an approval, a forced promotion, a return;
- ``named_years``: one night that judges on named years;
- ``acts``: what people and gates do by direct calls, every entry signed, beginning with versions from a notebook.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_info

from flows.bars import write_sample
from flows.gate.nightly.policy import GatePolicy
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.night.run import run_night
from flows.recipes import environment
from flows.settings import Settings
from registry import Model, Night, Registry, Version, VersionRecord
from registry.analysis.history import read_history
from registry.archive.input_schema import InputSchema
from registry.clock import write_time
from registry.exchange.notebook import ImportOptions, import_notebook
from registry.model.approval import proposal
from registry.model.evidence import ScoredNight
from registry.trust.signing import Signer, Trusted
from tests.clocks import FixedClock
from tests.registry.archives import pack_as_format_1

FIXTURES = Path(__file__).parent / "fixtures"
REGISTRY, FACTS, SENTENCES = FIXTURES / "format-1", FIXTURES / "format-1.json", FIXTURES / "format-1.txt"

MODELS = ("acts", "named_years", "nightly")
TRAINER, PROMOTER = Signer("trainer", bytes([1] * 32)), Signer("promoter", bytes([2] * 32))
TRUSTED = Trusted(promoters=[PROMOTER.public], trainers=[TRAINER.public])

RECIPES = """
[line]
estimator = "sklearn.linear_model.LogisticRegression"
features = ["rsi_14", "adx_14"]
scale = true

[bayes]
estimator = "sklearn.naive_bayes.GaussianNB"
features = ["rsi_14", "ema_20", "ema_50", "close_15m", "(close_15m - ema_20) / atr_14", "(close_15m - ema_50) / atr_14"]
"""
"""One with a data-only form; one without, which is far too sure of itself and so is soon seen to be worse."""

POLICY = GatePolicy(score="brier", windows=(3, 5), budget=0.99, accuracy_margin_points=100.0)
"""A threshold so low that a handful of nights shows what months would."""

NOTEBOOK = {
    "models": {
        "rf": [
            {
                "version": "v1",
                "timestamp": "2024-02-11T16:48:58.825398",
                "author": "ann",
                "params": {"n_estimators": 50, "missing": "nan"},
                "metrics": {"accuracy": 0.5134, "f1_score": 0.49, "report": {"up": 1}},
                "path": "models/rf/v1/model.pkl",
            },
            {"version": "v2", "timestamp": "2024-03-11T16:48:58+02:00", "params": {}, "metrics": {"accuracy": 0.51}},
        ]
    },
    "published": [{"model_name": "rf", "version": "v1", "published_at": "2024-02-12T10:38:53"}],
}

COLUMNS = {
    "rsi_14": [22.0, 38.5, 50.0, 63.25, 79.0],
    "adx_14": [12.0, 44.0, 25.5, 18.0, 31.0],
    "atr_14": [0.0006, 0.0011, 0.0008, 0.0009, 0.0014],
    "close_15m": [1.2701, 1.2748, 1.2755, 1.2769, 1.281],
    "ema_20": [1.2712, 1.2751, 1.2754, 1.2761, 1.2799],
    "ema_50": [1.272, 1.2749, 1.2752, 1.2758, 1.2788],
}
"""Five rows for every model to be asked about."""


# --- writing --------------------------------------------------------------------------------------------------------


def write_nights(folder: Path) -> None:
    """The models ``nightly`` and ``named_years`` in ``folder/registry``, from bars that are written there too."""
    with contextlib.chdir(folder), patch.dict(os.environ):  # the sentence of an approval holds the registry's path
        for name in [name for name in os.environ if name.startswith("RETRAIN_")]:
            del os.environ[name]
        os.environ["RETRAIN_SOURCE_REVISION"] = "format-1"
        Path("recipes.toml").write_text(RECIPES)
        write_sample("bars", first=date(2024, 3, 4), last=date(2024, 6, 21))
        write_sample("years", first=date(2023, 11, 1), last=date(2024, 2, 29))
        clock, new_id = FixedClock(), _counted()
        _nightly(clock, new_id)
        as_of = datetime(2024, 2, 28, 22, tzinfo=UTC)
        request = RetrainRequest(as_of=as_of, recipes=("line", "bayes"), train=(2023,), holdout=(2024,))
        run_night(plan(request, _settings("named_years", "years")), clock=clock, new_id=new_id)


def _nightly(clock: FixedClock, new_id: Callable[[], str]) -> None:
    model = Registry("registry", clock=clock, new_id=new_id).model("nightly")

    def night(month: int, day: int, **options: Any) -> None:
        as_of = datetime(2024, month, day, 21, tzinfo=UTC)
        request = RetrainRequest(
            as_of=as_of, recipes=("line", "bayes"), train_days=30, backfill_days=5, accept_unskilled=True
        )
        run_night(plan(request, _settings("nightly", "bars", **options)), clock=clock, new_id=new_id)

    night(5, 30)  # too few days to choose a first champion by
    model.set_policy(POLICY.to_dict(), author="ann", reason="to see something within a few nights")
    night(5, 31, approval_hours=1)
    model.approve("v3", author="ann", reason="looks right")
    model.force("v4", author="bob", reason="to see whether it is noticed")
    night(6, 5)  # two nights were missed; those of May become one file
    night(6, 7)


def _settings(model: str, data: str, **options: Any) -> Settings:
    return Settings(registry="registry", recipes_file="recipes.toml", cores=1, model=model, data=data, **options)


def fitted_archives() -> dict[str, bytes]:
    """What the model ``acts`` is made of: two archives with a data-only form, one with the skops form alone."""
    features = ("rsi_14", "adx_14")
    x = np.random.default_rng(1).normal(size=(200, 2)) * (12.0, 8.0) + (50.0, 25.0)
    up = (x[:, 0] - 0.5 * x[:, 1] > 37.0).astype(int)
    estimators = {
        "logistic": LogisticRegression(),
        "tree": DecisionTreeClassifier(max_depth=3, random_state=7),
        "bayes": GaussianNB(),
    }
    signature = InputSchema(features)
    return {name: pack_as_format_1(estimator.fit(x, up), signature) for name, estimator in estimators.items()}


def write_acts(folder: Path, archives: Mapping[str, bytes], made_with: Mapping[str, str]) -> None:
    """The model ``acts`` in ``folder/registry``. ``made_with``: the environment that its versions were trained in."""
    clock, new_id = FixedClock(datetime(2026, 2, 2, 22, 20, tzinfo=UTC)), _counted(1_000_000)
    places: dict[str, Any] = {"url": folder / "registry", "clock": clock, "new_id": new_id}
    training = Registry(**places, signer=TRAINER)
    job = training.model("acts")
    gate = Registry(**places, signer=PROMOTER, trusted=TRUSTED).model("acts")

    index = folder / "notebook.json"
    index.write_text(json.dumps(NOTEBOOK))
    import_notebook(training, index, author="ann", options=ImportOptions("rf", "acts"))
    logistic, tree, bayes, again = (
        job.register(archives[name], _record(name, made_with), author="job", key=f"register {number}")
        for number, name in enumerate(("logistic", "tree", "bayes", "logistic"))
    )
    job.tag("first", logistic.record.version, author="ann")
    job.tag("shadow", tree.record.version, author="ann")
    job.tag("first", None, author="ann")
    _score(job)

    held = {"sentence": "held: waits for a signature", "reason": "not signed"}
    proposed = proposal(gate.registration(logistic.entry), "promoted: better by every look", returned=False)
    first = job.hold(expected=None, author="job", body={**held, "proposal": proposed}, night=_night(29))
    assert first.kind == "held"
    gate.approve(str(logistic), author="ann", reason="looks right")
    large = {"rule": "by hand", "rows": [{"name": f"candidate {row}", "z": row / 8} for row in range(150)]}
    gate.hold(
        expected=gate.champion(),
        author="gate",
        body={"sentence": "held: nothing is better", "reason": "no evidence", "record": large},
        night=_night(30),
        key="decide the 30th",
    )
    _promote(gate, tree, "promoted: a tree", 31)
    _promote(gate, logistic, "returned: the line", 32, returned=True)
    gate.force(str(bayes), author="ann", reason="to try it", key="a person's own key")
    gate.rollback(author="ann", reason="it was worse")
    gate.freeze(author="bob", reason="holiday", until=datetime(2026, 3, 1, tzinfo=UTC))
    gate.unfreeze(author="bob", reason="back again")
    gate.suspend(author="ann", reason="the feed is wrong")
    gate.resume(author="ann", reason="the feed is right again")
    gate.set_policy(POLICY.to_dict(), author="ann", reason="as the other model")
    gate.freeze(author="bob", reason="until further notice")
    gate.retire([str(again)], author="ann", reason="never used")


def _record(name: str, made_with: Mapping[str, str]) -> VersionRecord:
    return VersionRecord(
        recipe=name,
        recipe_fingerprint=f"{name:f<64}",
        parameters={"estimator": name, "depth": 3, "share": 0.25, "balanced": True, "nothing": None},
        metrics={"accuracy": 0.53125, "auc": 0.55, "f1": None},
        measured_on={"bars": 1920, "first": "2024-04-01", "last": "2024-04-28", "rule": "by hand"},
        features=("rsi_14", "adx_14"),
        columns=("rsi_14", "adx_14"),
        dtypes=("float64", "float64"),
        cut=0.475,
        dataset_fingerprint="d" * 64,
        trained_from="2023-04-01T21:00:00.000000Z",
        trained_to="2024-03-31T20:30:00.000000Z",
        known_at="2024-03-31T21:00:00.000000Z",
        rows=200,
        seed=1,
        environment=dict(made_with),
        source_revision="format-1",
        seconds=0.125,
        night="2024-04-28",
    )


def _score(job: Model) -> None:
    """Evidence of three nights: the first two become the file of their month."""
    past = [b"what was scored before the first night\n"]
    for number, (night, through) in enumerate(
        (("2024-04-29", "2024-04-29"), ("2024-04-30", "2024-04-30"), ("2024-05-01", "2024-05-01"))
    ):
        job.score(
            ScoredNight(
                f"scores of {night}\n".encode(),
                night,
                through=f"{through}T20:30:00.000000Z",
                bars=92,
                backfill=past if number == 0 else (),
            ),
            fold=b"".join,
            author="job",
            key=f"score {night}",
            as_of=datetime.fromisoformat(f"{night}T21:00:00+00:00"),
        )


def _promote(gate: Model, version: Version, sentence: str, day: int, *, returned: bool = False) -> None:
    record = {"rule": "by hand", "winner": str(version)}
    body = {"sentence": sentence, "reason": "better", "record": record}
    decide = gate.reinstate if returned else gate.promote
    decide(version, expected=gate.champion(), author="gate", body=body, night=_night(day), key=sentence)


def _night(day: int) -> Night:
    """The night of a day of April 2024, counted on into May."""
    moment = datetime(2024, 4, 1, 21, tzinfo=UTC) + timedelta(days=day - 1)
    return Night(moment.date().isoformat(), moment)


def write_tags(folder: Path) -> Model:
    """A model with one entry more in a log than a segment holds, folded."""
    model = Registry(folder / "tagged", clock=FixedClock(), new_id=_counted()).model("tagged")
    model.register(None, VersionRecord(recipe="none"), author="ann")
    for number in range(100):
        model.tag("even" if number % 2 == 0 else "odd", "v1", author="ann")
    model.fold()
    return model


def _counted(first: int = 1) -> Callable[[], str]:
    numbers = itertools.count(first)
    return lambda: f"{next(numbers):08x}".ljust(32, "0")


# --- reading --------------------------------------------------------------------------------------------------------


def made_on() -> dict[str, Any]:
    """What decides the last bit of a fit: versions of packages, and the instructions that the processor is used by."""
    found = np.show_config(mode="dicts")
    kernels = sorted({f"{each['internal_api']} {each.get('architecture', '')}".strip() for each in threadpool_info()})
    return {"environment": environment(), "simd": found["SIMD Extensions"].get("found", []), "kernels": kernels}


def sentences(registry: Registry) -> str:
    """Every entry of every model in one line, the newest last: log, number, kind, time, author, what it says."""
    lines = []
    for name in registry.models():
        for entry in reversed([*registry.model(name).log()]):
            head = f"{name} {entry.log} {entry.n} {entry.kind} {write_time(entry.time)} {entry.author}"
            lines.append(f"{head}: {entry}\n")
    return "".join(lines)


def champions(model: Model) -> list[list[Any]]:
    """The champion right before and at each decision: moment, version, decision, how it became champion."""
    found = []
    for entry in reversed([*model.decisions.walk()]):
        for moment in (entry.time - timedelta(microseconds=1), entry.time):
            champion = model.champion(at=moment)
            shown = [None, None, None] if champion is None else [champion.version, champion.decision, champion.how]
            found.append([write_time(moment), *shown])
    return found


def histories(model: Model) -> list[dict[str, Any]]:
    """The rows of the history, as plain values."""
    rows: list[dict[str, Any]] = json.loads(read_history(model).to_json(orient="records", date_format="iso"))
    return rows


def predictions(model: Model, form: str) -> dict[str, list[float]]:
    """The score of the five rows by each version that is served from ``form``: ``arrays`` or ``skops``."""
    rows = {name: np.array(values) for name, values in COLUMNS.items()}
    found = {}
    for version in model.history():
        if version.record.artifact is None:
            continue
        loaded = model.load(str(version))
        if (loaded.archive.form is None) == (form == "skops"):
            found[str(version)] = loaded.predict(rows, pick=True).score.tolist()
    return found


def facts(registry: Registry) -> dict[str, Any]:
    """What is kept beside the registry, for later code to find in it."""
    models = {}
    for name in registry.models():
        model = registry.model(name)
        models[name] = {
            "champions": champions(model),
            "history": histories(model),
            "arrays": predictions(model, "arrays"),
            "skops": predictions(model, "skops"),
        }
    return {"made_on": made_on(), "models": models}


def content(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main(folder: Path) -> None:
    """Write ``format-1``, ``format-1.json`` and ``format-1.txt`` into a folder that is not there yet."""
    folder.mkdir(parents=True)
    with TemporaryDirectory() as work:
        write_nights(Path(work))
        write_acts(Path(work), fitted_archives(), environment())
        shutil.copytree(Path(work) / "registry", folder / REGISTRY.name)
    registry = Registry(folder / REGISTRY.name)
    (folder / FACTS.name).write_text(json.dumps(facts(registry), indent=1) + "\n")
    (folder / SENTENCES.name).write_text(sentences(registry))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
