"""A prediction service for the champion: ``python examples/serve.py MODEL --registry URL [--port 8000] [--every 60]``.

    POST /predict   {"rsi_14": [55.1], "ema_20": [1.27], ...}: whole bars, a list a column; the champion takes its own.
                    One whose features look back takes as many bars as /champion says, with their opens as "timestamp"
    GET  /champion  which version, since when, by which decision, and what to expect of it
    GET  /health    serving, stale, suspended or no champion

``/predict`` answers 200 whatever happens to the registry: after a promotion from the new champion; during an outage
from the last one known, with ``stale_seconds`` above 0; while production is suspended with ``stand_aside`` and its
reason instead of a prediction. A bar that does not fit is the caller's mistake: 422, which names the column.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException

import registry
from registry.errors import InputMismatch, NoChampion, Suspended


def service(champion: registry.Follower) -> FastAPI:
    """The web application; whoever made ``champion`` closes it."""
    app = FastAPI(title="champion")

    @app.post("/predict")
    def predict(bars: dict[str, list[float] | list[str]]) -> dict[str, Any]:
        try:
            prediction = champion.predict(bars, pick=True)
        except (Suspended, NoChampion) as reason:
            return {"stand_aside": str(reason)}
        except InputMismatch as error:
            raise HTTPException(422, str(error)) from error
        return {
            "stand_aside": None,
            "says": prediction.says,
            "score": prediction.score.tolist(),
            "probability": prediction.probability.to_dict(),
            "unlike": None if prediction.unlike is None else prediction.unlike.tolist(),
            "version": prediction.version,
            "cut": prediction.cut,
            "expected": None if prediction.expected is None else dataclasses.asdict(prediction.expected),
            "stale_seconds": prediction.stale_seconds,
        }

    @app.get("/champion")
    def about() -> dict[str, Any]:
        loaded = champion.loaded
        if loaded is None or loaded.champion is None:
            raise HTTPException(503, champion.status().problem)
        why = loaded.champion
        return {
            "version": why.version,
            "recipe": why.recipe,
            "since": why.since,
            "how": why.how,
            "by": why.by,
            "decision": why.decision,
            "columns": loaded.archive.signature.columns,
            "bars": loaded.bars,
            "served_from": "arrays" if loaded.archive.form is not None else f"skops: {loaded.archive.not_portable}",
            "expected": None if loaded.expected is None else str(loaded.expected),
        }

    @app.get("/health")
    def health() -> dict[str, Any]:
        return dataclasses.asdict(champion.status())

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the champion of a model.")
    parser.add_argument("model")
    parser.add_argument("--registry", help="folder or s3://bucket/prefix; default: RETRAIN_REGISTRY")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two looks for a new champion")
    args = parser.parse_args()
    with registry.follow(args.model, every=args.every, url=args.registry) as champion:
        uvicorn.run(service(champion), host=args.host, port=args.port)


if __name__ == "__main__":
    main()
