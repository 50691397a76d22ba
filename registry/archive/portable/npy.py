"""Numbers in numpy's own file format, read so that a file can neither run code nor claim more than it holds."""

from __future__ import annotations

import functools
import io
import tokenize
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.errors import UnsafeArtifact

_HEAD = len(b"\x93NUMPY") + 2 + 2
"""Magic, version, and how long the header is that follows."""

_BROKEN = (
    *(ValueError, EOFError, SyntaxError, TypeError, OverflowError, MemoryError, RecursionError),
    tokenize.TokenError,  # a header without its last bracket, which numpy takes for one of Python 2
)
"""What numpy's reader of headers raises for bytes that are none."""


def to_npy(array: npt.NDArray[Any]) -> bytes:
    """The file of an array: the same bytes for equal arrays, little-endian, C order."""
    buffer = io.BytesIO()
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    np.lib.format.write_array(buffer, plain, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def from_npy(data: bytes, where: str) -> npt.NDArray[Any]:
    """The array in ``data``, read-only; nothing is allocated, so its header cannot ask for memory.

    Raises :class:`UnsafeArtifact` for what is not an array of plain numbers of exactly the claimed size.
    """
    begins = _HEAD + int.from_bytes(data[_HEAD - 2 : _HEAD], "little")
    try:
        shape, by_columns, dtype = _header(data[:begins])
    except _BROKEN as error:
        raise UnsafeArtifact(f"{where} is not an array ({error}); not loaded") from error
    if dtype.hasobject:
        raise UnsafeArtifact(f"{where} is an array of objects, which only pickle could read; not loaded")
    count = 1
    for length in shape:
        count *= length  # of Python: cannot overflow
    held = len(data) - begins
    if any(length < 0 for length in shape) or dtype.itemsize == 0 or count * dtype.itemsize != held:
        raise UnsafeArtifact(f"{where} claims {count} numbers of {dtype} and holds {held} bytes; not loaded")
    flat = np.frombuffer(data, dtype=dtype, count=count, offset=begins)
    return flat.reshape(shape, order="F" if by_columns else "C")


@functools.lru_cache(maxsize=256)
def _header(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type. The trees of a forest have few different headers, and numpy parses one in 20 µs."""
    buffer = io.BytesIO(head)
    if np.lib.format.read_magic(buffer) != (1, 0):
        raise ValueError("another version of the format")
    header: tuple[tuple[int, ...], bool, np.dtype[Any]] = np.lib.format.read_array_header_1_0(buffer)
    return header
