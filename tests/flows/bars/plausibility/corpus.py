"""A corpus of yearly files, each with one fault that its name says, made from simulated bars; and what becomes of each.

``python -m tests.flows.bars.plausibility.corpus`` writes the table into ``docs/bars.md``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from flows.bars import load_bars, year_file
from flows.bars.clock import FileClock
from flows.bars.indicators import FEATURES, indicators
from flows.bars.plausibility import SeenBars, examine
from flows.bars.simulation import simulate
from flows.bars.writing import header, year_lines
from flows.errors import BarsMissing, BarsRejected
from tests.paths import ROOT

NOW = datetime(2024, 4, 20, 12, tzinfo=UTC)
"""The real clock of the corpus: its sound bars end a week earlier."""

PAGE = ROOT / "docs" / "bars.md"
BEGIN, END = "<!-- corpus -->\n", "<!-- end of corpus -->\n"

PRICES = ["open_15m", "high_15m", "low_15m", "close_15m"]
NEWEST = year_file(2024)

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Fault:
    """One faulty set of files. ``meaning``: it keeps every rule of form, and is wrong. ``reported``: it stands in the
    list of faults that walked in once."""

    name: str
    meaning: bool
    make: Callable[[], Files]
    reported: bool = False


@dataclass(frozen=True)
class Result:
    """What became of a fault (refused, questioned, noted, repaired, or taken as it is), and what found it."""

    outcome: str
    by: tuple[str, ...]


@functools.cache
def sound() -> pd.DataFrame:
    """Bars of December 2023 to April 2024 over New Year and both changes of summer time; features follow from the
    rows as they stand, and go on over New Year."""
    frame = simulate(date(2023, 12, 4), date(2024, 4, 12), seed=7)
    return with_features(frame[PRICES])


def with_features(prices: pd.DataFrame) -> pd.DataFrame:
    """``prices`` with their features, without the warm-up."""
    frame = prices.copy()
    frame[list(FEATURES)] = indicators(frame["high_15m"], frame["low_15m"], frame["close_15m"])
    return frame.iloc[500:] if len(frame) > 600 else frame.dropna()


def written(frame: pd.DataFrame, clock: str = "london-5h") -> dict[str, bytes]:
    """``frame`` as yearly files by ``clock``."""
    file_time = FileClock.parse(clock).from_utc(pd.DatetimeIndex(frame.index))
    lines = year_lines(frame, file_time)
    return {name: "\n".join([header(frame), *of_year, ""]).encode("ascii") for name, of_year in lines.items()}


def run(fault: Fault, folder: Path) -> Result:
    """What becomes of ``fault``: loaded and examined as a night does it."""
    folder.mkdir(parents=True)
    for name, content in fault.make().items():
        (folder / name).write_bytes(content)
    try:
        bars = load_bars(folder, require=FEATURES)
    except (BarsRejected, BarsMissing):
        return Result("refused", ("form",))
    found = examine(SeenBars.of(bars, NOW))
    by = tuple(dict.fromkeys(one.check.label for one in found))
    weights = {one.weight for one in found}
    if "refuse" in weights:
        return Result("refused", tuple(dict.fromkeys(one.check.label for one in found if one.weight == "refuse")))
    if "question" in weights:
        return Result("questioned", by)
    if by:
        return Result("noted", by)
    return Result("repaired", ("form",)) if bars.repairs else Result("taken as it is", ())


def table(results: Mapping[str, Result]) -> str:
    """The table of ``docs/bars.md``."""
    lines = []
    for meaning, title in ((True, "well formed, and wrong"), (False, "wrong in form")):
        chosen = [fault for fault in FAULTS if fault.meaning is meaning]
        lines += [f"| {title} ({len(chosen)} files) | what happens | by |", "| --- | --- | --- |"]
        for fault in chosen:
            result = results[fault.name]
            by = ", ".join(f"`{name}`" if name != "form" else name for name in result.by)
            lines.append(f"| {fault.name} | {result.outcome} | {by} |")
        lines.append("")
    return "\n".join(lines)


def page_table() -> str:
    """The table as the page has it."""
    return PAGE.read_text().split(BEGIN)[1].split(END)[0].strip()


def page_results() -> dict[str, Result]:
    """What the page says becomes of each fault."""
    results = {}
    for line in page_table().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[1] not in ("---", "what happens"):
            name, outcome, by = cells
            results[name] = Result(outcome, tuple(by.replace("`", "").split(", ")) if by else ())
    return results


# ---- well formed, and wrong --------------------------------------------------------------------------------------


def _edited(edit: Callable[[pd.DataFrame], pd.DataFrame | None], clock: str = "london-5h") -> Callable[[], Files]:
    def make() -> Files:
        frame = sound().copy()
        changed = edit(frame)
        return written(frame if changed is None else changed, clock)

    return make


def _clock(name: str) -> Callable[[], Files]:
    return lambda: written(sound(), name)


def _part_by(clock: str, since: str, until: str = "2025") -> Callable[[], Files]:
    """The bars from ``since`` to ``until`` by another clock than the rest."""

    def make() -> Files:
        frame = sound()
        part = (frame.index >= since) & (frame.index < until)
        right, wrong = (FileClock.parse(name).from_utc(pd.DatetimeIndex(frame.index)) for name in ("london-5h", clock))
        time = np.where(part, wrong, right)
        _, first = np.unique(time, return_index=True)
        kept, time = frame.iloc[np.sort(first)], time[np.sort(first)]
        lines = year_lines(kept, time)
        return {name: "\n".join([header(frame), *of_year, ""]).encode("ascii") for name, of_year in lines.items()}

    return make


def _longer(rule: str, since: str | None = None, until: str = "2025") -> Callable[[], Files]:
    """Bars of another length, all or from ``since`` to ``until``, with features of their own."""

    def make() -> Files:
        prices = sound()[PRICES]
        how = {"open_15m": "first", "high_15m": "max", "low_15m": "min", "close_15m": "last"}
        if since is None:
            return written(_features_of_any_length(prices.resample(rule).agg(how).dropna()))
        inside = prices[(prices.index >= since) & (prices.index < until)].resample(rule).agg(how).dropna()
        rest = prices[(prices.index < since) | (prices.index >= until)]
        return written(_features_of_any_length(pd.concat([rest, inside]).sort_index()))

    return make


def _features_of_any_length(prices: pd.DataFrame) -> pd.DataFrame:
    frame = prices.copy()
    frame[list(FEATURES)] = indicators(frame["high_15m"], frame["low_15m"], frame["close_15m"])
    return frame.dropna()


def _column(name: str, values: Callable[[pd.DataFrame], pd.Series], year: int | None = None) -> Callable[[], Files]:
    """``name`` holds other values, in all years or in one."""

    def edit(frame: pd.DataFrame) -> None:
        other = values(frame)
        where = np.ones(len(frame), np.bool_) if year is None else frame.index.year == year
        old = frame.get(name, 0.0)
        frame[name] = np.where(where & other.notna().to_numpy(), other, old)

    return _edited(edit)


def _all_features(shift: int) -> Callable[[], Files]:
    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        frame[list(FEATURES)] = frame[list(FEATURES)].shift(shift)
        return frame.dropna()

    return _edited(edit)


def _renamed(names: Mapping[str, str], year: int | None = None) -> Callable[[], Files]:
    """Columns under other names, in all years or in one: the prices stay where a bar would break a rule of form."""

    def edit(frame: pd.DataFrame) -> None:
        where = np.ones(len(frame), np.bool_) if year is None else frame.index.year == year
        old = frame.copy()
        for name, source in names.items():
            frame[name] = np.where(where, old[source], old[name])

    return _edited(edit)


def _cell(at: int, **values: float) -> Callable[[], Files]:
    """One row with other values."""

    def edit(frame: pd.DataFrame) -> None:
        for name, value in values.items():
            frame.iloc[at, frame.columns.get_loc(name)] = value

    return _edited(edit)


def _prices(factor: Callable[[float], float], since: str, until: str, *, follow: bool = False) -> Callable[[], Files]:
    """Prices from ``since`` to ``until`` are others; the features ``follow`` them or not."""

    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        part = (frame.index >= since) & (frame.index < until)
        frame.loc[part, PRICES] = factor(1.0) * frame.loc[part, PRICES]
        return with_features(frame[PRICES]) if follow else frame

    return _edited(edit)


def _frozen(since: str, until: str, *, flat: bool) -> Callable[[], Files]:
    """Closes that never move from ``since`` to ``until``; ``flat``: nor does anything else. The features follow."""

    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        part = (frame.index >= since) & (frame.index < until)
        price = frame.loc[part, "close_15m"].iloc[0]
        frame.loc[part, "close_15m"] = price
        if flat:
            frame.loc[part, ["open_15m", "high_15m", "low_15m"]] = price
        frame["high_15m"] = frame[PRICES].max(axis=1)
        frame["low_15m"] = frame[PRICES].min(axis=1)
        return with_features(frame[PRICES]).fillna({"rsi_14": 50.0})

    return _edited(edit)


def _again(since: str, days: int, hours: int = 24 * 5, *, follow: bool = True) -> Callable[[], Files]:
    """The prices of ``days`` days before stand again from ``since`` on, for so many ``hours``."""

    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        begin = pd.Timestamp(since, tz="UTC")
        part = frame.index[(frame.index >= begin) & (frame.index < begin + pd.Timedelta(hours=hours))]
        source = part - pd.Timedelta(days=days)
        there = source.isin(frame.index)
        frame.loc[part[there], PRICES] = frame.loc[source[there], PRICES].to_numpy()
        return with_features(frame[PRICES]) if follow else frame

    return _edited(edit)


def _weekends(*, flat: bool) -> Callable[[], Files]:
    """Bars in the closed market, as downloaders fill it; the features follow."""

    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        grid = pd.date_range(frame.index[0], frame.index[-1], freq="15min")
        # the default clock shows these four quarters of an hour never, and a file with them is refused for its form
        grid = grid[~((grid >= "2024-03-31 01:00") & (grid < "2024-03-31 02:00"))]
        filled = frame[PRICES].reindex(grid)
        shut, close = filled["close_15m"].isna(), filled["close_15m"].ffill()
        if not flat:
            chance = np.random.default_rng(3)
            close = close + np.where(shut, chance.normal(0, 1e-4, len(close)), 0.0)
        for name in PRICES:
            filled[name] = filled[name].fillna(close)
        if not flat:
            filled["open_15m"] = filled["open_15m"].where(~shut, close.shift())
        filled["high_15m"], filled["low_15m"] = filled[PRICES].max(axis=1), filled[PRICES].min(axis=1)
        return with_features(filled.round(5))

    return _edited(edit)


def _later(years: int) -> Callable[[], Files]:
    """The same bars, so many years later."""

    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.set_axis(frame.index + pd.Timedelta(weeks=52 * years), axis=0)

    return _edited(edit)


def _one_future_bar() -> pd.DataFrame:
    frame = sound().copy()
    return frame.set_axis([*frame.index[:-1], pd.Timestamp("2024-12-30 15:00", tz="UTC")], axis=0)


def _day_and_month_swapped() -> pd.DataFrame:
    frame = sound()
    frame = frame[frame.index < "2024-04-02 21:00"]
    part = frame.index.normalize() == pd.Timestamp("2024-03-04", tz="UTC")
    return frame.set_axis(frame.index.where(~part, frame.index + pd.Timedelta(days=30)), axis=0).sort_index()


def _features_of(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[], Files]:
    """Features that were computed from other prices than those in the file."""

    def edit(frame: pd.DataFrame) -> None:
        prices = change(frame[PRICES].copy())
        frame[list(FEATURES)] = indicators(prices["high_15m"], prices["low_15m"], prices["close_15m"]).bfill()

    return _edited(edit)


def _shifted(name: str, frame: pd.DataFrame) -> pd.Series:
    return frame[name].shift(-1)


def _rolling(name: str, values: Callable[[pd.DataFrame], pd.Series]) -> Callable[[], Files]:
    return _column(name, lambda frame: values(frame).bfill())


def _noise(seed: int) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda frame: pd.Series(np.random.default_rng(seed).normal(0, 1, len(frame)), frame.index)


def _scaled_in(year: int, by: float) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda frame: _noise(4)(frame) * np.where(frame.index.year == year, by, 1.0)


def _still_for_a_month(frame: pd.DataFrame) -> pd.Series:
    values = _noise(5)(frame)
    part = (frame.index >= "2024-02-01") & (frame.index < "2024-03-04")
    return values.where(~part, 0.5)


def _last_adx_cut() -> Files:
    files = written(sound())
    lines = files[NEWEST].decode().splitlines()
    cells = lines[-1].split(",")
    lines[-1] = ",".join([*cells[:-1], cells[-1][0]])
    return files | {NEWEST: "\n".join([*lines, ""]).encode()}


MEANING = (
    Fault("UTC, read by the default clock", True, _clock("UTC"), reported=True),
    Fault("MetaTrader's server time, read by the default clock", True, _clock("America/New_York+7h"), reported=True),
    Fault("Tokyo's time", True, _clock("Asia/Tokyo")),
    Fault("Berlin's time", True, _clock("Europe/Berlin")),
    Fault("New York's time: another clock in three weeks of spring alone", True, _clock("America/New_York")),
    Fault("UTC-5 all year: an hour off in two weeks of spring", True, _clock("UTC-5")),
    Fault("twelve hours off", True, _clock("UTC+7")),
    Fault("stamped at the close", True, _clock("london-5h at close"), reported=True),
    Fault("UTC, stamped at the close", True, _clock("UTC at close")),
    Fault("server time from February on", True, _part_by("America/New_York+7h", "2024-02-04")),
    Fault("server time in February alone", True, _part_by("America/New_York+7h", "2024-02-04", "2024-03-03")),
    Fault("UTC in the file of 2023 alone", True, _part_by("UTC", "2023", "2024")),
    Fault("H1 bars", True, _longer("1h"), reported=True),
    Fault("M30 bars", True, _longer("30min"), reported=True),
    Fault("H4 bars", True, _longer("4h")),
    Fault("daily bars", True, _longer("1D"), reported=True),
    Fault("H1 bars from February on", True, _longer("1h", "2024-02-04")),
    Fault("M30 bars in one week", True, _longer("30min", "2024-02-04", "2024-02-11")),
    Fault("the next close under the name rsi_14", True, _column("rsi_14", lambda f: f["close_15m"].shift(-1)), True),
    Fault(
        "the next return under the name rsi_14",
        True,
        _column("rsi_14", lambda f: f["close_15m"].pct_change().shift(-1)),
        reported=True,
    ),
    Fault(
        "how far the next return goes under the name rsi_14",
        True,
        _column("rsi_14", lambda f: 1e5 * f["close_15m"].pct_change().shift(-1).abs().clip(upper=1e-3)),
    ),
    Fault(
        "the next return under the name atr_14",
        True,
        _column("atr_14", lambda f: f["close_15m"].pct_change().shift(-1)),
        reported=True,
    ),
    Fault(
        "the next label under the name rsi_14",
        True,
        _column("rsi_14", lambda f: (f["close_15m"].shift(-1) > f["close_15m"]).astype(float)),
    ),
    Fault("every feature one bar early", True, _all_features(-1), reported=True),
    Fault("every feature one bar late", True, _all_features(1)),
    *(
        Fault(f"{name} one bar early", True, _column(name, functools.partial(_shifted, name)), name == "rsi_14")
        for name in FEATURES
    ),
    Fault("rsi_14 of 250 in one row", True, _cell(4000, rsi_14=250.0), reported=True),
    Fault("rsi_14 of -5 in one row", True, _cell(4000, rsi_14=-5.0), reported=True),
    Fault("adx_14 of 101 in one row", True, _cell(4000, adx_14=101.0)),
    Fault("rsi_14 between 0 and 1", True, _column("rsi_14", lambda f: f["rsi_14"] / 100)),
    Fault("ema_20 in pips, in 2024 alone", True, _column("ema_20", lambda f: f["ema_20"] * 1e4, 2024), reported=True),
    Fault("atr_14 in pips, in 2023 alone", True, _column("atr_14", lambda f: f["atr_14"] * 1e4, 2023)),
    Fault(
        "the names of the features moved by one",
        True,
        _renamed(dict(zip(FEATURES, [*FEATURES[1:], FEATURES[0]], strict=True))),
        reported=True,
    ),
    Fault("ema_20 and ema_50 exchanged", True, _renamed({"ema_20": "ema_50", "ema_50": "ema_20"})),
    Fault("rsi_14 and adx_14 exchanged in 2024", True, _renamed({"rsi_14": "adx_14", "adx_14": "rsi_14"}, 2024)),
    Fault("open and close exchanged", True, _renamed({"open_15m": "close_15m", "close_15m": "open_15m"}), True),
    Fault(
        "open and close exchanged in 2024",
        True,
        _renamed({"open_15m": "close_15m", "close_15m": "open_15m"}, 2024),
    ),
    Fault("an RSI of 7 bars as rsi_14", True, _column("rsi_14", lambda f: _rsi(f["close_15m"], 7))),
    Fault("an RSI of plain means as rsi_14", True, _column("rsi_14", lambda f: _cutlers(f["close_15m"], 14))),
    Fault(
        "an EMA of 30 bars as ema_20",
        True,
        _column("ema_20", lambda f: f["close_15m"].ewm(span=30, adjust=False).mean()),
    ),
    Fault("a plain mean as ema_20", True, _rolling("ema_20", lambda f: f["close_15m"].rolling(20).mean())),
    Fault(
        "a plain mean of ranges as atr_14",
        True,
        _rolling("atr_14", lambda f: (f["high_15m"] - f["low_15m"]).rolling(14).mean()),
    ),
    Fault("an ADX of plain means as adx_14", True, _rolling("adx_14", lambda f: f["adx_14"].rolling(14).mean())),
    Fault("rsi_14 of 50 in every row", True, _column("rsi_14", lambda f: f["rsi_14"] * 0 + 50)),
    Fault("features of the rows in reverse", True, _features_of(lambda p: p.iloc[::-1].set_axis(p.index, axis=0))),
    Fault(
        "features of prices that were corrected later",
        True,
        _features_of(lambda p: p + 2e-4 * np.sin(np.arange(len(p)))[:, None]),
    ),
    Fault("features of one day left as the day before", True, _edited(lambda f: _stale_features(f))),
    Fault("prices times 100 for a day", True, _prices(lambda p: p * 100, "2024-02-06", "2024-02-07"), reported=True),
    Fault("prices times 100 in a year", True, _prices(lambda p: p * 100, "2024", "2025", follow=True), reported=True),
    Fault("prices a tenth higher for a day", True, _prices(lambda p: p * 1.1, "2024-02-06", "2024-02-07", follow=True)),
    Fault("prices twice as high in a year", True, _prices(lambda p: p * 1.9, "2023", "2024", follow=True)),
    Fault("prices of USDJPY", True, _prices(lambda p: p * 110, "2023", "2025", follow=True)),
    Fault("one close of 13.504", True, _cell(5000, close_15m=13.504, high_15m=13.504), reported=True),
    Fault("one close that lost a digit", True, _cell(5000, close_15m=1.3, low_15m=1.29)),
    Fault("one high of 1.5", True, _cell(5000, high_15m=1.5)),
    Fault("a close that never moves", True, _frozen("2023", "2025", flat=False), reported=True),
    Fault("a close that does not move for two days", True, _frozen("2024-02-06", "2024-02-08", flat=False)),
    Fault("flat bars for six hours", True, _frozen("2024-02-06 08:00", "2024-02-06 14:00", flat=True)),
    Fault("the prices of yesterday again", True, _again("2024-02-06 22:00", 1, 23)),
    Fault("the prices of the week before again", True, _again("2024-02-12", 7)),
    Fault("flat bars while the market is shut", True, _weekends(flat=True), reported=True),
    Fault("bars that move while the market is shut", True, _weekends(flat=False)),
    Fault("bars of the year after next", True, _later(2)),
    Fault("one bar dated in December", True, lambda: written(_one_future_bar()), reported=True),
    Fault("day and month exchanged for a day", True, lambda: written(_day_and_month_swapped())),
    Fault("the last adx_14 cut to one digit", True, _last_adx_cut, reported=True),
    Fault("an unknown column with the next return", True, _column("signal", lambda f: f["close_15m"].diff().shift(-1))),
    Fault("an unknown column with the next close", True, _column("signal", lambda f: f["close_15m"].shift(-1))),
    Fault("an unknown column in other units in 2024", True, _column("signal", _scaled_in(2024, 1e4))),
    Fault("an unknown column that never moves", True, _column("signal", lambda f: f["close_15m"] * 0 + 7)),
    Fault("an unknown column that stands still for a month", True, _column("signal", _still_for_a_month)),
    Fault(
        "an unknown column with one value of a billion",
        True,
        _column("signal", lambda f: _noise(6)(f).where(f.index != f.index[3000], 1e9)),
    ),
    Fault(
        "a week of bars that is not there",
        True,
        _edited(lambda f: f[(f.index < "2024-02-04 21:00") | (f.index > "2024-02-11 20:00")]),
    ),
)


def _rsi(close: pd.Series, span: int) -> pd.Series:
    change = close.diff().fillna(0)
    gain = change.clip(lower=0).ewm(alpha=1 / span, adjust=False).mean()
    loss = (-change.clip(upper=0)).ewm(alpha=1 / span, adjust=False).mean()
    return (100 * gain / (gain + loss)).fillna(50)


def _cutlers(close: pd.Series, span: int) -> pd.Series:
    change = close.diff().fillna(0)
    gain, loss = change.clip(lower=0).rolling(span).sum(), (-change.clip(upper=0)).rolling(span).sum()
    return (100 * gain / (gain + loss)).bfill()


def _stale_features(frame: pd.DataFrame) -> None:
    part = frame.index.normalize() == pd.Timestamp("2024-02-06", tz="UTC")
    names = list(FEATURES)
    frame.loc[part, names] = frame.loc[part, names].iloc[0].to_numpy()


# ---- wrong in form -----------------------------------------------------------------------------------------------


def _text(edit: Callable[[list[str]], list[str]]) -> Callable[[], Files]:
    """The lines of the newest file, the header first, changed."""

    def make() -> Files:
        files = _short()
        lines = files[NEWEST].decode().splitlines()
        return files | {NEWEST: "\n".join([*edit(lines), ""]).encode()}

    return make


def _bytes(edit: Callable[[bytes], bytes]) -> Callable[[], Files]:
    def make() -> Files:
        files = _short()
        return files | {NEWEST: edit(files[NEWEST])}

    return make


@functools.cache
def _short() -> dict[str, bytes]:
    """A month of sound bars, in the file of 2024 alone."""
    frame = sound()
    return written(frame[frame.index >= "2024-03-13"])


def _line(at: int, edit: Callable[[str], str]) -> Callable[[], Files]:
    return _text(lambda lines: [*lines[:at], edit(lines[at]), *lines[at + 1 :]])


def _field(column: str, text: str, at: int = 100) -> Callable[[], Files]:
    place = ["timestamp", *PRICES, *FEATURES].index(column)

    def edit(line: str) -> str:
        cells = line.split(",")
        return ",".join([*cells[:place], text, *cells[place + 1 :]])

    return _line(at, edit)


def _times(edit: Callable[[str], str]) -> Callable[[], Files]:
    """Every timestamp written otherwise."""
    return _text(
        lambda lines: [lines[0], *(f"{edit(line.split(',', 1)[0])},{line.split(',', 1)[1]}" for line in lines[1:])]
    )


def _header(edit: Callable[[str], str]) -> Callable[[], Files]:
    return _line(0, edit)


_CELLS = ("", "nan", "NaN", "inf", "-inf", "null", "None", "#N/A", "-", "1.2.3", "1_000", "0x1p0", "1e400", "١.٢")

FORM = (
    *(Fault(f"a close of {text!r}", False, _field("close_15m", text)) for text in _CELLS),
    *(Fault(f"an rsi_14 of {text!r}", False, _field("rsi_14", text)) for text in ("", "nan", "inf", "n/a")),
    Fault("a price of zero", False, _field("close_15m", "0")),
    Fault("a negative price", False, _field("open_15m", "-1.25")),
    Fault("a low above the high", False, _field("low_15m", "1.9")),
    Fault("a high below the close", False, _field("high_15m", "1.0")),
    Fault("a timestamp that is empty", False, _field("timestamp", "")),
    Fault("the 30th of February", False, _field("timestamp", "2024-02-30 10:00:00")),
    Fault("an hour of 24", False, _field("timestamp", "2024-03-14 24:00:00")),
    Fault("a timestamp of another year", False, _field("timestamp", "2023-03-14 10:00:00")),
    Fault("a timestamp of the year 0", False, _field("timestamp", "0000-03-14 10:00:00")),
    Fault("a bar at seven minutes past", False, _field("timestamp", "2024-03-14 10:07:00")),
    Fault("a bar with seconds", False, _field("timestamp", "2024-03-14 10:00:30")),
    Fault("a time that the clock never shows", False, _field("timestamp", "2024-03-30 20:15:00")),
    Fault("times in UTC that say so", False, _times(lambda time: f"{time}Z")),
    Fault("server time falsely stamped +00:00", False, lambda: _falsely_stamped(), reported=True),
    Fault("times with an offset of two hours", False, _times(lambda time: f"{time}+02:00")),
    Fault("times with slashes", False, _times(lambda time: time.replace("-", "/"))),
    Fault("times as day.month.year", False, _times(lambda time: f"{time[8:10]}.{time[5:7]}.{time[:4]}{time[10:]}")),
    Fault("times as seconds since 1970", False, _times(lambda time: str(int(pd.Timestamp(time).timestamp())))),
    Fault("dates alone", False, _times(lambda time: time[:10])),
    Fault("times with T in the middle", False, _times(lambda time: time.replace(" ", "T"))),
    Fault("a row with a field too few", False, _line(100, lambda line: line.rsplit(",", 1)[0])),
    Fault("a row with a field too many", False, _line(100, lambda line: f"{line},1")),
    Fault("a row that is one word", False, _line(100, lambda line: "error")),
    Fault("an empty row in the middle", False, _text(lambda lines: [*lines[:100], "", *lines[100:]])),
    Fault("a footer", False, _text(lambda lines: [*lines, "end of file"])),
    Fault("commas for points", False, _text(lambda lines: [lines[0], *(line.replace(".", ",") for line in lines[1:])])),
    Fault("semicolons for commas", False, _text(lambda lines: [line.replace(",", ";") for line in lines])),
    Fault("tabs for commas", False, _text(lambda lines: [line.replace(",", "\t") for line in lines])),
    Fault("bars for commas", False, _text(lambda lines: [line.replace(",", "|") for line in lines])),
    Fault(
        "every field in quotes", False, _text(lambda lines: ['"' + line.replace(",", '","') + '"' for line in lines])
    ),
    Fault("a header that is missing", False, _text(lambda lines: lines[1:])),
    Fault("a header that stands twice", False, _text(lambda lines: [lines[0], *lines])),
    Fault("a header and no bar", False, _text(lambda lines: lines[:1])),
    Fault("no column close_15m", False, _header(lambda line: line.replace("close_15m", "close"))),
    Fault("no column rsi_14", False, _header(lambda line: line.replace("rsi_14", "rsi"))),
    Fault("a column that stands twice", False, _header(lambda line: line.replace("ema_50", "ema_20"))),
    Fault("names in capitals", False, _header(str.upper)),
    Fault("blanks around the names", False, _header(lambda line: line.replace(",", " , "))),
    Fault("an exact duplicate", False, _text(lambda lines: [*lines[:100], lines[99], *lines[100:]])),
    Fault(
        "a duplicate with another close",
        False,
        _text(lambda lines: [*lines[:100], lines[99][:-3] + "123", *lines[100:]]),
    ),
    Fault("newest first", False, _text(lambda lines: [lines[0], *lines[:0:-1]])),
    Fault("two rows exchanged", False, _text(lambda lines: [*lines[:100], lines[101], lines[100], *lines[102:]])),
    Fault("two files pasted into one", False, _text(lambda lines: [*lines, *lines[1:]])),
    Fault("rows that end in CRLF", False, _bytes(lambda content: content.replace(b"\n", b"\r\n"))),
    Fault("a byte order mark", False, _bytes(lambda content: b"\xef\xbb\xbf" + content)),
    Fault("an empty file", False, _bytes(lambda content: b"")),
    Fault("a null byte in a price", False, _bytes(lambda content: content[:5000] + b"\0" + content[5000:])),
    Fault(
        "Latin-1 in the header",
        False,
        _bytes(lambda content: content.replace(b"rsi_14", "rsi_14é".encode("latin-1"), 1)),
    ),
    Fault("random bytes", False, _bytes(lambda content: np.random.default_rng(1).bytes(5000))),
    Fault(
        "cut in the middle of a row", False, _bytes(lambda content: content[: content.rindex(b",", 0, 9000)] + b"\n")
    ),
    Fault("a table of a web page", False, _bytes(lambda content: b"<table><tr><td>timestamp</td></tr></table>\n")),
    Fault("JSON", False, _bytes(lambda content: b'{"timestamp": ["2024-03-14 10:00:00"]}\n')),
    Fault("a year that is missing between two", False, lambda: _short() | {year_file(2021): _of_2021()}),
    Fault("files of different columns", False, lambda: written(sound()) | {NEWEST: written(sound()[PRICES])[NEWEST]}),
)


def _falsely_stamped() -> Files:
    frame = sound()
    content = written(frame[frame.index >= "2024-03-13"], "America/New_York+7h")[NEWEST].decode()
    head, *lines = content.splitlines()
    return {NEWEST: "\n".join([head, *(line.replace(",", "+00:00,", 1) for line in lines), ""]).encode()}


def _of_2021() -> bytes:
    return _short()[NEWEST].replace(b"\n2024-", b"\n2021-")


FAULTS = (*MEANING, *FORM)


def main() -> None:
    """Write the table into ``docs/bars.md``."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        results = {fault.name: run(fault, Path(place) / str(at)) for at, fault in enumerate(FAULTS)}
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table(results)}{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
