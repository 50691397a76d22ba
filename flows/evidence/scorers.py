"""Who scores tonight's bars: versions that decided nights named, so that nobody who may only register is among them.

A recipe's stream is scored by its newest such version; bars that closed before that one's training labels were known
are left to those before it. The champion, and the champion before it, score as long as they stay in the race.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from flows.arrays import Mask
from flows.bars import NEXT_BAR, Dataset
from flows.evidence.signatures import Signatures
from flows.evidence.versions import VersionCache
from flows.job.plan import Job
from flows.recipes import Recipe
from registry import Model
from registry.clock import read_moment
from registry.format.entries import Entry
from registry.model.evidence import watermark
from registry.model.transitions import champion_of, former_champions, newest_of, stream_version


def reach_of(data: Dataset, new: Mask) -> datetime | None:
    """When the oldest of the new bars closed; None where last night's versions can score them all.

    A label of the next bar comes after all that a version of last night was trained on. Over a longer horizon, bars
    that closed before that night get their label tonight, and tell of moves that its training labels tell of too.
    """
    if data.question == NEXT_BAR or not new.any():
        return None
    oldest = pd.Timestamp(data.bars.frame.index[new][0]) + data.instrument.step
    return oldest.to_pydatetime()


@dataclass(frozen=True, eq=False)
class NamedVersions:
    """The versions that decided nights named for the streams of recipes. ``reach``: when the oldest bar closed that is
    to be scored; None where the newest ones can score every bar."""

    model: Model
    versions: VersionCache
    signatures: Signatures
    reach: datetime | None

    def before(self, newest: int, recipe: Recipe) -> list[int]:
        """Those before the ``newest`` of a recipe, back to the first that may score every new bar."""
        found, entry = list[int](), newest
        for decision in self._decisions if self.reach is not None else ():
            if self._may_score_all(entry):
                break
            older = stream_version(decision, recipe.fingerprint)
            if older is not None and older < entry:
                entry = older
                if self.signatures.holds(self.versions.registration(entry)):
                    found.append(entry)
        return found

    def _may_score_all(self, entry: int) -> bool:
        known_at = self.versions.registered_at(entry).known_at
        return known_at is None or self.reach is None or read_moment(known_at) <= self.reach

    @cached_property
    def _decisions(self) -> list[Entry]:
        """The decisions before the newest one, newest first: those that fell since the oldest new bar closed, and the
        night before them."""
        head, found = self.model.decisions.head(), list[Entry]()
        for n in range(0 if head is None else head.n - 1, 0, -1):
            entry = self.model.decisions.read(n)
            found.append(entry)
            if self.reach is not None and entry.as_of is not None and entry.as_of <= self.reach:
                break
        return found


@dataclass(frozen=True, eq=False)
class Scorers:
    """The entries of the versions that score new bars: those of each of the ``recipes`` that has one, the newest first,
    and ``frozen`` ones, the champion first, then the champion before it, which stays in the race."""

    recipes: Sequence[tuple[Recipe, Sequence[int]]]
    frozen: Sequence[int]

    @classmethod
    def of(cls, job: Job, streams: NamedVersions, before: Entry | None) -> Scorers:
        """Those of tonight, given the newest ``scored`` entry ``before``; nobody scores where there is none.

        :class:`NightRefused` where keys are trusted and none signed that entry or the newest version of a recipe.
        """
        if before is None:
            return cls((), ())
        model, versions, signatures = streams.model, streams.versions, streams.signatures
        decisions = model.decisions.head()
        named = [(recipe, _scorer_of(model, decisions, recipe)) for recipe in job.recipes]
        newest = [(recipe, entry) for recipe, entry in named if entry is not None]
        signatures.check(before, *(versions.registration(entry) for _, entry in newest))
        recipes = [(recipe, [entry, *streams.before(entry, recipe)]) for recipe, entry in newest]
        present = champion_of(decisions)
        if present is None:
            return cls(recipes, ())
        signatures.check_champion(versions.registration(present.entry), present)
        former = [champion for champion in former_champions(decisions) if champion.version != present.version][-1:]
        racing = [each.entry for each in former if signatures.holds_former(versions.registration(each.entry), each)]
        return cls(recipes, (present.entry, *racing))


def _scorer_of(model: Model, decisions: Entry | None, recipe: Recipe) -> int | None:
    """The entry of the version that scores new bars for a recipe; None where there is none yet.

    The last decided night named it. Who may only register could else put a version of theirs into a recipe's stream.
    Registries of format 1 had no such names: the first night after it takes the recipe's newest version.
    """
    if watermark(decisions) is None:
        return newest_of(model.versions.head(), recipe.fingerprint)
    return stream_version(decisions, recipe.fingerprint)
