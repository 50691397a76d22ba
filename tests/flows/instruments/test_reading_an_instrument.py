"""An instrument is read from a TOML file; whatever is wrong in it is named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from flows.errors import InstrumentRefused
from flows.instruments import GBPUSD_M15, MINUTES, SHIPPED, Instrument, find_instrument
from flows.instruments.spreads import Spreads
from flows.pnl.account import Swap


def written(**changes: Any) -> dict[str, Any]:
    """GBPUSD's values with fields changed; ``hours__zone`` is ``zone`` within ``hours``, None takes a field out."""
    values = GBPUSD_M15.to_dict()
    for name, value in changes.items():
        *outer, last = name.split("__")
        table = values[outer[0]] if outer else values
        if value is None:
            del table[last]
        else:
            table[last] = value
    return values


def test_eight_instruments_are_shipped() -> None:
    assert SHIPPED == ("AUDUSD", "BTCUSD", "EURUSD", "GBPUSD", "USDCAD", "USDCHF", "USDJPY", "XAUUSD")


@pytest.mark.parametrize("symbol", SHIPPED)
@pytest.mark.parametrize("bar", MINUTES)
def test_a_shipped_instrument_is_found_by_name_at_every_bar_length(symbol: str, bar: str) -> None:
    instrument = find_instrument(f"{symbol}_{bar}")
    assert instrument.name == f"{symbol}_{bar}"
    assert Instrument.parse(instrument.to_dict(), "its own values") == instrument


@pytest.mark.parametrize("symbol", SHIPPED)
def test_the_costs_of_a_shipped_instrument_can_be_read(symbol: str) -> None:
    costs = find_instrument(symbol).costs
    assert costs.spread > 0
    assert all(session.pips > 0 for session in Spreads.parse(costs.spreads).sessions)
    assert Swap.parse(costs.swap) == Swap()


def test_a_symbol_alone_has_bars_of_15_minutes() -> None:
    assert find_instrument("GBPUSD") == GBPUSD_M15 == find_instrument("GBPUSD_M15")


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "silver.toml"
    shipped = Path("flows/instruments/shipped/XAUUSD.toml").read_text(encoding="utf-8")
    path.write_text(shipped.replace("XAUUSD", "XAGUSD").replace('bar = "M15"', 'bar = "H4"'), encoding="utf-8")
    instrument = find_instrument(str(path))
    assert (instrument.name, instrument.minutes) == ("XAGUSD_H4", 240)


@pytest.mark.parametrize("name", ["GBPUSDX", "gbpusd", "USDJPY_M1", "USDJPY_", "_H1", "", "USDJPY H1", "../GBPUSD"])
def test_an_unknown_name_is_refused_and_the_shipped_ones_are_named(name: str) -> None:
    with pytest.raises(InstrumentRefused, match=r"GBPUSD.*XAUUSD"):
        find_instrument(name)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"symbol": "gbp/usd"}, "symbol"),
        ({"bar": "M1"}, "bar"),
        ({"pip": 0.0}, "pip"),
        ({"pip": float("inf")}, "pip"),
        ({"pip": "0.0001"}, "pip"),
        ({"decimals": 3}, "decimals"),
        ({"lowest": 3.0}, "lowest"),
        ({"simulated__price": 9.0}, r"simulated\.price"),
        ({"simulated__pips": [1.0]}, r"simulated\.pips"),
        ({"hours__zone": "Mars/Olympus"}, r"hours\.zone"),
        ({"hours__day_closes": "25:00"}, r"hours\.day_closes"),
        ({"hours__week_opens": "Someday 17:00"}, r"hours\.week_opens"),
        ({"hours__week_opens": None}, "week_opens and week_closes"),
        ({"hours__rollover": "17:00"}, r"hours\.rollover"),
        ({"hours__rollover": "17:00-17:00"}, r"hours\.rollover"),
        ({"hours__pause": "lunch"}, r"hours\.pause"),
        ({"hours__holidays": ["13-01"]}, r"hours\.holidays"),
        ({"hours__holidays": ["easter monday"]}, r"hours\.holidays"),
        ({"costs__spread": -1.0}, r"costs\.spread"),
        ({"costs__triple_swap": "Someday"}, r"costs\.triple_swap"),
        ({"costs": None}, "costs"),
        ({"leverage": 30}, "leverage"),
        ({"hours": "always"}, "hours"),
    ],
)
def test_a_wrong_field_is_named_with_its_place(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InstrumentRefused, match=named) as refused:
        Instrument.parse(written(**changes), "my.toml")
    assert "my.toml" in str(refused.value)


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(InstrumentRefused, match=r"bar.*decimals.*hours\.zone"):
        Instrument.parse(written(bar="M7", decimals=-1, hours__zone="X"), "my.toml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"symbol = ", "not TOML"),
        (b"\xff\xfe", "not TOML"),
        (b"a = " + b"[" * 5000, "not TOML"),
        (b"# " + b"x" * 70_000, "larger than"),
        (b"", "symbol: Field required"),
    ],
)
def test_a_file_that_is_no_instrument_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(InstrumentRefused, match=said):
        find_instrument(str(path))


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    for path in (tmp_path / "nothing.toml", tmp_path / "folder.toml"):
        with pytest.raises(InstrumentRefused, match="is no file"):
            find_instrument(str(path))


def test_the_shipped_files_say_which_bar_length_they_are_of() -> None:
    for symbol in SHIPPED:
        values = tomllib.loads(Path(f"flows/instruments/shipped/{symbol}.toml").read_text(encoding="utf-8"))
        assert (values["symbol"], values["bar"]) == (symbol, "M15")
