"""Finding an instrument by the name of a shipped one, ``USDJPY`` or ``USDJPY_H1``, or by the path of a TOML file."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from flows.errors import InstrumentRefused
from flows.instruments.bar_length import MINUTES
from flows.instruments.instrument import Instrument
from registry.format.phrases import listed, shortened
from registry.store.place import local_path

MOST_BYTES = 64 << 10
"""Of a file: thirty times what an instrument takes."""

_SHIPPED = files("flows.instruments").joinpath("shipped")

SHIPPED = tuple(sorted(file.name.removesuffix(".toml") for file in _SHIPPED.iterdir() if file.name.endswith(".toml")))
"""The symbols of the shipped instruments."""


def find_instrument(name: str) -> Instrument:
    """The shipped instrument of this name, with bars of 15 minutes where it says no other length; or that of the file
    at a path that ends with ``.toml``.

    Raises :class:`InstrumentRefused` for a name that is none, a file that cannot be read or a field that is wrong.
    """
    if name.endswith(".toml"):
        return _of_file(local_path(name, "a file of an instrument"))
    symbol, divided, bar = name.partition("_")
    if symbol not in SHIPPED or (divided and bar not in MINUTES):
        raise InstrumentRefused(
            f"{shortened(name, 60)!r} is no instrument: choose among {listed(SHIPPED)}, with a bar length where "
            f"you like ({symbol if symbol in SHIPPED else 'GBPUSD'}_H1: {', '.join(MINUTES)}), or name a .toml file"
        )
    values = tomllib.loads(_SHIPPED.joinpath(f"{symbol}.toml").read_text(encoding="utf-8"))
    return Instrument.parse(values | ({"bar": bar} if bar else {}), f"the shipped {symbol}.toml")


def _of_file(path: Path) -> Instrument:
    try:
        if not path.is_file():
            raise InstrumentRefused(f"{path} is no file: name the TOML file of an instrument")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InstrumentRefused(f"{path} cannot be read ({error.strerror}): name a TOML file") from error
    if len(content) > MOST_BYTES:
        raise InstrumentRefused(f"{path} is larger than {MOST_BYTES >> 10} KiB: an instrument takes some lines")
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InstrumentRefused(f"{path} is not TOML: {shortened(str(error), 300)}") from error
    return Instrument.parse(values, str(path))


GBPUSD_M15 = find_instrument("GBPUSD")
"""The default."""
