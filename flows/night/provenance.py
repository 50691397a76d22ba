"""The revision of the source that runs: written into every version, so that a result can be traced to its code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def source_revision() -> str | None:
    """``RETRAIN_SOURCE_REVISION`` (for images without a checkout), else git's commit, marked where files were edited.

    None where neither is there; nothing depends on it.
    """
    configured = os.environ.get("RETRAIN_SOURCE_REVISION")
    if configured:
        return configured[:80]
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return described.stdout.strip() or None
