"""An instrument is what is traded, as data: symbol, bar length, pip, prices, trading hours, costs.

::

    instrument = find_instrument("USDJPY_H1")              # a shipped one, or the path of a TOML file
    instrument.columns.close, instrument.counts.half_day   # "close_1h", 12
    instrument.hours.trading_day(opens)                    # the unit of evidence

Nothing here is a setting that everybody sees: whoever needs the instrument is handed it. ``GBPUSD_M15`` is the default
of those who are not.
"""

from flows.instruments.bar_length import MINUTES, RAW_NAMES
from flows.instruments.finding import GBPUSD_M15, SHIPPED, find_instrument
from flows.instruments.hours import TradingHours
from flows.instruments.instrument import SYMBOL, DayCounts, Instrument, PriceColumns

__all__ = [
    "GBPUSD_M15",
    "MINUTES",
    "RAW_NAMES",
    "SHIPPED",
    "SYMBOL",
    "DayCounts",
    "Instrument",
    "PriceColumns",
    "TradingHours",
    "find_instrument",
]
