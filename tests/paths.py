"""Where the tests find the project, and the real bars beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The root of the checkout."""

SHARED_DATA = ROOT.parent / "shared" / "data"
"""Real bars and a notebook's registry; may not be there."""
