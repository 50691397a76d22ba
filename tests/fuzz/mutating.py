"""Changing real inputs a little: bytes, text, JSON values and arrays. All chance comes from the generator passed in."""

from __future__ import annotations

import io
import zipfile
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.archive.portable.npy import from_npy, to_npy
from registry.errors import UnsafeArtifact

LEAVES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 7, 10**6, 2**31, 2**53 + 1, 2**63, 10**40, 10**400),
    *(0.0, -0.0, 0.5, 1.0, 1.5, -0.1, 1e-300, 1e300, 1.7e308, -1e308),
    *("", " ", "v1", "v2", "v0", "v99999", "latest", "champion", "1-2", "5-1", "a:1", "a:b", "0" * 64, "f" * 64),
    *("2024-05-01", "2024-05-01T00:00:00.000000Z", "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"),
    *("2024-13-01T00:00:00.000000Z", "promoted", "held", "rolled_back", "evidence/" + "0" * 64 + "-0", "../../x"),
    *("\x00", "é" * 200, "x" * 3000, "٣", "{}", "%s", "[red]", "\u2028", "nan", "inf", "-1", "1e5"),
)
"""Values that a field may not expect."""

NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-320, 1e300, -1e308, 1.7e308, np.nan, np.inf, -np.inf, 2.0**31, -(2.0**63))


def of_bytes(random: Random, data: bytes) -> bytes:
    """Bytes flipped, cut, doubled, moved or replaced, in a few places."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
        at = random.randrange(len(changed) + 1)
        some = random.choice((1, 1, 2, 4, 8, 64))
        match random.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << random.randrange(8)
            case 1:
                del changed[at : at + some]
            case 2:
                changed[at:at] = changed[at : at + some]
            case 3:
                changed[at : at + some] = random.randbytes(some)
            case 4:
                other = random.randrange(len(changed) + 1)
                changed[at:at] = changed[other : other + some]
            case _:
                changed[at : at + some] = random.choice((b"\0", b"\xff" * 4, b"NaN", b"1e999", b"[" * some, b"\n"))
    return bytes(changed)


def of_json(random: Random, value: Any, *, times: int | None = None) -> Any:
    """A JSON value with a few of its parts replaced, removed, renamed, doubled or exchanged; ``value`` is changed."""
    for _ in range(random.choice((1, 1, 1, 2, 3)) if times is None else times):
        if not isinstance(value, dict | list) or not value:
            return random.choice(LEAVES)
        holder, key = _place(random, value)
        here = holder[key]
        match random.randrange(10):
            case 0:
                del holder[key]
            case 1:
                other, name = _place(random, value)
                holder[key] = _copied(other[name])
            case 2:
                holder[key] = random.choice(([here], {"a": here}, [], {}, [here, here], [[]], {"": None}))
            case 3 if isinstance(holder, dict):
                holder[random.choice((*LEAVES[31:60], key + "x", "novel"))] = holder.pop(key)
            case 4 if isinstance(here, str) and here:
                at = random.randrange(len(here))
                holder[key] = here[:at] + random.choice(("", "\x00", "9", ":", "-", "é", here)) + here[at + 1 :]
            case 5 | 6 if isinstance(here, int | float) and not isinstance(here, bool):
                holder[key] = random.choice((here + 1, here - 1, -here, here * 10, here // 3, repr(here)[:9]))
            case _:
                holder[key] = random.choice(LEAVES)
    return value


def _place(random: Random, value: Any) -> tuple[Any, Any]:
    """Where some part of a JSON value stands: the object or list that holds it, and its name or place there."""
    while True:
        key = random.choice([*value]) if isinstance(value, dict) else random.randrange(len(value))
        below = value[key]
        if not isinstance(below, dict | list) or not below or random.random() < 0.15:
            return value, key
        value = below


def _copied(value: Any) -> Any:
    """A copy, so that no part of a value holds itself."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [*map(_copied, value)] if isinstance(value, list) else value


def of_npy(random: Random, data: bytes) -> bytes:
    """The file of an array with other numbers, another shape or type, or other bytes."""
    if random.random() < 0.15:
        return of_bytes(random, data)
    try:
        array = from_npy(data, "seed").copy()
    except UnsafeArtifact:
        return of_bytes(random, data)
    return to_npy(of_array(random, array))


def of_array(random: Random, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    choice = random.randrange(8)
    with np.errstate(all="ignore"):
        if choice == 0 and array.size:
            return array.reshape(-1)[: random.randrange(array.size + 1)]
        if choice == 1:
            return array.reshape(random.choice(((-1,), (1, -1), (-1, 1), (1, *array.shape))))
        if choice == 2 and array.dtype.names is None:
            return array.astype(random.choice(("<f8", "<f4", "<i8", "<i4", "<u8", "|b1", "<i2", "<c16")))
        if choice == 3:
            return np.concatenate((array, array)) if array.ndim else array.reshape(1)
        field = random.choice(array.dtype.names) if array.dtype.names else None
        flat = (array if field is None else array[field]).reshape(-1)
        for _ in range(random.choice((1, 1, 2, 8, flat.size or 1))) if flat.size else ():
            at = random.randrange(flat.size)
            flat[at] = _number(random, flat.dtype)
        if field is None:
            return flat.reshape(array.shape)
        array[field] = flat.reshape(array.shape)
    return array


def _number(random: Random, dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return random.choice(NUMBERS) if random.random() < 0.8 else random.uniform(-10, 10)
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        return random.choice((0, 1, 2, int(bounds.max), int(bounds.min), random.randrange(100)))
    return random.random() < 0.5


def unzipped(data: bytes) -> dict[str, bytes] | None:
    """The members of a zip file; None where it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001  # an input that was changed before breaks zipfile in ways that it does not name
        return None


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip file of these members, not packed: that is the fastest."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()
