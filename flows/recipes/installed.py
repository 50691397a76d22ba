"""The environment says what a version was trained with: another scikit-learn moves the last digits of every figure."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import version

from flows.recipes.libraries import versions

PACKAGES = ("scikit-learn", "numpy", "skops", "pandas")


def environment(libraries: Iterable[str] = ()) -> dict[str, str]:
    """The versions of Python and of the packages that decide what a fit is; nothing of the machine.

    ``libraries``: the packages that recipes name beside scikit-learn, see ``Recipe.packages``.
    """
    packages = {package: version(package) for package in PACKAGES}
    return {"python": platform.python_version(), **packages, **versions(libraries)}
