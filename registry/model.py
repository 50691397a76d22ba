"""What a person may: overrule the gate, by name and with a reason.

Every act is one entry. What it was decided against is looked up first and compared when it is written: if another
decision came between, :class:`~registry.errors.StaleDecision` says so and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from . import keys, transitions
from .entries import Entry
from .errors import InvalidRequest, NoChampion, NotFound, StaleDecision
from .log import Build
from .promoter import ModelPromoter
from .records import ChampionRecord


class Model(ModelPromoter):
    """One model with every right. Made by :meth:`registry.Registry.model`."""

    def force(self, version: str | int, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Promote a version whatever the gate says; recorded as forced. Evidence starts afresh after it."""
        chosen = self.version(version)
        body = {"sentence": f"promoted: {chosen} by a person", "reason": reason}
        return self.promote(chosen, expected=self.champion(), author=author, body=body, forced=True, key=key)

    def rollback(self, to: str | int | None = None, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Back to the last champion that nobody rolled back from, or to a version that was champion before.

        Raises :class:`NoChampion` where there is none to go back to, :class:`StaleDecision` where the champion changed
        meanwhile, :class:`NotFound` where the target's artifact is gone.
        """
        keys.check_text(author, "author")
        keys.check_text(reason, "reason")
        if key is not None and (done := self.decisions.done(key)) is not None:
            return done
        head = self.decisions.head()
        present = transitions.champion_of(head)
        if present is None:
            raise NoChampion(f"{self.name} has no champion to roll back from")
        target = transitions.rollback_target(head) if to is None else self._former(head, to)
        if target is None:
            raise NoChampion(
                f"{self.name} has no former champion to roll back to; name one with --to, or force a version"
            )
        if target.version == present.version:
            raise InvalidRequest(f"{target.version} is the champion already")
        self._must_load(target)
        return self._act(transitions.rolled_back(target, expected=present, reason=reason), author, reason, key)

    def freeze(self, *, author: str, reason: str, until: datetime | None = None, key: str | None = None) -> Entry:
        """No promotion until then (or until a person unfreezes)."""
        return self._act(transitions.frozen(until, reason), author, reason, key)

    def unfreeze(self, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Promotions again; evidence starts afresh."""
        return self._act(transitions.unfrozen(reason), author, reason, key)

    def suspend(self, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Tell production to stand aside: loading the champion raises :class:`~registry.errors.Suspended`."""
        return self._act(transitions.suspended(reason), author, reason, key)

    def resume(self, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Production may use the champion again."""
        return self._act(transitions.resumed(reason), author, reason, key)

    def set_policy(self, policy: Mapping[str, Any], *, author: str, reason: str, key: str | None = None) -> Entry:
        """Record the gate's policy from now on; evidence starts afresh."""
        return self._act(transitions.policy(policy, reason), author, reason, key)

    def retire(self, versions: Sequence[str | int], *, author: str, reason: str, key: str | None = None) -> Entry:
        """Give up the artifacts of versions: ``gc`` removes them after the grace period, their records stay.

        Refused for the champion and the last ten champions.
        """
        keys.check_text(author, "author")
        keys.check_text(reason, "reason")
        names = [keys.version_name(keys.version_number(version)) for version in versions]
        if not names:
            raise InvalidRequest("name at least one version to retire")
        kept = self.protected_versions()
        wrong = [name for name in names if name in kept]
        if wrong:
            raise InvalidRequest(f"{', '.join(wrong)} cannot be retired: the champion or one of the last ten champions")
        return self.versions.append(transitions.retired(names, reason), author=author, key=key)

    def protected_versions(self) -> set[str]:
        """The champion and the last ten champions: their artifacts are never removed."""
        head = self.decisions.head()
        state: Mapping[str, Any] = {} if head is None else head.state
        former = {entry["version"] for entry in state.get("former", ())}
        champion = state.get("champion")
        return former if champion is None else {*former, champion["version"]}

    def _act(self, build: Build, author: str, reason: str, key: str | None) -> Entry:
        keys.check_text(author, "author")
        keys.check_text(reason, "reason")
        return self.decisions.append(build, author=author, key=key)

    def _former(self, head: Entry | None, which: str | int) -> ChampionRecord:
        """The last championship of a version among the last ten champions."""
        name = keys.version_name(keys.version_number(which))
        kept = [] if head is None else head.state.get("former", [])
        found = [former for former in kept if former["version"] == name]
        if not found:
            there = ", ".join(former["version"] for former in kept) or "none"
            raise StaleDecision(
                f"{name} is not among the last ten champions ({there}); to use it all the same, force it"
            )
        return ChampionRecord.from_dict(found[-1])

    def _must_load(self, target: ChampionRecord) -> None:
        found = self.store.list(target.artifact, limit=1) if target.artifact else []
        if target.artifact not in found:
            raise NotFound(f"the artifact of {target.version} is gone from {self.store.url}: choose another version")
