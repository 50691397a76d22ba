"""The tape: what every recipe's version of every night said about the bars that came next.

One file a night in a folder, written whole or not at all, so that a replay that was killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.backfill import Progress, walk_forward
from flows.bars import Dataset, prepare
from flows.bars.loading import BAR
from flows.errors import BarsMissing, RequestRefused
from flows.gate.ledger import Series, Sheet, from_bytes, minutes, recipe_stream, to_bytes
from flows.nightly_rule import last_days
from flows.plan import Job
from flows.recipes import Fit, Recipe, probabilities, train_all
from registry import key_digest

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Taped:
    """One night. ``sheet``: the bars that got their label this night, as each recipe's version of the night before
    said. ``asked``: recipe name -> what tonight's version says on the last 20 days' bars, shape (asked bars,), which
    stand at ``places`` of the data; ``coming``: what it says on the bars from ``through`` on."""

    night: str
    bars: int
    sheet: Sheet
    asked: dict[str, Floats]
    places: npt.NDArray[np.intp]
    coming: dict[str, Floats]
    through: int

    def said(self, recipe: str, at: npt.NDArray[np.intp]) -> Floats:
        """What this night's version says on bars at these places of the data, recent or coming ones."""
        later = at >= self.through
        p = np.empty(at.size)
        p[later] = self.coming[recipe][at[later] - self.through]
        p[~later] = self.asked[recipe][np.searchsorted(self.places, at[~later])]
        return p


@dataclass(frozen=True, eq=False)
class Tape:
    """All nights of a replay, oldest first, and the backfill before the first of them."""

    job: Job
    data: Dataset
    backfill: tuple[Sheet, ...]
    nights: tuple[Taped, ...]

    def as_of(self, night: Taped) -> Dataset:
        """The dataset as the night saw it."""
        return known(self.data, night.bars)

    def fit(self, night: Taped, recipe: Recipe) -> Fit:
        """The recipe's version of a night, fitted again: the same bytes every time."""
        return _fits(self.job, self.as_of(night), [recipe])[0]


def record(job: Job, data: Dataset, first: date, last: date, folder: Path, progress: Progress | None = None) -> Tape:
    """The tape of the nights from ``first`` to ``last``; nights that are in ``folder`` already are not fitted again.

    Raises :class:`RequestRefused` where no trading day lies between them, :class:`BarsMissing` where nothing lies
    before them to train on.
    """
    ends = _nights(data, first, last)
    request = job.request
    settings = [request.advanced.train_days, request.advanced.backfill_days, request.advanced.seed]
    key = key_digest([data.fingerprint(), [each.fingerprint for each in job.recipes], settings])
    place = folder / key[:16]
    place.mkdir(parents=True, exist_ok=True)
    begun = known(data, ends[0][1])
    past = _kept(place / "backfill.json", lambda: to_bytes(walk_forward(job, begun, night=ends[0][0])))
    nights: list[Taped] = []
    for done, (night, bars) in enumerate(ends):
        before = nights[-1] if nights else None
        nights.append(_taped(job, data, night, bars, before, place))
        if progress is not None:
            progress(done + 1, len(ends))
    return Tape(job, data, tuple(from_bytes(past)), tuple(nights))


def known(data: Dataset, bars: int) -> Dataset:
    """The dataset of the first ``bars`` bars, as it was when the last of them closed."""
    whole = data.bars
    frame = whole.frame.iloc[:bars]
    cut = replace(whole, frame=frame, file_time=whole.file_time[:bars], as_of=frame.index[-1] + BAR)
    return prepare(cut)


def _nights(data: Dataset, first: date, last: date) -> list[tuple[str, int]]:
    """Each trading day with enough bars, and how many bars were there at its end."""
    days, start, count = np.unique(data.trading_day, return_index=True, return_counts=True)
    chosen = (days >= np.datetime64(first)) & (days <= np.datetime64(last)) & (count >= 48)
    if not chosen.any():
        raise RequestRefused(f"there is no trading day with bars from {first} to {last}: choose other dates")
    return [
        (str(day), int(begin + size))
        for day, begin, size in zip(days[chosen], start[chosen], count[chosen], strict=True)
    ]


def _taped(job: Job, data: Dataset, night: str, bars: int, before: Taped | None, place: Path) -> Taped:
    """The night from its file, else fitted: tonight's fits say what they think of the last 20 days' bars now, and of
    the bars up to the next night when that one is taped."""
    path = place / f"{night}.npz"
    if not path.exists():
        _write(job, data, night, bars, path)
    seen = known(data, bars)
    with np.load(path, allow_pickle=False) as found:
        asked = {recipe.name: found[f"asked_{recipe.name}"] for recipe in job.recipes}
        coming = {recipe.name: found[f"next_{recipe.name}"] for recipe in job.recipes}
    if before is None:
        empty = np.empty(0)
        sheet = Sheet(night, True, empty.astype(np.int64), empty, {}, ())
    else:
        sheet = _sheet(job, seen, night, before)
    return Taped(night, bars, sheet, asked, np.flatnonzero(last_days(seen)), coming, _through(seen))


def _write(job: Job, data: Dataset, night: str, bars: int, path: Path) -> None:
    """Fit tonight's versions; keep what they say on the last 20 days and on the next five days' bars."""
    seen = known(data, bars)
    fits = _fits(job, seen, job.recipes)
    frame = data.bars.frame
    recent, coming = frame[: seen.label.size][last_days(seen)], frame.iloc[_through(seen) : bars + 5 * 96]
    values: dict[str, Floats] = {}
    for fit in fits:
        name = fit.recipe.name
        values[f"asked_{name}"] = probabilities(fit, fit.recipe.signature, recent, cores=job.cores)
        values[f"next_{name}"] = probabilities(fit, fit.recipe.signature, coming, cores=job.cores)
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez_compressed(file, **values)  # type: ignore[arg-type]  # names are free, numpy types one of them
    partial.replace(path)


def _sheet(job: Job, now: Dataset, night: str, before: Taped) -> Sheet:
    """The bars labelled since the night before, as its versions said them; cuts are set when a policy plays."""
    at = np.arange(before.through, _through(now))
    at = at[~np.isnan(now.label[at])]
    if at.size and at[-1] - before.through >= min(p.size for p in before.coming.values()):
        raise BarsMissing(f"more than five days of bars lie between the nights of {before.night} and {night}")
    opens = pd.DatetimeIndex(now.bars.frame.index)[at]
    series = tuple(
        Series(recipe_stream(each.fingerprint), each.name, before.night, 0.5, before.said(each.name, at))
        for each in job.recipes
    )
    return Sheet(night, True, minutes(opens), now.label[at], {}, series)


def _through(data: Dataset) -> int:
    """The place after the newest bar with a known label."""
    return int(np.flatnonzero(~np.isnan(data.label))[-1]) + 1


def _fits(job: Job, data: Dataset, recipes: Sequence[Recipe]) -> list[Fit]:
    window = data.window(days=job.request.advanced.train_days)
    return train_all(recipes, data, window, seed=job.request.advanced.seed, cores=job.cores)


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    if not path.exists():
        partial = path.with_suffix(".part")
        partial.write_bytes(make())
        partial.replace(path)
    return path.read_bytes()
