"""Benchmarks: what this project costs beside its alternatives (``make bench``, ``python -m benchmarks NAME ...``).

The parts of the frame: :mod:`benchmarks.timing` measures things in turns, :mod:`benchmarks.figure` makes one
line of them (a ratio, its bound, whether it is reached), :mod:`benchmarks.report` shows and keeps the lines. What a
part measured is kept in ``benchmarks/results/NAME.json``, with the machine it was measured on, and
``docs/benchmarks.md`` is written from all of these files: a part can be measured alone without losing the others.

**A part** is a module with a title and one function, named in :data:`PARTS`::

    TITLE = "Registering and loading"

    def measure(bench: Bench) -> Iterator[Figure]:
        seconds = in_turns(register_here, register_there, times=bench.times)      # shape (times, 2)
        yield Figure.ratio_of(
            "register one rf_shallow in a folder", "MLflow: log, register, set alias",
            seconds[:, 0], seconds[:, 1], bound=0.2,
        )
        yield Figure.value_of("history of 10,000 versions, warm", milliseconds, unit="ms", bound=150.0)

``bench`` has the bars, a scratch folder that is removed afterwards, the number of turns, and ``bench.peers("mlflow",
"mlflow==3.17.0")``: the Python of an environment of its own with these packages, made on first use in ``.bench/``.
Figures are printed as they are yielded. A figure that misses its bound is shown as *not reached*; why stands under its
name in ``benchmarks/notes.toml``, and a missed figure without a reason there is shown as unexplained.

The gate's error rates are measured apart (``make bench-gate``, :mod:`benchmarks.gate`), so are the promotion rules of
others beside it (:mod:`benchmarks.promotion`), and the real years replayed by :mod:`benchmarks.replay`.
"""

PARTS: dict[str, str] = {
    "clone": "benchmarks.clone",
    "job": "benchmarks.job",
    "prefect": "benchmarks.through_prefect",
    "night": "benchmarks.night",
    "decision": "benchmarks.decision",
    "orchestration": "benchmarks.orchestration",
    "replaying": "benchmarks.replaying",
    "nights": "benchmarks.nights",
    "imports": "benchmarks.imports",
    "limits": "benchmarks.registry.limits",
    "registering": "benchmarks.registry.registering",
    "loading": "benchmarks.registry.loading",
    "history": "benchmarks.registry.history",
    "growth": "benchmarks.registry.growth",
    "predicting": "benchmarks.registry.predicting",
    "features": "benchmarks.registry.features",
    "scale": "benchmarks.scale",
}
"""Name of each part and the module that measures it, in the order of the report."""

ALONE = ("clone", "nights")
"""Measured where they are named: minutes for one figure each, of the network and of every fit of 500 nights."""

TURNS = {"job": 3, "prefect": 3, "night": 3, "decision": 3, "orchestration": 3, "replaying": 3, "registering": 5}
"""Of the parts whose one turn takes seconds to half a minute. In seven turns the quartiles of their figures lay within
7 % of the median, so that these show as well whether a bound is reached; the others take :data:`~.timing.TIMES`."""
