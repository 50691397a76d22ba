"""Arrays in JSON, exact and compact: their little-endian bytes in base64."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt


def packed(values: npt.NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode("ascii")


def unpacked(text: str, dtype: str) -> npt.NDArray[Any]:
    """What :func:`packed` wrote; :class:`ValueError` for what is no base64, or no whole number of values."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=dtype)
