"""Predicting with a version: a loaded model, what it says about bars, and what to expect of it."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from registry.archive.archive import Archive
from registry.archive.input_schema import InputSchema
from registry.clock import say_time
from registry.errors import InputMismatch, RegistryError
from registry.format.records import ChampionRecord, VersionRecord
from registry.model.likeness import unlike
from registry.model.probability import Probability, VersionMap

if TYPE_CHECKING:
    from registry.archive.input_schema import Columns

SHOWN = 10
"""Rows of a prediction that a notebook shows."""

TIMESTAMP = "timestamp"
"""The column in which a caller without an index of times says when each bar opened."""

_Z = 1.959963984540054  # 95 % of a normal distribution, both sides


@dataclass(frozen=True)
class Expectation:
    """How often a version was right on bars that it was not trained on, with the 95 % interval; shares are 0 to 1.

    Where the record's figures are those of its recipe's ``walk_forward``, each bar was predicted by the newest fit of
    that recipe before it: an older one than this version, which may well have been trained on most of these bars.

    The interval is Wilson's score interval (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927) with each bar counted once.
    ``no_skill`` is what the majority class alone scores on the same bars; None where the record does not say.
    """

    accuracy: float
    low: float
    high: float
    bars: int
    no_skill: float | None = None
    walk_forward: str | None = None
    """The recipe whose walk-forward it is; None where the figures are the version's own."""

    @classmethod
    def of(cls, record: VersionRecord) -> Expectation | None:
        """What the record promises; None where it holds no accuracy, or not the number of bars it was measured on.

        None too for an accuracy that is no share: a notebook's may be in percent.
        """
        accuracy = record.metrics.get("accuracy")
        measured = record.measured_on or {}
        bars = measured.get("bars")
        if accuracy is None or not 0 <= accuracy <= 1 or not isinstance(bars, int) or bars < 1:
            return None
        weight = 1.0 / (1.0 + _Z**2 / bars)
        middle = weight * (accuracy + _Z**2 / (2 * bars))
        half = weight * _Z * math.sqrt(accuracy * (1 - accuracy) / bars + (_Z / (2 * bars)) ** 2)
        recipe = (record.recipe or "unnamed") if measured.get("rule") == "stream" else None
        return cls(accuracy, middle - half, middle + half, bars, measured.get("no_skill"), recipe)

    def __str__(self) -> str:
        no_skill = "" if self.no_skill is None else f"; no_skill {self.no_skill:.1%}"
        interval = f"(95 % interval {self.low:.1%} to {self.high:.1%}{no_skill})"
        right = f"right on {self.accuracy:.1%} of {self.bars:,} bars"
        if self.walk_forward is None:
            return f"{right} that it was not trained on {interval}"
        return f"{self.walk_forward}, walk-forward: {right}, each predicted by a fit from before it {interval}"


@dataclass(frozen=True, eq=False)
class Prediction:
    """``score``: the version's raw output for each row, from 0 to 1, float64 (n,); ``up``: where it lies above the
    version's ``cut``, bool (n,). A score ranks rows and is no probability: 0.3 does not come true on 30 % of them.
    ``probability``: what the ledger supports of it, with an interval and on what it rests. ``unlike``: whether a row is
    unlike what the version was trained on, bool (n,); None where its record does not say what that was.

    ``served_from``: the data-only ``arrays``, or ``skops`` where there are none. ``stale_seconds``: 0.0 while the
    store confirms on schedule that this version is the champion, else how long ago it last did.
    """

    score: npt.NDArray[np.float64]
    up: npt.NDArray[np.bool_]
    probability: Probability
    version: str
    cut: float
    expected: Expectation | None
    served_from: Literal["arrays", "skops"]
    unlike: npt.NDArray[np.bool_] | None = None
    stale_seconds: float = 0.0

    @property
    def says(self) -> list[str]:
        """``"up"`` or ``"down"`` for each row."""
        return ["up" if up else "down" for up in self.up.tolist()]

    def _repr_html_(self) -> str:
        """What a notebook shows: the first :data:`SHOWN` rows."""
        from registry.format.html_table import grid  # nothing that serves needs it

        values = [None] * len(self.up) if self.probability.value is None else self.probability.value.tolist()
        strange = [None] * len(self.up) if self.unlike is None else self.unlike.tolist()
        rows = [
            (row, says, f"{score:.4f}", None if chance is None else f"{chance:.1%}", "yes" if unlike else None)
            for row, (says, score, chance, unlike) in enumerate(
                zip(self.says[:SHOWN], self.score.tolist(), values, strange, strict=False)
            )
        ]
        more = "" if len(self.up) <= SHOWN else f" (the first {SHOWN})"
        caption = f"{self.version} says of {len(self.up):,} rows{more}; the score ranks, the probability counts"
        return grid(caption, ("row", "says", "score", "probability of up", "unlike its training"), rows)


@dataclass(frozen=True)
class LoadedModel:
    """A version ready to predict. ``champion`` tells why it is in production; None where it was asked for by name."""

    version: str
    cut: float
    archive: Archive
    champion: ChampionRecord | None = None
    recall: Callable[[], VersionRecord] | None = field(default=None, repr=False, compare=False)
    """Gives the version's record, which a champion is loaded without: one request less, no need of ``versions/``."""
    calibration: VersionMap = field(default_factory=VersionMap)
    """Makes a probability of a score."""

    @property
    def bars(self) -> int:
        """How many bars in their order one prediction takes: 1, or what its features look back on."""
        return self.archive.signature.bars

    @cached_property
    def record(self) -> VersionRecord | None:
        """The version's record, read once; None where it cannot be: that is a warning, since nothing that predicts
        needs it."""
        try:
            return None if self.recall is None else self.recall()
        except RegistryError as error:
            warnings.warn(f"what to expect of {self.version} is not known ({error})", RuntimeWarning, stacklevel=3)
            return None

    @property
    def expected(self) -> Expectation | None:
        """What to expect of it; None where its record does not say, or cannot be read."""
        return None if self.record is None else Expectation.of(self.record)

    def predict(self, frame: Columns, *, pick: bool = False) -> Prediction:
        """Score and side of each row of ``frame``, from the data-only form where there is one, else ``skops``.

        Refuses with :class:`InputMismatch` a frame whose columns, order or dtypes differ from the version's; with
        ``pick`` they are taken by name from a wider frame. Where features look back (:attr:`bars` above 1) the first
        ``bars - 1`` rows are their history, and what is said is of the rows after these. The first call reads the
        version's record (one request), and goes on without it where it cannot be read.
        """
        if not pick:
            check_frame(self.archive.signature, frame)
        x = self.archive.signature.matrix(frame)
        score, ranges = self.archive.up(x), None if self.record is None else self.record.ranges
        strange = None if ranges is None or len(ranges) != x.shape[1] else unlike(x, ranges)
        served_from: Literal["arrays", "skops"] = "skops" if self.archive.form is None else "arrays"
        probability = self.calibration.of(score)
        up = score > self.cut
        return Prediction(score, up, probability, self.version, self.cut, self.expected, served_from, strange)

    def _repr_html_(self) -> str:
        """What a notebook shows: which version, why it is in production, and what to expect of it."""
        from registry.format.html_table import facts  # nothing that serves needs it

        champion, record = self.champion, self.record
        rows: list[tuple[str, object]] = []
        if champion is not None:
            by = f"{champion.how.replace('_', ' ')} by {champion.by}, decision {champion.decision}"
            rows += [
                ("champion since", say_time(champion.since)),
                ("because", f"{by}{', forced' if champion.forced else ''}"),
            ]
        if record is not None:
            rows += [
                ("recipe", record.recipe),
                ("trained on", _span(record)),
                ("simulated bars", "yes" if record.simulated else None),
            ]
        looks_back = "one row" if self.bars == 1 else f"the last {self.bars} rows in their order"
        rows += [
            ("expected", "not known" if self.expected is None else self.expected),
            ("inputs", ", ".join(self.archive.signature.features)),
            ("a prediction takes", looks_back),
            ('says "up"', f"where its score is above {self.cut:.4f}"),
            ("served from", "arrays" if self.archive.form is not None else "skops"),
        ]
        return facts(f"{self.version}{'' if champion is None else ', the champion'}", rows)

    def calibrated_by(self, calibration: VersionMap) -> LoadedModel:
        """The same version with a newer map; what was looked up or made ready stays so."""
        newer = dataclasses.replace(self, calibration=calibration)
        if "record" in self.__dict__:
            newer.__dict__["record"] = self.record
        return newer

    def warm(self) -> None:
        """Do now what the first :meth:`predict` would do: read the record, parse and check the model."""
        _ = self.record
        self.archive.warm()


def _span(record: VersionRecord) -> str | None:
    if record.trained_from is None or record.trained_to is None:
        return None
    return f"{say_time(record.trained_from)} to {say_time(record.trained_to)}"


def check_frame(signature: InputSchema, frame: Columns) -> None:
    """Refuse a frame whose columns, their order or dtypes are not the signature's.

    Raises :class:`InputMismatch` that lists everything that differs.
    """
    if not isinstance(frame, Mapping) and not hasattr(frame, "columns"):
        raise InputMismatch(
            f"a {type(frame).__name__} has no column names: hand in a frame or a mapping of "
            f"{_listed(signature.columns)}"
        )
    names, wanted = [str(name) for name in frame], signature.columns
    if signature.needs_times:  # it may come as a column, or as the index of a frame
        names = [name for name in names if name != TIMESTAMP]
    faults = [f"column {name} is missing" for name in wanted if name not in names]
    faults += [f"column {name} is not one of the version's" for name in names if name not in wanted]
    faults += [f"column {name} is there twice" for name in sorted({name for name in names if names.count(name) > 1})]
    if not faults and names != list(wanted):
        faults.append(f"the columns stand in the order {_listed(names)}, not {_listed(wanted)}")
    if not faults:
        dtypes = {name: np.asarray(frame[name]).dtype for name in wanted}
        faults = [
            f"column {name} is {dtypes[name]}, not {dtype}"
            for name, dtype in zip(wanted, signature.dtypes, strict=True)
            if dtypes[name] != dtype
        ]
    if faults:
        raise InputMismatch(
            f"the frame does not fit the version: {'; '.join(faults)} (pick=True takes its columns by name from a "
            "wider frame)"
        )


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names)
