"""What a gate may: decide which version production uses, compare-and-swap on the champion it was judged against."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from registry.errors import ArtifactMissing, EntryTooLarge, KeyRefused
from registry.format import keys
from registry.format.entries import Entry, canonical, digest
from registry.format.records import ChampionRecord
from registry.log.log import Build, Draft
from registry.model import retirement, transitions
from registry.model.reader import Version
from registry.model.scorer import ModelScorer
from registry.model.transitions import Night
from registry.trust.signing import champion_statement

_BODY_BYTES = 4096
_GATES = ("promoted", "returned", "held")


class ModelPromoter(ModelScorer):
    """One model with the rights of a gate."""

    def promote(
        self,
        version: Version,
        *,
        expected: ChampionRecord | None,
        author: str,
        body: Mapping[str, Any],
        night: Night | None = None,
        returned: bool = False,
        forced: bool = False,
        key: str | None = None,
    ) -> Entry:
        """Make ``version`` champion if the champion still is ``expected``, the one it was judged against.

        ``body`` holds the ``sentence`` and the ``record`` of the decision (a large one is stored beside the log and
        named by its digest). ``forced``: a person's act, with a ``reason`` in the body.
        Raises :class:`StaleDecision`, :class:`Frozen`, :class:`NightDecided`, :class:`ArtifactMissing`,
        :class:`KeyRefused` (trusted keys are configured, and the signer's is none that may promote).
        """
        keys.check_author(author)
        self._must_be_trusted()
        if forced:
            keys.check_text(body.get("reason", ""), "reason")
            body = {**body, "forced": True}
        candidate = candidate_of(version, author, night, forced=forced)
        kind = "returned" if returned else "promoted"

        def judged(told: Mapping[str, Any]) -> Build:
            build = transitions.promoted(candidate, told, expected=expected, kind=kind, night=night, by_person=forced)
            return self._crowning(build)

        kinds = ("promoted",) if forced and night is None else _GATES
        return self._decide(judged, body, author, key, night, uses=version, kinds=kinds)

    def hold(
        self,
        *,
        expected: ChampionRecord | None,
        author: str,
        body: Mapping[str, Any],
        night: Night | None = None,
        key: str | None = None,
    ) -> Entry:
        """Record that nothing was promoted, and why. Raises :class:`StaleDecision`, :class:`NightDecided`."""
        keys.check_author(author)
        return self._decide(
            lambda told: transitions.held(told, expected=expected, night=night), body, author, key, night
        )

    def _decide(
        self,
        judged: Callable[[Mapping[str, Any]], Build],
        body: Mapping[str, Any],
        author: str,
        key: str | None,
        night: Night | None,
        uses: Version | None = None,
        kinds: Collection[str] = _GATES,
    ) -> Entry:
        """Add the decision, unless the work named by ``key`` is done; ``uses``: the version whose artifact it needs.

        Who decides a night again may come to another end than the first time: the key of a night stands for any.
        """
        done = None if key is None else self.decisions.done(key, kinds)
        if done is not None:
            return done
        started = self._clock.monotonic()
        if uses is not None:
            self._must_be_kept(uses)
        build = self._fresh(judged(self._with_record(body)), started)
        as_of = None if night is None else night.as_of
        return self.decisions.append(build, author=author, key=key, as_of=as_of, looked=key is not None, kinds=kinds)

    def _must_be_kept(self, version: Version) -> None:
        """Refuse a version whose artifact is gone or may be going; one so young that ``gc`` leaves it costs nothing."""
        if self._clock.now() - version.registered_at < self._grace / 2:
            return
        record, head = version.record, self.versions.newest()
        if head is not None and retirement.is_retired(head.state, record.number):
            raise ArtifactMissing(f"{version} is retired, its artifact may be gone: choose another version")
        if record.artifact not in self.store.list(str(record.artifact), limit=1):
            raise ArtifactMissing(f"the artifact of {version} is gone from {self.store.url}: choose another version")

    def _must_be_trusted(self) -> None:
        """Refuse to make a champion that the keys trusted here would keep from being loaded."""
        if self.trusted is None or self.trusted.may_promote(self._signer):
            return
        whose = "there is no signing key" if self._signer is None else f"the signing key is a {self._signer.role}'s"
        raise KeyRefused(
            f"{whose}, and only a promoter's may make a champion of {self.name}: production would refuse it "
            "(RETRAIN_TRUSTED_PROMOTERS says whose; RETRAIN_SIGNING_KEY names the file with the key)"
        )

    def _crowning(self, build: Build) -> Build:
        """``build``, the new champion's record signed where there is a signer."""
        self._must_be_trusted()
        signer = self._signer
        if signer is None:
            return build

        def crowned(head: Entry | None, n: int, time: datetime) -> Draft:
            draft = build(head, n, time)
            champion = draft.changes["champion"]
            signature = signer.sign(champion_statement(self.name, champion))
            return dataclasses.replace(
                draft, changes={**draft.changes, "champion": {**champion, "signature": signature}}
            )

        return crowned

    def _with_record(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body with a large record moved to a file of its own, which the entry names by digest."""
        if len(canonical(dict(body))) <= _BODY_BYTES:
            return dict(body)
        data = canonical(body.get("record"))
        sha256 = digest(data)
        key = f"{keys.model_prefix(self.name)}evidence/{sha256}-{self._new_id()}"
        moved = {**body, "record": {"key": key, "sha256": sha256, "size": len(data)}}
        if len(canonical(moved)) > _BODY_BYTES:
            raise EntryTooLarge(
                f"a decision of {self.name} says over {_BODY_BYTES:,} bytes beside its record: shorten its sentence"
            )
        self._upload(key, data)
        return moved


def candidate_of(version: Version, author: str, night: Night | None, *, forced: bool) -> ChampionRecord:
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
    )
