"""What a gate may: decide which version production uses, compare-and-swap on the champion it was judged against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import keys, transitions
from .entries import Entry, canonical, digest
from .errors import ArtifactMissing
from .log import Build
from .reader import Version
from .records import ChampionRecord
from .trainer import ModelTrainer
from .transitions import Night

_INLINE_RECORD_BYTES = 4096


class ModelPromoter(ModelTrainer):
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
        Raises :class:`StaleDecision`, :class:`Frozen`, :class:`NightDecided`, :class:`ArtifactMissing`.
        """
        keys.check_text(author, "author")
        if forced:
            keys.check_text(str(body.get("reason", "")), "reason")
            body = {**body, "forced": True}
        uploaded = self._clock.monotonic()
        build = transitions.promoted(
            _candidate(version, author, night, forced),
            self._with_record(body),
            expected=expected,
            kind="returned" if returned else "promoted",
            night=night,
            by_person=forced,
        )
        return self._decide(self._fresh(build, uploaded), author, key, night)

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
        keys.check_text(author, "author")
        uploaded = self._clock.monotonic()
        build = transitions.held(self._with_record(body), expected=expected, night=night)
        return self._decide(self._fresh(build, uploaded), author, key, night)

    def _decide(self, build: Build, author: str, key: str | None, night: Night | None) -> Entry:
        return self.decisions.append(build, author=author, key=key, as_of=None if night is None else night.as_of)

    def _with_record(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body with a large record moved to a file of its own, which the entry names by digest."""
        record = body.get("record")
        data = b"" if record is None else canonical(record)
        if len(data) <= _INLINE_RECORD_BYTES:
            return dict(body)
        sha256 = digest(data)
        key = f"{keys.model_prefix(self.name)}evidence/{sha256}-{self._new_id()}"
        self._upload(key, data)
        return {**body, "record": {"key": key, "sha256": sha256, "size": len(data)}}


def _candidate(version: Version, author: str, night: Night | None, forced: bool) -> ChampionRecord:
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
