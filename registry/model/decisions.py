"""Writing a decision of a gate or a person: what is checked before, what is signed, where a large record is stored.

A decision that makes a version champion is written only while the version's artifact is there to stay, and only with
the signature that production asks for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from registry.errors import ArtifactMissing, EntryTooLarge, KeyRefused
from registry.format import keys
from registry.format.entries import Entry, canonical, digest
from registry.format.records import ChampionRecord
from registry.log.log import Build, Draft
from registry.model import retention, transitions
from registry.model.preparation import Preparation
from registry.model.reader import ModelReader
from registry.model.repair import decided_in_time
from registry.model.transitions import Night
from registry.model.version import Version
from registry.trust.signing import champion_statement

_BODY_BYTES = 4096

GATE_KINDS = ("promoted", "returned", "held")
"""What the decision of a night may be. Who decides a night again may come to another end than the first time."""


@dataclass(frozen=True)
class NewDecision:
    """A decision to be written: who decides, what the entry says, of which night.

    ``key``: its idempotency key; ``kinds``: of the entries that may have done the work of that key already.
    """

    author: str
    body: Mapping[str, Any]
    night: Night | None = None
    key: str | None = None
    kinds: Collection[str] = GATE_KINDS


class DecisionWriter:
    """Adds entries to the decisions log of one model."""

    def __init__(self, model: ModelReader) -> None:
        self._model = model
        self._access = model.access

    def make_champion(
        self,
        version: Version,
        decision: NewDecision,
        *,
        expected: ChampionRecord | None,
        kind: Literal["promoted", "returned"] = "promoted",
        by_person: bool = False,
    ) -> Entry:
        """Make ``version`` champion if the champion still is ``expected``. ``by_person``: with a reason in the body."""
        keys.check_author(decision.author)
        self.check_signer()
        if by_person:
            keys.check_text(decision.body.get("reason", ""), "reason")
            decision = dataclasses.replace(decision, body={**decision.body, "forced": True})
        night = decision.night
        candidate = candidate_of(version, decision.author, night, forced=by_person, registry=self._access.root.id())

        def promoted(body: Mapping[str, Any]) -> Build:
            build = transitions.promoted(
                candidate, body, expected=expected, kind=kind, night=night, by_person=by_person
            )
            return self.signing_champion(build)

        return self.add(decision, promoted, uses=version)

    def add(
        self, decision: NewDecision, build_of: Callable[[Mapping[str, Any]], Build], *, uses: Version | None = None
    ) -> Entry:
        """Add the decision, unless the work of its key is done; ``uses``: the version whose artifact it needs.

        ``build_of`` makes the draft from the body as the entry will hold it.
        """
        log, key, kinds = self._model.decisions, decision.key, decision.kinds
        done = None if key is None else log.done(key, kinds)
        if done is not None:
            return done
        preparation = Preparation(self._access, self._model.name)
        if uses is not None:
            self.check_artifact_stays(uses)
        build = preparation.in_time(build_of(self._with_record(preparation, decision.body)))
        if decision.night is not None:
            build = decided_in_time(decision.night.day, build)
        as_of = None if decision.night is None else decision.night.as_of
        return log.append(build, author=decision.author, key=key, as_of=as_of, head_known=key is not None, kinds=kinds)

    def check_artifact_stays(self, version: Version) -> None:
        """Refuse a version whose artifact is gone or may be going; one so young that ``gc`` leaves it costs nothing."""
        if self._access.clock.now() - version.registered_at < self._access.grace / 2:
            return
        store, record, head = self._access.store, version.record, self._model.versions.newest()
        if head is not None and retention.is_retired(head.state, record.number):
            raise ArtifactMissing(f"{version} is retired, its artifact may be gone: choose another version")
        if record.artifact in store.list(str(record.artifact), limit=1):
            return
        replacement = self._model.replacement(record)
        if replacement is None or replacement.key not in store.list(replacement.key, limit=1):
            raise ArtifactMissing(f"the artifact of {version} is gone from {store.url}: choose another version")

    def check_signer(self) -> None:
        """Refuse to make a champion that the keys trusted here would keep from being loaded."""
        signer, trusted = self._access.signer, self._access.trusted
        if trusted is None or trusted.may_promote(signer):
            return
        whose = "there is no signing key" if signer is None else f"the signing key is a {signer.role}'s"
        raise KeyRefused(
            f"{whose}, and only a promoter's may make a champion of {self._model.name}: production would refuse it "
            "(RETRAIN_TRUSTED_PROMOTERS says whose; RETRAIN_SIGNING_KEY names the file with the key)"
        )

    def signing_champion(self, build: Build) -> Build:
        """``build``, the new champion's record signed where there is a signer."""
        self.check_signer()
        signer = self._access.signer
        if signer is None:
            return build

        def crowned(head: Entry | None, n: int, time: datetime) -> Draft:
            draft = build(head, n, time)
            champion = draft.changes["champion"]
            signature = signer.sign(champion_statement(self._model.name, champion))
            return dataclasses.replace(
                draft, changes={**draft.changes, "champion": {**champion, "signature": signature}}
            )

        return crowned

    def _with_record(self, preparation: Preparation, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body with a large record moved to a file of its own, which the entry names by digest."""
        if len(canonical(dict(body))) <= _BODY_BYTES:
            return dict(body)
        data = canonical(body.get("record"))
        sha256 = digest(data)
        key = f"{keys.model_prefix(self._model.name)}evidence/{sha256}-{self._access.new_id()}"
        moved = {**body, "record": {"key": key, "sha256": sha256, "size": len(data)}}
        if len(canonical(moved)) > _BODY_BYTES:
            raise EntryTooLarge(
                f"a decision of {self._model.name} says over {_BODY_BYTES:,} bytes beside its record: shorten its "
                "sentence"
            )
        preparation.upload(key, data)
        return moved


def candidate_of(
    version: Version, author: str, night: Night | None, *, forced: bool, registry: str | None
) -> ChampionRecord:
    """The version as champion, but for the decision that makes it one; :class:`ArtifactMissing` for a mere record."""
    record = version.record
    if record.artifact is None:
        raise ArtifactMissing(f"{record.version} is a record without artifact: it cannot be promoted")
    return ChampionRecord(
        version=record.version,
        decision=0,
        since="",
        by=author,
        how="promoted",
        entry=version.entry,
        artifact=record.artifact,
        sha256=record.sha256,
        size=record.size,
        cut=record.cut,
        recipe=record.recipe,
        recipe_fingerprint=record.recipe_fingerprint,
        forced=forced or None,
        night=None if night is None else night.day,
        known_at=record.known_at,
        simulated=record.simulated,
        registry=registry,
    )
