"""Comparing two versions: is the second better, and is the difference larger than chance makes it?

    comparison = compare(model.version("v1"), model.version("v2"))
    print(comparison)        # text; comparison.frame() is a DataFrame, comparison.to_dict() JSON
    comparison.metric("accuracy").status

A difference counts only where both were measured on the same bars, and only when it is larger than chance makes it.
The 95 % interval of a difference b − a comes from one of two places:

- **paired days**, where they are given (`registry compare` takes them from the evidence where that has enough): with
  n_d bars on day d, w_d = n_d / Σ n_d, D_d the day's mean difference, m = Σ w_d D_d and J = 1 / Σ w_d² effective days,
  s² = J / (J − 1) · Σ w_d² (D_d − m)², and the interval is m ± t(0.975, J − 1) · s (Cochran, Sampling Techniques, 1977,
  chapters 6 and 9; Kish, Survey Sampling, 1965);
- else **the number of bars** n that both were measured on, from the recorded figures alone: the interval is
  b − a ± 1.96 · √(v_a + v_b), with v = p (1 − p) / n for an accuracy p; v = 4 t e (t + e) / (n (2 t + e)⁴) for an F1 of
  F with e = 1 − accuracy and t = F e / (2 (1 − F)), which is the delta method for F1 = 2 t / (2 t + e); and
  v = (n + 1) / (3 n²) for an AUC near one half on balanced labels (Mann and Whitney, 1947). Models that agree on many
  bars differ by less than this allows, so it errs towards "within noise"; bars of one day share its market, which errs
  the other way. Paired days do neither.

Of a metric without a known interval (Brier score, log-loss without paired days) only the direction is known: it is
called neither better nor worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from registry.analysis.differences import Change, data_changes, environment_changes, parameter_changes
from registry.analysis.noise import Interval, PairedDays, interval_of_bars
from registry.errors import InvalidRequest
from registry.extras import needing
from registry.model.version import Version

if TYPE_CHECKING:
    import pandas as pd

HIGHER_IS_BETTER: Mapping[str, bool] = {
    **dict.fromkeys(("accuracy", "balanced_accuracy", "f1", "f1_score", "auc", "roc_auc"), True),
    **dict.fromkeys(("precision", "recall", "average_precision", "mcc", "edge", "r2", "sharpe", "pips"), True),
    **dict.fromkeys(("brier", "brier_score", "log_loss", "logloss", "loss", "ece", "mae", "mse", "rmse"), False),
}
"""Which way is up, for the metrics whose names are settled; :func:`compare` takes more."""


class Standing(StrEnum):
    """What the second version's figure is beside the first one's."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    NOT_COMPARABLE = "not comparable"
    WITHIN_NOISE = "within noise"
    DIRECTION_ONLY = "direction only"


@dataclass(frozen=True)
class MetricRow:
    """One metric: ``a`` and ``b`` as recorded (None where a version lacks it), ``difference`` b − a, ``percent`` of a.

    With paired days the difference is theirs, so that it lies in its own interval, and ``a`` and ``b`` are of the same
    bars where the days say what ``a`` scored on them.
    ``interval``: of the difference, 95 %; None where none is known. ``reason``: why the status is what it is.
    """

    name: str
    a: float | None
    b: float | None
    difference: float | None
    percent: float | None
    higher_is_better: bool | None
    status: Standing
    reason: str
    interval: Interval | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": self.name,
            "a": self.a,
            "b": self.b,
            "difference": self.difference,
            "percent": self.percent,
            "higher_is_better": self.higher_is_better,
            "status": str(self.status),
            "reason": self.reason,
            "interval": None if self.interval is None else self.interval.to_dict(),
        }


@dataclass(frozen=True)
class Comparison:
    """Version ``b`` beside version ``a``: metrics, and what differs in parameters, data and environment."""

    a: str
    b: str
    metrics: tuple[MetricRow, ...]
    parameters: tuple[Change, ...]
    data: tuple[Change, ...]
    environment: tuple[Change, ...]

    def metric(self, name: str) -> MetricRow:
        """The row of a metric; :class:`InvalidRequest` names those there are."""
        for row in self.metrics:
            if row.name == name:
                return row
        names = ", ".join(row.name for row in self.metrics) or "none"
        raise InvalidRequest(f"neither {self.a} nor {self.b} has a metric {name!r}; there are: {names}")

    def frame(self) -> pd.DataFrame:
        """The metrics as a table: metric, the two versions' values, difference, percent, …, status, reason."""
        with needing("history", "a table of metrics"):
            import pandas as pd

        rows = []
        for row in self.metrics:
            low, high = (None, None) if row.interval is None else (row.interval.low, row.interval.high)
            rows.append(
                {
                    "metric": row.name,
                    self.a: row.a,
                    # two versions of one name (of two models) would else share a column
                    (self.b if self.b != self.a else f"{self.b} (second)"): row.b,
                    "difference": row.difference,
                    "percent": row.percent,
                    "low": low,
                    "high": high,
                    "higher_is_better": row.higher_is_better,
                    "status": str(row.status),
                    "reason": row.reason,
                }
            )
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "a": self.a,
            "b": self.b,
            "metrics": [row.to_dict() for row in self.metrics],
            "parameters": [change.to_dict() for change in self.parameters],
            "data": [change.to_dict() for change in self.data],
            "environment": [change.to_dict() for change in self.environment],
        }

    def _repr_html_(self) -> str:
        """What a notebook shows: the metrics, and below them what else differs."""
        from registry.format.html_table import facts, grid

        rows = [
            (
                row.name,
                _number(row.a),
                _number(row.b),
                None if row.difference is None else f"{row.difference:+.4f}",
                row.status,
                row.reason,
            )
            for row in self.metrics
        ]
        head = ("metric", self.a, self.b, "difference", "", "why")
        changes = [
            (kind, "; ".join(map(str, found)))
            for kind, found in (("parameters", self.parameters), ("data", self.data), ("environment", self.environment))
            if found
        ]
        below = facts("what else differs", changes) if changes else ""
        return grid(f"{self.b} beside {self.a}", head, rows) + below

    def __str__(self) -> str:
        lines = [f"{self.b} beside {self.a}"]
        for row in self.metrics:
            cells = [f"{_number(row.a)} → {_number(row.b)}"]
            if row.difference is not None:
                cells.append(f"{row.difference:+.4f}")
            if row.percent is not None:
                cells.append(f"{row.percent:+.2f} %")
            lines.append(f"  {row.name}: {', '.join(cells)}: {row.status} ({row.reason})")
        for title, changes in (
            ("parameters", self.parameters),
            ("data", self.data),
            ("environment", self.environment),
        ):
            lines.append(f"{title}: " + ("the same" if not changes else ""))
            lines += [f"  {change}" for change in changes]
        return "\n".join(line.rstrip() for line in lines)


def compare(
    a: Version,
    b: Version,
    *,
    days: Mapping[str, PairedDays] | None = None,
    higher_is_better: Mapping[str, bool] | None = None,
) -> Comparison:
    """Version ``b`` beside version ``a``.

    ``days``: paired days of some metrics, b − a. They are of the same bars by their nature, so they decide also where
    the recorded figures come from different bars. ``higher_is_better``: which way is up for further metrics.
    """
    directions = {**HIGHER_IS_BETTER, **(higher_is_better or {})}
    names = [*dict.fromkeys([*a.record.metrics, *b.record.metrics])]
    rows = [_metric(name, a, b, (days or {}).get(name), directions.get(name)) for name in names]
    return Comparison(
        a=a.record.version,
        b=b.record.version,
        metrics=tuple(rows),
        parameters=parameter_changes(a, b),
        data=data_changes(a, b),
        environment=environment_changes(a, b),
    )


def _metric(name: str, a: Version, b: Version, days: PairedDays | None, higher: bool | None) -> MetricRow:
    x, y = a.record.metrics.get(name), b.record.metrics.get(name)
    difference = None if x is None or y is None else y - x
    if days is not None:
        difference = days.mean
        x, y = (x, y) if days.first is None else (days.first, days.first + difference)
    percent = None if difference is None or not x else difference / abs(x) * 100.0

    def row(status: Standing, reason: str, interval: Interval | None = None) -> MetricRow:
        return MetricRow(name, x, y, difference, percent, higher, status, reason, interval)

    if higher is None:
        return row(Standing.NOT_COMPARABLE, "it is not known whether higher or lower is better")
    if days is not None:
        return row(*_by_interval(days.interval(), higher))
    if difference is None:
        missing = " and ".join(version.record.version for version, value in ((a, x), (b, y)) if value is None)
        return row(Standing.NOT_COMPARABLE, f"{missing} has no {name}")
    why_not = _other_bars(a, b)
    if why_not is not None:
        return row(Standing.NOT_COMPARABLE, why_not)
    if difference == 0.0:
        return row(Standing.SAME, "the same figure on the same bars")
    interval = interval_of_bars(name, a.record.metrics, b.record.metrics, _bars(a))
    if interval is not None:
        return row(*_by_interval(interval, higher))
    better = (difference > 0.0) == higher
    reason = f"{'better' if better else 'worse'} by its sign; how much of it is chance is not known without paired days"
    return row(Standing.DIRECTION_ONLY, reason)


def _by_interval(interval: Interval, higher: bool) -> tuple[Standing, str, Interval]:
    if interval.low <= 0.0 <= interval.high:
        same = interval.low == interval.high
        return (Standing.SAME if same else Standing.WITHIN_NOISE), f"{interval} includes zero", interval
    better = (interval.low > 0.0) == higher
    return (Standing.BETTER if better else Standing.WORSE), str(interval), interval


def _other_bars(a: Version, b: Version) -> str | None:
    """Why two versions' figures are not of the same bars; None where they are."""
    unknown = [version.record.version for version in (a, b) if "fingerprint" not in (version.record.measured_on or {})]
    if unknown:
        were = "were" if len(unknown) > 1 else "was"
        return f"on which bars {' and '.join(unknown)} {were} measured is not recorded"
    first, second = a.record.measured_on or {}, b.record.measured_on or {}
    if first["fingerprint"] != second["fingerprint"]:
        return f"measured on different bars ({_span(first)} and {_span(second)})"
    if first.get("labels") != second.get("labels"):
        return f"measured with different labels ({first.get('labels')} and {second.get('labels')})"
    return None


def _bars(version: Version) -> int | None:
    bars = (version.record.measured_on or {}).get("bars")
    return bars if isinstance(bars, int) and bars > 0 else None


def _span(measured: Mapping[str, Any]) -> str:
    first, last = str(measured.get("first", "?")), str(measured.get("last", "?"))
    same_day = first[:10] == last[:10]
    return f"{first[:10]} … {last[:10]}" if not same_day else f"{first[:16]} … {last[:16]}"


def _number(value: float | None) -> str:
    return "none" if value is None or not math.isfinite(value) else f"{value:.4f}"
