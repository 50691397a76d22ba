"""Estimators beside their arrays, and a search beside a fixed recipe: ``python -m benchmarks.estimators``.

Prints the tables of ``docs/estimators.md``, from real bars. The first trains each estimator on 2022 and asks it and its
arrays for every bar of 2024; times are medians of one row. The second refits each 20 trading days on the year before
them, as ``benchmarks.probability`` does, and compares the recipes on the same bars, by trading days.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.probability import walked_forward
from flows.arrays import Floats
from flows.bars import Dataset, load_bars, prepare
from flows.recipes import Recipe, train
from flows.recipes.catalogue import LEVELS, stationary
from registry.archive import portable
from registry.archive.archive import pack, unpack
from registry.format.entries import digest

TIMES = 200
_BOOSTING = {"n_estimators": 100, "learning_rate": 0.03, "num_leaves": 8, "min_child_samples": 100}
_FOREST = {
    "estimator": "sklearn.ensemble.RandomForestClassifier",
    "parameters": {"n_estimators": 50, "max_depth": 5},
}
_SCALER = {"estimator": "sklearn.preprocessing.StandardScaler"}
_LINE = {"estimator": "sklearn.linear_model.LogisticRegression"}
_DESCENT = {"estimator": "sklearn.linear_model.SGDClassifier"}


def piped(*steps: dict[str, Any]) -> dict[str, Any]:
    """A pipeline as a table."""
    named = [[f"step{number}", step] for number, step in enumerate(steps)]
    return {"estimator": "sklearn.pipeline.Pipeline", "parameters": {"steps": named}}


def transformer(path: str, **parameters: Any) -> dict[str, Any]:
    """A step of a pipeline as a table."""
    return {"estimator": f"sklearn.{path}", "parameters": parameters}


KINDS: dict[str, dict[str, Any]] = {
    "LightGBM, 100 trees": {"estimator": "lightgbm.LGBMClassifier"},
    "LightGBM, 500 trees": {"estimator": "lightgbm.LGBMClassifier", "parameters": {"n_estimators": 500}},
    "XGBoost, 100 trees": {"estimator": "xgboost.XGBClassifier", "parameters": {"n_estimators": 100}},
    "CatBoost, 100 trees": {"estimator": "catboost.CatBoostClassifier", "parameters": {"iterations": 100}},
    "GradientBoosting, 100 trees": {"estimator": "sklearn.ensemble.GradientBoostingClassifier"},
    "SGD, scaled": {**_DESCENT, "parameters": {"loss": "log_loss"}, "scale": True},
    "MLP of 32 and 16, scaled": {
        "estimator": "sklearn.neural_network.MLPClassifier",
        "parameters": {"hidden_layer_sizes": [32, 16], "max_iter": 20},
        "scale": True,
    },
    "SGD, scaled, calibrated": {
        "estimator": "sklearn.calibration.CalibratedClassifierCV",
        "parameters": {"estimator": piped(_SCALER, _DESCENT)},
    },
    "forest, calibrated (isotonic)": {
        "estimator": "sklearn.calibration.CalibratedClassifierCV",
        "parameters": {"estimator": _FOREST, "method": "isotonic"},
    },
    "forest and line, voting": {
        "estimator": "sklearn.ensemble.VotingClassifier",
        "parameters": {"estimators": [["forest", _FOREST], ["line", piped(_SCALER, _LINE)]], "voting": "soft"},
    },
    "forest and line, stacked": {
        "estimator": "sklearn.ensemble.StackingClassifier",
        "parameters": {"estimators": [["forest", _FOREST], ["line", piped(_SCALER, _LINE)]]},
    },
    "quantiles (normal), then a line": piped(
        transformer("preprocessing.QuantileTransformer", output_distribution="normal"), _LINE
    ),
    "scaler, PCA of 3, then a forest": piped(_SCALER, transformer("decomposition.PCA", n_components=3), _FOREST),
}

FIXED = Recipe("fixed", "lightgbm.LGBMClassifier", _BOOSTING, stationary())
SEARCHED = Recipe(
    "searched",
    "lightgbm.LGBMClassifier",
    {"n_estimators": 100, "subsample_freq": 1},
    stationary(),
    search={
        "space": {
            "learning_rate": [0.005, 0.2, "log"],
            "num_leaves": [2, 32],
            "min_child_samples": [20, 1000, "log"],
            "reg_lambda": [0.01, 100.0, "log"],
            "subsample": [0.4, 1.0],
        },
        "trials": 20,
        "folds": 3,
        "gap": 96,
    },
)
DEFAULTS = Recipe("defaults", "lightgbm.LGBMClassifier", {}, stationary())


def main() -> None:
    """Print the tables; the second takes minutes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimators", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1].parent / "shared" / "data")
    parser.add_argument("--only", choices=("arrays", "search"), help="one of the tables; both by default")
    options = parser.parse_args()
    data = prepare(load_bars(options.data))
    warnings.simplefilter("ignore")  # of layers that have not converged: how good they are is not asked
    if options.only != "search":
        print("| estimator | largest difference | on bars | archive | one row | the library's own |")
        print("| --- | --- | --- | --- | --- | --- |")
        for row in arrays_rows(data):
            print(f"| {' | '.join(row)} |", flush=True)
    if options.only != "arrays":
        print(
            "\n| recipe | bars | accuracy | log loss less the base rate's, thousandths | beside `fixed`, thousandths |"
        )
        print("| --- | --- | --- | --- | --- |")
        for row in search_rows(data):
            print(f"| {' | '.join(row)} |", flush=True)


def arrays_rows(data: Dataset) -> Iterator[tuple[str, ...]]:
    """Of each estimator its largest difference from its arrays, the size of its archive, and both times of one row."""
    trained, asked = data.years(2022), data.years(2024)
    for name, parts in KINDS.items():
        recipe = Recipe("measured", features=LEVELS, **parts)
        fit = train(recipe, data, trained, seed=1)
        x = recipe.signature.matrix(data.bars.frame[asked])
        archive = pack(fit.estimator, recipe.signature, x)
        assert portable.is_program(fit.estimator)
        form = unpack(archive, sha256=digest(archive), where="here").form
        assert form is not None
        difference = float(np.abs(form.up(x) - fit.estimator.predict_proba(x)[:, 1]).max())
        ours, theirs = (_median(work, x[1000:1001]) for work in (form.up, fit.estimator.predict_proba))
        size = f"{len(archive) / 1000:,.0f} kB"
        yield (
            name,
            f"{difference:.1e}" if difference else "0.0",
            f"{len(x):,}",
            size,
            f"{ours:.0f} µs",
            f"{theirs:.0f} µs",
        )


def _median(work: Callable[[Floats], Any], row: Floats) -> float:
    """Microseconds of one call, in the middle of many."""
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        work(row)
        taken.append(time.perf_counter() - started)
    return 1e6 * float(np.median(taken))


def search_rows(data: Dataset) -> Iterator[tuple[str, ...]]:
    """Of each recipe its figures over the walk-forward, and its log loss beside the fixed one's with 95 % by days."""
    recipes = [FIXED, SEARCHED, DEFAULTS]
    streams = walked_forward(data, recipes, 1)
    at = data.counted & np.isfinite(data.label)
    for score in streams.values():
        at &= np.isfinite(score)
    label, days = data.label[at], data.trading_day[at]
    losses = {name: _loss(score[at], label) for name, score in streams.items()}
    base = _loss(np.full(label.size, label.mean()), label)
    for name, score in streams.items():
        accuracy = float(np.mean((score[at] > 0.5) == (label == 1)))
        beside = "" if name == FIXED.name else _by_days(losses[name] - losses[FIXED.name], days)
        yield name, f"{label.size:,}", f"{accuracy:.2%}", _by_days(losses[name] - base, days), beside


def _loss(up: Floats, label: Floats) -> Floats:
    up = np.clip(up, 1e-6, 1 - 1e-6)
    return -np.where(label == 1, np.log(up), np.log1p(-up))


def _by_days(each: Floats, days: Any) -> str:
    """The mean in thousandths, with 95 % by trading days as clusters."""
    _, place = np.unique(days, return_inverse=True)
    sums, counts = np.bincount(place, each), np.bincount(place)
    mean = each.mean()
    error = np.sqrt(np.square(sums - mean * counts).sum()) / counts.sum()
    return f"{1000 * mean:+.2f} ± {1960 * error:.2f}"


if __name__ == "__main__":
    main()
