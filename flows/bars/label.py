"""A label is the one question of a model, as data: what of a bar's future it learns to tell.

::

    next_bar                            does the next bar close higher? The default
    horizon 16                          is the close higher 16 bars later?
    triple_barrier 16 atr 1.5           which comes first within 16 bars: 1.5 average true ranges up, or as many down?
    triple_barrier 16 pips 12, costs    12 pips and the spread, up or down?
    dead_zone 16 atr 0.3                as horizon 16, learnt from moves beyond 0.3 average true ranges alone
    dead_zone 16 pips 5, costs          as horizon 16, learnt from moves beyond 5 pips and the spread alone

The horizon is counted in bars, from 1 to one trading day. With ``costs`` a width is wider by the spread of the session
that the bar opens in, as the instrument has it. How labels follow from bars: :mod:`flows.bars.labelling`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

from flows.errors import LabelRefused
from flows.instruments import Instrument
from registry.format.phrases import shortened

Kind = Literal["next_bar", "horizon", "triple_barrier", "dead_zone"]
Unit = Literal["atr", "pips"]

EXAMPLES = "next_bar, horizon 16, triple_barrier 16 pips 12, costs or dead_zone 16 atr 0.3"

MOST_BARS = 1440 // 5
"""A day of the shortest bars."""

_TEXT = re.compile(
    r"(?P<kind>horizon|triple_barrier|dead_zone) (?P<bars>\d{1,4})"
    r"(?: (?P<unit>atr|pips) (?P<width>\d{1,6}(?:\.\d{1,6})?))?(?P<costs>, ?costs)?"
)


@dataclass(frozen=True)
class Label:
    """``bars``: the horizon. ``width``: of a barrier or of a dead zone, to either side, in ``unit``: average true
    ranges (the column ``atr_14``) or pips; without one for the other kinds. ``costs``: the width is wider by the
    spread. Raises :class:`LabelRefused` for fields that do not belong together."""

    kind: Kind = "next_bar"
    bars: int = 1
    width: float | None = None
    unit: Unit | None = None
    costs: bool = False

    def __post_init__(self) -> None:
        has_width = self.kind in ("triple_barrier", "dead_zone")
        fits = self.kind in get_args(Kind) and type(self.bars) is int and type(self.costs) is bool
        fits = fits and (self.unit in get_args(Unit) if has_width else self.width is None and self.unit is None)
        if not fits or (self.costs and not has_width) or (self.kind == "next_bar" and self.bars != 1):
            raise LabelRefused(f"{shortened(str(asdict(self)), 200)} is no label: write {EXAMPLES}")
        if not 1 <= self.bars <= MOST_BARS:
            raise LabelRefused(f"a label of {self.bars} bars is out of range: give 1 to {MOST_BARS}")
        width = self.width
        if has_width and not (type(width) in (int, float) and width is not None and 0 < width < 1e6):
            raise LabelRefused(f"a width of {width} is none: give a number above 0, in atr or pips")

    @classmethod
    def of(cls, label: Self | str) -> Self:
        """The label itself, or that of a text."""
        return cls.parse(label) if isinstance(label, str) else label

    @classmethod
    def parse(cls, text: str) -> Self:
        """The label in a text; :class:`LabelRefused` where it is none. ``horizon 1`` is ``next_bar``."""
        plain = " ".join(text.split())
        if plain in ("next_bar", "horizon 1"):
            return cls()
        found = _TEXT.fullmatch(plain)
        if found is None:
            raise LabelRefused(f"{shortened(text, 80)!r} is no label: write {EXAMPLES}")
        return cls.from_dict(
            {
                "kind": found["kind"],
                "bars": int(found["bars"]),
                "width": None if found["width"] is None else float(found["width"]),
                "unit": found["unit"],
                "costs": found["costs"] is not None,
            }
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The label that :meth:`to_dict` wrote; :class:`LabelRefused` where it holds anything else."""
        try:
            return cls(**values)
        except TypeError as error:
            raise LabelRefused(f"{shortened(str(dict(values)), 200)} is no label ({error})") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON: what is not as in ``next_bar``."""
        usual = asdict(NEXT_BAR)
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    def __str__(self) -> str:
        if self == NEXT_BAR:
            return "next_bar"
        width = "" if self.width is None else f" {self.unit} {self.width:g}"
        return f"{self.kind} {self.bars}{width}{', costs' if self.costs else ''}"

    @property
    def slug(self) -> str:
        """As a part of a model's name: ``direction``, ``horizon_16``, ``triple_barrier_16_pips_12_costs``."""
        return "direction" if self == NEXT_BAR else re.sub(r"[ ,]+", "_", str(self))

    @property
    def question(self) -> str:
        """What it asks of a bar, in words that follow "whether"."""
        if self == NEXT_BAR:
            return "the next bar closes higher"
        later = f"the close is higher {self.bars} bars later"
        if self.width is None:
            return later
        width = f"{self.width:g} {'pips' if self.unit == 'pips' else 'ATR'}{' and the spread' if self.costs else ''}"
        if self.kind == "dead_zone":
            return f"{later}, learnt from moves beyond {width}"
        return f"the price rises by {width} before it falls by as much, within {self.bars} bars"

    def check(self, instrument: Instrument) -> None:
        """:class:`LabelRefused` where the horizon is longer than labels of this instrument may be.

        One trading day at most, so that a day of evidence is a block of at least the horizon. No label crosses a gap:
        where the market pauses each day, half a day, so that half of a day's bars have one.
        """
        counts, pauses = instrument.counts, instrument.hours.pause is not None
        most = max(1, counts.bars - counts.half_day) if pauses else counts.bars
        if self.bars > most:
            why = ", as the market pauses each day and no label crosses a gap" if pauses else ", one trading day"
            raise LabelRefused(
                f"a label over {self.bars} bars is too long for {instrument.name}: {most} at most{why}; take longer "
                f"bars, as RETRAIN_INSTRUMENT={instrument.symbol}_H1 or {instrument.symbol}_D1 with files of those"
            )


NEXT_BAR = Label()
