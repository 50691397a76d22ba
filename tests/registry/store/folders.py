"""What the tests of the folder store share: what lies in a folder, and calls of the system that fail."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def failing(call: Callable[..., Any], code: int, *, times: int = 1) -> Callable[..., Any]:
    """``call`` that fails with the errno ``code`` the first ``times`` times."""
    left = iter(range(times))

    def fails(*arguments: Any, **options: Any) -> Any:
        if next(left, None) is not None:
            raise OSError(code, os.strerror(code))
        return call(*arguments, **options)

    return fails
