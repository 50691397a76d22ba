"""The environment says what a version was trained with: another scikit-learn moves the last digits of every figure."""

from __future__ import annotations

import platform
from importlib.metadata import version

PACKAGES = ("scikit-learn", "numpy", "skops", "pandas")


def environment() -> dict[str, str]:
    """The versions of Python and of the packages that decide what a fit is; nothing of the machine."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}
