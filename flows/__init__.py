"""Orchestrated, scheduled retraining of one production model behind a champion gate."""


def __getattr__(name: str) -> str:
    """``__version__``: one package, one version. Read when it is asked for, so that the commands begin at once."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from registry import __version__

    return __version__
