"""Which names hold a year of bars, and which hold one in a form that is not read: no year is left out unseen."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flows.bars.faults import BarFault, Rule, quoted

_NAME = re.compile(r"GBPUSD_M15_(.+)_features\.csv")
_LIKE = re.compile(r"GBPUSD_M15_([0-9]{4})_features(\..*)?", re.IGNORECASE)


def year_file(year: int) -> str:
    """The name of the file that holds ``year``."""
    return f"GBPUSD_M15_{year}_features.csv"


def years_there(names: Mapping[str, str]) -> tuple[list[int], list[BarFault]]:
    """The years that a file can be read for, ascending, and a fault for each file that names no year.

    ``names``: what lies at a source, each with what it is if it is no file.
    """
    texts = {name: form[1] for name, kind in names.items() if not kind and (form := _NAME.fullmatch(name))}
    unknown = {name for name, text in texts.items() if not _is_year(text)}
    faults = [BarFault(Rule.UNKNOWN_YEAR, name, 0, f"year = {quoted(texts[name])}") for name in sorted(unknown)]
    return sorted(int(text) for name, text in texts.items() if name not in unknown), faults


def other_forms(names: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    """What looks like a year of bars and is not read: year and why, by name."""
    found = {}
    for name, kind in names.items():
        form = _LIKE.fullmatch(name)
        if form is not None and _is_year(form[1]) and (kind or name != year_file(int(form[1]))):
            found[name] = int(form[1]), kind or f"it is not called {year_file(int(form[1]))}"
    return found


def _is_year(text: str) -> bool:
    return re.fullmatch("[0-9]{4}", text) is not None and 1970 <= int(text) < 2200
