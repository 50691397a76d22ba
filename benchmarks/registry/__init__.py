"""The registry beside what people would use instead: MLflow, pins and modelstore.

Each module is a part of :mod:`benchmarks`: :mod:`~.registering`, :mod:`~.loading`, :mod:`~.history`, :mod:`~.growth`,
:mod:`~.predicting`. Peers live in an environment of their own; :mod:`~.worker` runs there and is talked to by
:mod:`~.peer`, so that ours and theirs are taken in turns. Everything in a bucket is asked of one moto server
(:mod:`~.servers`), by MLflow through its own server, which keeps artifacts in the same bucket.
"""
