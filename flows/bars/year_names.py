"""Which names hold a year of bars, and which hold one in a form that is not read: no year is left out unseen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flows.bars.faults import BarFault, Rule, quoted
from flows.instruments import GBPUSD_M15, Instrument

ENDINGS = ("csv", "parquet")
"""Of files that are read; where a year lies there as both, the first is."""


@dataclass(frozen=True)
class YearFiles:
    """The names of an instrument's yearly files: ``GBPUSD_M15_2024_features.csv``."""

    instrument: Instrument = GBPUSD_M15

    def name(self, year: int | str, ending: str = ENDINGS[0]) -> str:
        """The name of the file that holds ``year``; of the pattern, where that is a text in its place."""
        return f"{self.instrument.name}_{year}_features.{ending}"

    def there(self, names: Mapping[str, str]) -> tuple[dict[int, str], list[BarFault]]:
        """The name of the file that is read for each year, in order, and a fault for each file that names no year.

        ``names``: what lies at a source, each with what it is if it is no file.
        """
        found: dict[int, str] = {}
        unknown: dict[str, str] = {}
        for ending in ENDINGS:
            form = re.compile(re.escape(self.name("?", ending)).replace(re.escape("?"), "(.+)"))
            for name, kind in names.items():
                text = None if kind else form.fullmatch(name)
                if text is not None and _is_year(text[1]):
                    found.setdefault(int(text[1]), name)
                elif text is not None:
                    unknown[name] = text[1]
        faults = [BarFault(Rule.UNKNOWN_YEAR, name, 0, f"year = {quoted(unknown[name])}") for name in sorted(unknown)]
        return dict(sorted(found.items())), faults

    def other_forms(self, names: Mapping[str, str]) -> dict[str, tuple[int, str]]:
        """What looks like a year of bars and is not read: year and why, by name."""
        like = re.compile(rf"{self.instrument.name}_([0-9]{{4}})_features(\..*)?", re.IGNORECASE)
        read, _ = self.there(names)
        found = {}
        for name, kind in names.items():
            form = like.fullmatch(name)
            if form is not None and _is_year(form[1]) and read.get(int(form[1])) != name:
                found[name] = int(form[1]), kind or f"it is not called {self.name(int(form[1]))}"
        return found


def year_file(year: int | str, instrument: Instrument = GBPUSD_M15) -> str:
    """The name of the CSV file that holds ``year``."""
    return YearFiles(instrument).name(year)


def _is_year(text: str) -> bool:
    return re.fullmatch("[0-9]{4}", text) is not None and 1970 <= int(text) < 2200
