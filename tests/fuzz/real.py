"""Where real inputs lie; nothing else is imported, since each target's process begins with this."""

from __future__ import annotations

from tests.paths import ROOT

REGISTRY = ROOT / "tests" / "registry" / "fixtures" / "format-1"
"""A registry of three models, with every kind of entry (``tests/registry/format_1.py``)."""
