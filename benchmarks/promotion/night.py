"""What a rule sees of one night, and how rules are found and asked."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RULES = Path(__file__).parent / "rules"

RETURN = -1
"""The answer that takes the former champion back."""


class RuleRefused(Exception):
    """A rule's file, or its answer, is not what the protocol asks for."""


@dataclass(frozen=True, eq=False)
class Night:
    """One night as a rule sees it: copies that end with the last day whose labels are known, so nothing later is there.

    ``number``: nights since the first. ``scores``: shape (n_recipes, n_days), the mean score a bar of each recipe's
    versions on each trading day, oldest first, each day by the version trained before it; row i is what tonight's
    candidate i is judged by. ``champion``: shape (n_days,), the same of the version in production, ``since`` days of
    which it has served; before them, what its recipe scored on a holdout. ``own``: the row of its recipe, None where it
    has none. ``former``: shape (n_days,), the champion before it; None where there was none in the last 250 days.
    ``bars``: shape (n_days,), bars behind each day. ``score``: the name of the score.
    """

    number: int
    scores: Floats
    champion: Floats
    since: int
    own: int | None
    former: Floats | None
    bars: Floats
    score: str

    def __post_init__(self) -> None:
        for name in ("scores", "champion", "former", "bars"):
            values = getattr(self, name)
            if values is not None:  # a view would lead a rule to the days to come by its base
                object.__setattr__(self, name, np.array(values, dtype=np.float64))

    @property
    def leads(self) -> Floats:
        """By how much each candidate scored better than the champion, shape (n_recipes, n_days)."""
        return np.asarray(self.scores - self.champion)


Decide = Callable[[Night], int | None]


@dataclass(frozen=True)
class Rule:
    """A rule and where it comes from. ``what``: the first paragraph of its file. ``product``: the rule of ``retrain
    replay`` that plays it on bars, None for all but ours."""

    name: str
    what: str
    source: str
    decide: Decide
    file: Path
    product: str | None = None

    def asked(self, night: Night) -> int | None:
        """Its answer: the row of a candidate, :data:`RETURN`, or None to hold.

        Raises :class:`RuleRefused` for an answer that is none of these, and for whatever the rule itself raises.
        """
        try:
            answer = self.decide(night)
        except Exception as failed:  # a stranger's file may raise anything; which rule and night is what helps
            raise RuleRefused(f"{self.file}: night {night.number}: {type(failed).__name__}: {failed}") from failed
        if answer is None:
            return None
        if isinstance(answer, bool) or not isinstance(answer, int | np.integer):
            raise RuleRefused(f"{self.file}: night {night.number}: answered {answer!r}: give a row, RETURN or None")
        if not (0 <= answer < len(night.scores) or (answer == RETURN and night.former is not None)):
            raise RuleRefused(
                f"{self.file}: night {night.number}: there is no candidate {answer} of {len(night.scores)}, or no "
                "former champion to return to: give one that is there, or None"
            )
        return int(answer)


def load_rules(folder: Path = RULES) -> list[Rule]:
    """The rule of every file in ``folder``, by name of file.

    Raises :class:`RuleRefused` for a file without docstring, ``NAME``, ``SOURCE`` or ``decide``, for two of one name,
    and where there is none.
    """
    rules = [_load(path) for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    names = [rule.name for rule in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RuleRefused(f"{folder}: two rules are named {', '.join(twice)}: rename one")
    if not rules:
        raise RuleRefused(f"{folder} holds no rule: put one file a rule there")
    return rules


def _load(path: Path) -> Rule:
    spec = importlib.util.spec_from_file_location(f"promotion_rule_{path.stem}", path)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said = {name: getattr(module, name, None) for name in ("__doc__", "NAME", "SOURCE", "decide")}
    if missing := [name for name, value in said.items() if not value]:
        raise RuleRefused(f"{path} has no {', '.join(missing)}: see benchmarks/promotion/__init__.py")
    what = " ".join(str(module.__doc__).split("\n\n")[0].split())
    return Rule(module.NAME, what, module.SOURCE, module.decide, path, getattr(module, "PRODUCT", None))
