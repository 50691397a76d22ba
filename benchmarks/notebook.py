"""The whole job as a notebook does it, to measure against: ``python benchmarks/notebook.py BARS REGISTRY``.

Loads two years, trains two forests on the one, scores both on the other, keeps both as pickles with a JSON index,
compares them and loads the latest. No more imports than that takes, nothing checked, nothing in parallel.
"""

import json
import pickle
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score

FEATURES = ["rsi_14", "ema_20", "ema_50", "atr_14", "adx_14"]
VERSIONS = [
    {"n_estimators": 50, "max_depth": 3, "random_state": 42},
    {"n_estimators": 200, "max_depth": 10, "min_samples_leaf": 5, "random_state": 42},
]


def main(bars: Path, registry: Path) -> None:
    years = [
        pd.read_csv(bars / f"GBPUSD_M15_{year}_features.csv", parse_dates=["timestamp"], index_col="timestamp")
        for year in (2022, 2024)
    ]
    frame = pd.concat(years).sort_index()
    frame["target_return"] = frame["close_15m"].shift(-1) - frame["close_15m"]
    frame["target"] = (frame["target_return"] > 0).astype(int)
    frame = frame.dropna()
    train, test = frame.loc["2022"], frame.loc["2024"]
    index = {"models": {"direction": []}}
    for parameters in VERSIONS:
        model = RandomForestClassifier(**parameters).fit(train[FEATURES], train["target"])
        predicted = model.predict(test[FEATURES])
        metrics = {
            "accuracy": accuracy_score(test["target"], predicted),
            "f1_score": f1_score(test["target"], predicted),
        }
        register(registry, index, model, parameters, metrics)
    history = pd.DataFrame(
        [{"version": entry["version"], **entry["metrics"], **entry["params"]} for entry in index["models"]["direction"]]
    )
    print(history)
    print(history[["accuracy", "f1_score"]].diff().iloc[-1])
    latest = index["models"]["direction"][-1]
    loaded = pickle.loads(Path(latest["path"]).read_bytes())  # as the notebook does: it runs whatever lies there
    print(latest["version"], loaded.predict(test[FEATURES].iloc[:1]))


def register(registry: Path, index: dict, model: object, parameters: dict, metrics: dict) -> None:
    entries = index["models"]["direction"]
    place = registry / "direction" / f"v{len(entries) + 1}"
    place.mkdir(parents=True)
    (place / "model.pkl").write_bytes(pickle.dumps(model))
    entry = {
        "version": place.name,
        "timestamp": datetime.now().isoformat(),  # noqa: DTZ005  # the notebook's times have no zone
        "params": parameters,
        "metrics": metrics,
        "path": str(place / "model.pkl"),
    }
    (place / "meta.json").write_text(json.dumps(entry, indent=4))
    entries.append(entry)
    (registry / "registry.json").write_text(json.dumps(index, indent=4))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
