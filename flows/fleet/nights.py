"""The nights of a fleet: each model's in a process of its own, so many at once, and what became of each.

A process of its own keeps models apart: its memory is given back, and a night that fails, or is killed, stops no other.

>>> for done in run_nights(fleet, ("--scheduled",)):    # as each ends
...     print(done.member.name, done.ended, done.sentence)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from flows.fleet.members import Fleet, Member
from flows.fleet.planning import offset_of
from registry import Clock, SystemClock

__all__ = ["FleetNight", "run_night_of", "run_nights"]

_LAST_WORDS = 2_000  # characters of what a night that failed said last


@dataclass(frozen=True)
class FleetNight:
    """One model's night. ``outcome``: what ``retrain run --json`` printed, None where the night failed; ``sentence``:
    of the decision, or why there is none; ``exit_status``: of its process."""

    member: Member
    exit_status: int
    sentence: str
    outcome: dict[str, Any] | None = None

    @property
    def ended(self) -> Literal["promoted", "held", "empty", "covered", "failed"]:
        """What became of it; covered: there was nothing to do."""
        if self.outcome is None:
            return "failed"
        return self.outcome.get("action", "covered")  # type: ignore[no-any-return]  # what our own command printed

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        told = {"model": self.member.name, "ended": self.ended, "sentence": self.sentence}
        return {**told, "exit_status": self.exit_status, "outcome": self.outcome}


def run_nights(fleet: Fleet, options: Sequence[str] = (), clock: Clock | None = None) -> Iterator[FleetNight]:
    """Each model's night as it ends; ``options``: of ``retrain run``, the same for all. Scheduled ones begin over the
    fleet's ``spread_minutes``."""
    clock = clock or SystemClock()
    begun = clock.now()
    spread = "--scheduled" in options
    with ThreadPoolExecutor(fleet.at_once, thread_name_prefix="night") as pool:
        nights = [
            pool.submit(run_night_of, member, options, begun + offset_of(fleet, place) if spread else begun, clock)
            for place, member in enumerate(fleet.members)
        ]
        for night in as_completed(nights):
            yield night.result()


def run_night_of(
    member: Member, options: Sequence[str] = (), begins: datetime | None = None, clock: Clock | None = None
) -> FleetNight:
    """One model's night, in a process of its own and not before it ``begins``; ``options``: of ``retrain run``."""
    clock = clock or SystemClock()
    if begins is not None and begins > (now := clock.now()):
        clock.sleep((begins - now).total_seconds())
    return _night_in_process(member, options)


def _night_in_process(member: Member, options: Sequence[str]) -> FleetNight:
    recipes = [option for name in member.recipes for option in ("--recipe", name)]
    # -P: a folder of the user's that is called flows must not be taken for the package
    command = [sys.executable, "-P", "-m", "flows.cli", "run", "--json", *recipes, *options]
    done = subprocess.run(
        command, env={**os.environ, **member.variables}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip()[-_LAST_WORDS:].splitlines() or [f"ended with status {done.returncode}"]
        return FleetNight(member, done.returncode, said[-1])
    try:
        outcome = json.loads(done.stdout)
        sentence = outcome.get("sentence") or outcome["covered"]
    except (ValueError, KeyError, AttributeError):
        return FleetNight(member, 1, f"printed what is no outcome: {done.stdout[:200]!r}")
    return FleetNight(member, 0, sentence, outcome)
