"""What was measured of each rule, kept in ``benchmarks/results/promotion.json``: each part can be measured alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gate.figures import Figure
from benchmarks.promotion.night import Rule
from benchmarks.promotion.simulated import Simulated

RESULTS = Path(__file__).parents[1] / "results" / "promotion.json"
BARS = ("sample", "real")


@dataclass(frozen=True)
class OnBars:
    """A rule over the nights of a replay: ``promotions`` after the first champion's; ``net_pips`` a bar after the
    spread, over ``bars`` bars."""

    promotions: int
    bars: int
    net_pips: Figure


@dataclass(frozen=True)
class Result:
    """All that is known of a rule; None where a part was not measured yet."""

    rule: Rule
    simulated: Simulated | None = None
    sample: OnBars | None = None
    real: OnBars | None = None


def keep(part: str, about: dict[str, Any], measured: dict[str, Simulated | OnBars], path: Path = RESULTS) -> None:
    """Puts one part's figures in place of what was kept of it. ``about``: how many years, or which nights."""
    kept = _read(path)
    kept[part] = {"about": about, "rules": {name: _plain(asdict(figures)) for name, figures in measured.items()}}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def load(rules: Sequence[Rule], path: Path = RESULTS) -> list[Result]:
    """What is kept of these rules, those that promote most for nothing first."""
    kept = {part: found["rules"] for part, found in _read(path).items()}
    found = [
        Result(
            rule,
            _made(Simulated, kept.get("simulated", {}).get(rule.name)),
            *(_made(OnBars, kept.get(part, {}).get(rule.name)) for part in BARS),
        )
        for rule in rules
    ]
    return sorted(found, key=lambda each: (each.simulated is None, each.simulated and -each.simulated.false.value))


def about(path: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """By part, what was kept about its measurement."""
    return {part: found["about"] for part, found in _read(path).items()}


def _made(kind: Any, values: dict[str, Any] | None) -> Any:
    if values is None:
        return None
    return kind(**{name: _figure(value) if isinstance(value, dict) else value for name, value in values.items()})


def _figure(bounds: dict[str, float | None]) -> Figure:
    return Figure(**{name: np.inf if value is None else value for name, value in bounds.items()})


def _plain(values: Any) -> Any:
    """Numbers for JSON, which has no infinity: None stands for it."""
    if isinstance(values, dict):
        return {name: _plain(value) for name, value in values.items()}
    return None if isinstance(values, float) and not np.isfinite(values) else values


def _read(path: Path) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return kept
