"""The gate's policy says how nights are judged. It is recorded in the registry, and never chosen for one run.

Choosing score, windows or budget per run would void the yearly error rate: with enough tries some choice promotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, asdict, dataclass, fields
from typing import Any, Literal

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import RequestRefused
from flows.gate.nightly.calibration import BUDGET, SMALLEST_BUDGET
from flows.gate.nightly.sequential import FEWEST_DAYS, WINDOWS
from flows.gate.scoring.stream_scorer import Baseline
from flows.gate.tripwires.streams import SUSPICIOUS_PERCENT
from flows.instruments.spreads import SPREAD_PIPS
from flows.pnl.trading_rules import ALWAYS, TradingRule

Score = Literal["edge", "accuracy", "brier"]

NET_REFUSED = (
    "the score 'net' is refused: by daily net pips a recipe that is right one point more often is found in three years "
    "of ten, by edge in nearly all, and a champion that falls stays for months (docs/gate.md, 'Judging by net "
    "pips'): judge by edge, and let nobody pass who earned less after costs "
    "(`retrain set-policy MODEL --net-margin '0 errors'`)"
)
"""Why there is no such score: a few large moves decide who earned more, and no year has enough of them."""

NET_ERRORS = 1.64
"""Standard errors: who is that far behind in net pips is shown to earn less, in one of twenty cases wrongly. It stops
few: of candidates that earn less 91 of 100 pass it in simulated years, with 0 errors 34 (docs/gate.md, "Judging by net
pips")."""

SHORTEST_LONGEST = 5
"""Trading days that the longest window must have: fewer do not tell how much a day varies, and z is no number."""


@dataclass(frozen=True)
class GatePolicy:
    """``score``: what a prediction is worth. ``budget``: probability of a false promotion in a year of nights.
    ``cadence``: nights from one look to the next; between two looks nothing is promoted. ``accuracy_margin_points``:
    how many points of accuracy at its cut a candidate may be below the champion. ``cut``: above which a version says
    "up": the median of its stream's last 2,000 predictions, or one half.

    ``maximum_age_nights``: an older champion is noticed, and replaced by a retrained version of its recipe only where
    ``refresh_margin`` is set: how much worse the retrained stream may be, in units of the score a bar.
    ``net_margin_errors`` and ``net_margin_pips``: how much less than the champion a candidate may earn a bar after
    costs, in standard errors of the difference by days, in pips, or in both added; both None: costs hold nobody back.
    ``spread_pips``: what crossing the spread costs: one number, or 24 by the hour of New York. ``trading_rule``: what
    makes positions of sides and ranks (:mod:`flows.pnl.trading_rules`).
    ``suspicious_percent``: a stream that is right on more of the bars is not believed. ``baseline``: who has no skill;
    every decision records it, and those of before there was a choice are judged by ``majority``.
    """  # recorded: read from a log, where a policy that would be refused today must stay readable

    score: Score = "edge"
    budget: float = BUDGET
    cadence: int = 1
    windows: tuple[int, ...] = WINDOWS
    accuracy_margin_points: float = 1.0
    cut: Literal["median", "half"] = "median"
    maximum_age_nights: int = NIGHTS_A_YEAR
    refresh_margin: float | None = None
    net_margin_pips: float | None = None
    spread_pips: tuple[float, ...] = (SPREAD_PIPS,)
    suspicious_percent: float = SUSPICIOUS_PERCENT
    baseline: Baseline = "no_skill"
    net_margin_errors: float | None = NET_ERRORS
    trading_rule: TradingRule = ALWAYS
    recorded: InitVar[bool] = False

    def __post_init__(self, recorded: bool) -> None:
        if str(self.score) == "net":
            raise RequestRefused(NET_REFUSED)
        if self.score not in ("edge", "accuracy", "brier"):
            raise RequestRefused(f"there is no score '{self.score}': choose edge, accuracy or brier")
        if self.baseline not in ("no_skill", "majority"):
            raise RequestRefused(f"there is no baseline '{self.baseline}': choose no_skill or majority")
        if self.cut not in ("median", "half"):
            raise RequestRefused(f"there is no cut '{self.cut}': choose median or half")
        if not SMALLEST_BUDGET <= self.budget < 1.0:
            raise RequestRefused(
                f"a yearly budget of {self.budget} is out of range: give a probability such as 0.05, at least "
                f"{SMALLEST_BUDGET:g} (simulation cannot resolve less) and below 1"
            )
        if not 0.0 <= self.accuracy_margin_points <= 100.0:
            raise RequestRefused(
                f"an accuracy margin of {self.accuracy_margin_points} points is out of range: give 0 to 100"
            )
        if not 1 <= self.cadence <= NIGHTS_A_YEAR:
            raise RequestRefused(f"a look every {self.cadence} nights is out of range: give 1 to {NIGHTS_A_YEAR}")
        if not self.windows or list(self.windows) != sorted(set(self.windows)) or self.windows[0] < 3:
            raise RequestRefused(f"the windows {list(self.windows)} must be increasing numbers of days, from 3 up")
        if not recorded:
            self.check_longest_window()
        if self.maximum_age_nights < FEWEST_DAYS:
            raise RequestRefused(
                f"a maximum age of {self.maximum_age_nights} nights is out of range: give at least {FEWEST_DAYS}, "
                "the fewest days that are judged"
            )
        if self.refresh_margin is not None and not 0.0 < self.refresh_margin < 1.0:
            raise RequestRefused(
                f"a refresh margin of {self.refresh_margin} {self.score} is out of range: give a number above 0 and "
                "below 1, such as 0.01"
            )
        if self.net_margin_pips is not None and not 0.0 <= self.net_margin_pips < 100.0:
            raise RequestRefused(f"a net margin of {self.net_margin_pips} pips is out of range: give 0 to 100")
        if self.net_margin_errors is not None and not 0.0 <= self.net_margin_errors <= 10.0:
            raise RequestRefused(f"a net margin of {self.net_margin_errors} errors is out of range: give 0 to 10")
        if len(self.spread_pips) not in (1, 24) or not all(0.0 <= pips < 100.0 for pips in self.spread_pips):
            raise RequestRefused(
                f"the spread {list(self.spread_pips)} is out of range: give pips from 0 to 100, one number or 24 by "
                "New York's hour"
            )

        if not 55.0 <= self.suspicious_percent <= 100.0:
            raise RequestRefused(
                f"a suspicious accuracy of {self.suspicious_percent} % is out of range: give 55 to 100 (100: no stream "
                "is ever too good)"
            )

    def check_longest_window(self) -> None:
        """:class:`RequestRefused` where no night can be judged by these windows, as older versions let be recorded."""
        if self.windows[-1] < SHORTEST_LONGEST:
            raise RequestRefused(
                f"the longest of the windows {list(self.windows)} has fewer than {SHORTEST_LONGEST} days, too few to "
                "tell how much a day varies: name longer ones (`retrain set-policy MODEL --windows 125,250`)"
            )

    @property
    def counts_costs(self) -> bool:
        """Whether a candidate that earns less than the champion after costs is held back."""
        return self.net_margin_pips is not None or self.net_margin_errors is not None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON. What older versions did not have stands there only where it is not as it was
        then: the suspicious accuracy, no margin in errors, always in the market, the majority as baseline."""
        values = {**asdict(self), "windows": list(self.windows), "spread_pips": list(self.spread_pips)}
        values["trading_rule"] = self.trading_rule.to_dict()
        then: dict[str, Any] = {
            "suspicious_percent": SUSPICIOUS_PERCENT,
            "net_margin_errors": None,
            "trading_rule": {},
            "baseline": "majority",
        }
        return {name: value for name, value in values.items() if name not in then or value != then[name]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GatePolicy:
        """The policy that :meth:`to_dict` wrote, as recorded; fields that this version does not know are refused. One
        without a margin in errors was recorded before there was one, or without it."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise RequestRefused(f"the policy sets {', '.join(unknown)}, which this version does not know: upgrade it")
        try:
            read: dict[str, Any] = {"net_margin_errors": None, **values}
            read |= {name: tuple(values[name]) for name in ("windows", "spread_pips") if name in values}
            if "trading_rule" in values:
                read["trading_rule"] = TradingRule.from_dict(values["trading_rule"])
            return cls(**read, recorded=True)
        except TypeError as error:  # a number where a list belongs, text where a number does
            raise RequestRefused(
                f"{str(dict(values))[:200]} is no policy ({error}): set one with `retrain set-policy`"
            ) from error
