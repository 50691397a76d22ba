"""What a person may do: overrule the gate, by name and with a reason.

Every act is one entry. What it was decided against is looked up first and compared when it is written: if another
decision came between, :class:`~registry.errors.StaleDecision` says so and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registry.errors import ArtifactMissing, InvalidRequest, NoChampion, StaleDecision, UntrustedSignature
from registry.format import keys
from registry.format.entries import Entry
from registry.format.records import ChampionRecord, FormerChampion
from registry.log.log import Build, same_act
from registry.model import approval, transitions
from registry.model.decisions import GATE_KINDS, DecisionWriter, NewDecision, candidate_of
from registry.model.preparation import Preparation
from registry.model.reader import ModelReader
from registry.model.repair import repair
from registry.model.transitions import Night
from registry.model.version import Version, version_of


class ModelOperator(ModelReader):
    """One model with the rights of a person who runs it: to create under ``decisions/`` what overrules the gate."""

    def force(self, version: str | int, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Promote a version whatever the gate says; recorded as forced. Evidence starts afresh after it."""
        chosen = self.find(version)
        body = {"sentence": f"promoted: {chosen} by a person", "reason": reason}
        entry = self.overrule(chosen, expected=self.champion(), author=author, body=body, key=key)
        return same_act(entry, entry.body["version"] == chosen.record.version)

    def overrule(
        self,
        version: Version,
        *,
        expected: ChampionRecord | None,
        author: str,
        body: Mapping[str, Any],
        night: Night | None = None,
        key: str | None = None,
    ) -> Entry:
        """:meth:`force` for who writes the whole ``body`` (with a ``reason``), or decides a ``night`` by it.

        Raises what :meth:`ModelPromoter.promote` raises.
        """
        kinds = ("promoted",) if night is None else GATE_KINDS
        decision = NewDecision(author, body, night, key, kinds)
        return DecisionWriter(self).make_champion(version, decision, expected=expected, by_person=True)

    def approve(self, version: str | int, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Carry out the promotion that the last decided night proposed, by a person and with the person's key.

        Raises :class:`StaleDecision` where that night proposed another version or none, or anything that it was judged
        on changed since; :class:`KeyRefused`, :class:`UntrustedSignature` (where trainers' keys are trusted, what was
        proposed must be signed), :class:`Frozen`, :class:`ArtifactMissing`. See :meth:`proposed` for what is approved.
        """
        keys.check_author(author)
        keys.check_text(reason, "reason")
        writer = DecisionWriter(self)
        writer.check_signer()
        name = keys.version_name(keys.version_number(version))
        if key is not None and (done := self.decisions.done(key, approval.KINDS)) is not None:
            return same_act(done, done.body["version"] == name)
        entry, chosen = self._proposed(name)
        candidate = candidate_of(chosen, author, approval.night_of(entry), forced=False, registry=self.access.root.id())
        decision = NewDecision(author, approval.body_of(entry, author, reason), key=key, kinds=approval.KINDS)

        def approved(body: Mapping[str, Any]) -> Build:
            return writer.signing_champion(approval.approved(candidate, body, entry=entry))

        return writer.add(decision, approved, uses=chosen)

    def proposed(self, version: str | int) -> Version:
        """The version that an approval of the last night's proposal would make champion, as it was registered.

        Raises what :meth:`approve` raises before it writes.
        """
        DecisionWriter(self).check_signer()
        return self._proposed(keys.version_name(keys.version_number(version)))[1]

    def _proposed(self, name: str) -> tuple[Entry, Version]:
        """The decision that proposed the version of this name, and the version, from the entry that the proposal
        names and no other of that name."""
        head = self.decisions.head()
        night = None if head is None else head.state.get("night")
        entry = approval.check_proposed(None if night is None else self.decided(night), self.name, name)
        registration = self.registration(entry.body["proposal"]["entry"])
        approval.check_registered(entry, registration)
        if self.trusted is not None and self.trusted.trainers:
            self.trusted.check_entry(entry)
            self.trusted.check_entry(registration)
        return entry, version_of(registration)

    def rollback(self, to: str | int | None = None, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Back to the last champion that nobody rolled back from, or to a version that was champion before.

        One that was not named is skipped where its artifact is given up or gone, and the entry says so. Raises
        :class:`NoChampion` where there is none to go back to, :class:`StaleDecision` where the champion changed
        meanwhile, :class:`ArtifactMissing` where the artifact of ``to``, or of all that could be gone back to, is gone,
        :class:`UntrustedSignature` where trusted keys are configured and none of them signed the target's promotion.
        """
        if key is not None and (done := self.decisions.done(key, ("rolled_back",))) is not None:
            same = to is None or done.body["version"] == keys.version_name(keys.version_number(to))
            return same_act(done, same)
        head = self.decisions.head()
        present = transitions.champion_of(head)
        if present is None:
            raise NoChampion(f"{self.name} has no champion to roll back from")
        writer, preparation = DecisionWriter(self), Preparation(self.access, self.name)
        target, version, skipped = _first_with_artifact(self, writer, self._rollback_targets(head, present, to))
        again = candidate_of(version, author, None, forced=False, registry=self.access.root.id())
        self._check_was_promoted(target, again)
        back = transitions.rolled_back(again, expected=present, reason=reason, skipped=skipped)
        build = writer.signing_champion(back)
        return self._act("rolled_back", preparation.in_time(build), author, reason, key)

    def freeze(self, *, author: str, reason: str, until: datetime | None = None, key: str | None = None) -> Entry:
        """No promotion until then (or until a person unfreezes)."""
        return self._act("frozen", transitions.frozen(until, reason), author, reason, key)

    def unfreeze(self, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Promotions again; evidence starts afresh."""
        return self._act("unfrozen", transitions.unfrozen(reason), author, reason, key)

    def suspend(self, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Tell production to stand aside: loading the champion raises :class:`~registry.errors.Suspended`."""
        return self._act("suspended", transitions.suspended(reason), author, reason, key)

    def resume(self, *, author: str, reason: str, key: str | None = None) -> Entry:
        """Production may use the champion again."""
        return self._act("resumed", transitions.resumed(reason), author, reason, key)

    def set_policy(self, policy: Mapping[str, Any], *, author: str, reason: str, key: str | None = None) -> Entry:
        """Record the gate's policy from now on; evidence starts afresh."""
        return self._act("policy", transitions.policy(policy, reason), author, reason, key)

    def repair(self, *, author: str, reason: str, key: str | None = None) -> list[Entry]:
        """Reset what was dated in the future: the night, the as-of, the clock floor and the evidence of that night.

        One entry in each log that holds such a date; a repair of the versions log is written under ``versions/``.
        Raises :class:`InvalidRequest` where there is nothing to repair, :class:`ClockSkew` where this machine's clock
        is not the store's. See :mod:`registry.model.repair`.
        """
        return repair(self, author=author, reason=reason, key=key)

    def _act(self, kind: str, build: Build, author: str, reason: str, key: str | None) -> Entry:
        keys.check_author(author)
        keys.check_text(reason, "reason")
        return self.decisions.append(build, author=author, key=key, kinds=(kind,))

    def _check_was_promoted(self, target: FormerChampion, again: ChampionRecord) -> None:
        """Where keys are trusted, refuse to sign what none of them promoted: the list of former champions is the word
        of whoever wrote the newest entry."""
        if self.trusted is None:
            return
        promoting = self.decisions.read(target.decision)
        try:
            self.check_promoted(promoting, self.trusted)
            champion = ChampionRecord.from_dict(promoting.state["champion"])
            same = ("version", "entry", "artifact", "sha256", "cut")
            wrong = [name for name in same if getattr(champion, name) != getattr(again, name)]
            if wrong or champion.identity != (target.version, target.decision):
                raise UntrustedSignature(f"decision {target.decision} of {self.name} promoted another {target.version}")
        except UntrustedSignature as error:
            raise UntrustedSignature(f"{error}; to use {target.version} all the same, force it") from error

    def _rollback_targets(
        self, head: Entry | None, present: ChampionRecord, to: str | int | None
    ) -> list[FormerChampion]:
        """The former champions to go back to: a named one, or those that nobody rolled back from, the best first."""
        former_champions = transitions.former_champions(head)
        if to is None:
            targets = transitions.rollback_targets(head)
            if not targets:
                raise NoChampion(
                    f"{self.name} has no former champion to roll back to; name one with --to, or force a version"
                )
            return targets
        name = keys.version_name(keys.version_number(to))
        if name == present.version:
            raise InvalidRequest(f"{name} is the champion already")
        target = next((former for former in former_champions if former.version == name), None)
        if target is None:
            choices = ", ".join(former.version for former in former_champions) or "none"
            raise StaleDecision(
                f"{name} is not among the last ten champions ({choices}); to use it all the same, force it"
            )
        return [target]


def _first_with_artifact(
    model: ModelReader, writer: DecisionWriter, targets: list[FormerChampion]
) -> tuple[FormerChampion, Version, list[str]]:
    """The first of the former champions whose artifact is there to stay, its version, and those before it."""
    skipped: list[str] = []
    for target in targets:
        version = model.found_at(target.entry)
        try:
            writer.check_artifact_stays(version)
        except ArtifactMissing as error:
            if len(targets) == 1:
                raise
            skipped.append(target.version)
            last = error
        else:
            return target, version, skipped
    raise ArtifactMissing(
        f"the artifacts of all champions that {model.name} could go back to are gone ({', '.join(skipped)}): force "
        "another version"
    ) from last
