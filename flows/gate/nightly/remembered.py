"""Thresholds that took seconds to simulate are kept in the user's cache, for the next night's process.

Each is a small file named by the settings it was simulated with, so nothing is ever out of date: other settings have
another name. The folder (``$XDG_CACHE_HOME/retrain-thresholds``, or ``~/.cache/…``) may be deleted at any time, and
where it cannot be read or written a threshold is simulated again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from registry.store.files import write_atomically

__all__ = ["Pair", "remembered"]

Pair = tuple[float, float | None]
"""The threshold of a recipe and that of the mean, which one recipe has none of."""


def remembered(settings: Mapping[str, Any], simulated: Callable[[], Pair]) -> Pair:
    """What :func:`simulated` says at these settings, which are plain values: from the cache if it is there.

    A file that holds anything else than this module wrote for these very settings is written anew.
    """
    named = json.dumps(settings, sort_keys=True)
    path = _folder()
    if path is None:
        return simulated()
    path = path / f"{hashlib.sha256(named.encode()).hexdigest()}.json"
    kept = _read(path, named)
    if kept is None:
        kept = simulated()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps({"settings": named, "thresholds": kept}).encode(), sync=False)
        except OSError:
            return kept  # a full or read-only disk costs the next night seconds, and nothing else
    return kept


def _folder() -> Path | None:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "retrain-thresholds"
    except RuntimeError:  # a user without a home folder
        return None


def _read(path: Path, named: str) -> Pair | None:
    try:
        values = json.loads(path.read_bytes())
        threshold, together = values["thresholds"]
        if values["settings"] != named:
            return None
        return float(threshold), None if together is None else float(together)
    except (OSError, ValueError, TypeError, KeyError):  # not there, or not whole
        return None
