"""Where keys are trusted, a night uses no entry that none of them signed: no evidence, and no version to score with.

An entry may be older than the keys. Then a person goes on once, by its name and with a reason (``--release``). The
decision of that night says so, and where a trusted key signed it, later nights go by it. What they write themselves is
signed, and names all the evidence and the versions to score with next.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from functools import cached_property
from typing import Any

from flows.errors import NightRefused
from flows.job.plan import Job
from flows.job.request import UNSIGNED
from registry import ChampionRecord, Model
from registry.errors import UntrustedSignature
from registry.format.entries import Entry
from registry.format.records import FormerChampion, VersionRecord
from registry.model.transitions import champion_of


class Signatures:
    """What one night of one model may use. ``vouched``: by name, the entries that a person lets it use unsigned."""

    def __init__(self, job: Job, model: Model) -> None:
        self._job, self._model = job, model
        self.vouched: dict[str, None] = {}

    @property
    def asked(self) -> bool:
        """Whether nights sign what they write here: where they cannot, nothing that they read would be signed."""
        trusted = self._job.keys.trusted
        return trusted is not None and (bool(trusted.trainers) or trusted.may_promote(self._job.keys.signer))

    def check(self, *entries: Entry) -> None:
        """:class:`~flows.errors.NightRefused` where a key signed none of these and nobody vouches for them."""
        refused = {}
        for entry in entries:
            fault = self._fault(entry)
            if fault is not None:
                refused[_name(entry)] = fault
        if refused:
            given = [part for name in refused for part in ("--release", name)]
            command = shlex.join(["retrain", "run", *given, "--author", "NAME", "--reason", "WHY"])
            more = "" if len(refused) == 1 else f" (and {len(refused) - 1} more)"
            raise NightRefused(
                f"{next(iter(refused.values()))}{more}: the night does not begin. Look who wrote it (`registry log "
                f"{self._model.name}`); if it is older than the keys, a person goes on with {command}"
            )

    def check_champion(self, entry: Entry, champion: ChampionRecord) -> None:
        """As :meth:`check`, for the entry that registered the champion: a promoter's signature of its promotion names
        the archive, and vouches for it."""
        if not self._is_promoted(entry, champion.decision):
            self.check(entry)

    def holds(self, entry: Entry) -> bool:
        """Whether a trusted key signed the entry, or a person vouches for it."""
        return self._fault(entry) is None

    def holds_former(self, entry: Entry, former: FormerChampion) -> bool:
        """Whether the former champion may be scored with; one that no key signed drops out of the race."""
        return self._is_promoted(entry, former.decision) or self.holds(entry)

    def to_dict(self) -> dict[str, Any] | None:
        """As a decision records what was vouched for, and by whom; None where nothing was."""
        release = self._job.request.release
        if not self.vouched or release is None:
            return None
        return {"entries": list(self.vouched), "author": release.author, "reason": release.reason}

    def _fault(self, entry: Entry) -> UntrustedSignature | None:
        trusted, release = self._job.keys.trusted, self._job.request.release
        if trusted is None or not self.asked:
            return None
        try:
            trusted.check_entry(entry)
        except UntrustedSignature as error:
            if _name(entry) in self._vouched_before:
                return None
            if release is None or _name(entry) not in release.names:
                return error
            self.vouched[_name(entry)] = None
        return None

    @cached_property
    def _vouched_before(self) -> set[str]:
        """What decisions that a trusted key signed say that a person vouched for."""
        trusted, head = self._job.keys.trusted, self._model.decisions.head()
        names: set[str] = set()
        for n in () if head is None else head.state.get("vouched", ()):
            decision = self._model.decisions.read(n)
            with suppress(UntrustedSignature):
                assert trusted is not None, "asked only where keys are trusted"
                trusted.check_entry(decision)
                names.update(decision.body.get("vouched", {}).get("entries", ()))
        return names

    def _is_promoted(self, entry: Entry, decision: int) -> bool:
        """Whether a trusted key signed the promotion of the very version that the entry registers."""
        trusted = self._job.keys.trusted
        if trusted is None or not self.asked:
            return True
        promotion = self._model.decisions.read(decision)
        try:
            self._model.check_promoted(promotion, trusted)
        except UntrustedSignature:
            return False
        champion, record = champion_of(promotion), VersionRecord.from_dict(entry.body["version"])
        same = ("version", "artifact", "sha256", "cut")
        return champion is not None and all(getattr(champion, name) == getattr(record, name) for name in same)


def _name(entry: Entry) -> str:
    """What a person vouches by: ``entry:versions/12``."""
    return f"{UNSIGNED}:{entry.log}/{entry.n}"
