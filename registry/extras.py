"""Packages that an installation may lack: one line says which extra brings them, instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import PackageMissing

_OWN = ("registry", "flows")


@contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """Around an import: where the package is not installed, :class:`PackageMissing` says that ``what`` needs it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package in _OWN:
            raise  # not a package that could be installed, but a fault of this one
        raise PackageMissing(
            f"{what} needs the package {package}, which is not installed here: pip install 'champion-gate[{extra}]'"
        ) from missing
