"""Reading one model: which version production uses, now or at any past moment, and loading it.

Reading never writes: these are the rights of a serving process.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from registry.archive.archive import Archive, unpack
from registry.clock import say_time
from registry.errors import (
    ArtifactMissing,
    Corrupt,
    InvalidRequest,
    ModelNotFound,
    NoChampion,
    NotFound,
    Suspended,
    UntrustedSignature,
    VersionNotFound,
)
from registry.format import keys
from registry.format.entries import Entry, digest
from registry.format.records import ChampionRecord, VersionRecord
from registry.log.access import Access
from registry.log.cache import OBJECTS, Cache
from registry.log.log import Log
from registry.log.parallel import Progress, quiet, threads
from registry.model import large_records, transitions
from registry.model.evidence import Manifest, manifest_of, read_file, watermark
from registry.model.prediction import LoadedModel
from registry.model.probability import VersionMap
from registry.model.replacements import Replacement, replacements
from registry.model.version import Version, version_of
from registry.store import Store
from registry.trust.signing import Trusted

_FILES_AT_ONCE = 8


class ModelReader:
    """The versions and the champion of one model, read."""

    def __init__(self, access: Access, name: str) -> None:
        self.access = access
        self.name = keys.check_name(name)
        self.versions, self.decisions = Log.pair(access, name)
        self._replaced: dict[str, Replacement] | None = None

    @property
    def store(self) -> Store:
        return self.access.store

    @property
    def cache(self) -> Cache | None:
        return self.access.cache

    @property
    def trusted(self) -> Trusted | None:
        """The keys that may promote; None where any champion is loaded."""
        return self.access.trusted

    @property
    def grace(self) -> timedelta:
        """How old garbage must be before it is removed; a commit waits for less than half of it."""
        return self.access.grace

    def champion(self, at: datetime | None = None) -> ChampionRecord | None:
        """What production loads now, or loaded at a past moment; None before the first promotion."""
        return transitions.champion_of(self.deciding(at))

    def version(self, which: str | int) -> Version:
        """``"v3"``, ``"latest"``, ``"champion"`` or a tag; :class:`VersionNotFound` names what there is.

        Raises :class:`ArtifactMissing` and :class:`Corrupt` where a large record's object is gone or damaged.
        """
        return self.complete(self.find(which))

    def find(self, which: str | int) -> Version:
        """As :meth:`version`, of a large record what the entry holds: enough to load, promote or tag it."""
        head = self.versions.head()
        if head is None:
            raise ModelNotFound(f"there is no model {self.name} in {self.store.url}; `registry models` lists them")
        if which == "champion":
            return self.found_at(self._champion_or_raise(None).entry)
        if which == "latest":
            return self._latest(head)
        if isinstance(which, str) and which in head.state.get("tags", {}):
            which = head.state["tags"][which]
        number, last = keys.version_number(which), transitions.latest_number(head)
        if number > last:
            raise VersionNotFound(
                f"{self.name} has no v{number}: it has v1 to v{last}" if last else f"{self.name} has no version"
            )
        if number == last:
            return self._latest(head)
        return self.found_at(self._entry_of(number, head))

    def load(self, which: str | int = "champion", *, at: datetime | None = None) -> LoadedModel:
        """The champion (or ``"latest"``, ``"v3"``, a tag), its archive checked against its digest.

        ``at``: the champion at a past moment, also where production was suspended then.

        Raises :class:`NoChampion`, :class:`Suspended` (a person told production to stand aside),
        :class:`VersionNotFound`, :class:`ArtifactMissing`, :class:`Corrupt`, :class:`UnsafeArtifact`,
        :class:`UntrustedSignature` (trusted keys are configured, and none of them signed the promotion; for another
        version than the champion: the registration).
        """
        if which == "champion":
            entry = self.deciding(at)
            return self.load_champion(self._champion_of(entry, at), self._calibration(entry))
        if at is not None:
            raise InvalidRequest(
                f"only the champion is loaded as of a past moment: {which} at {at} would be {which} of today"
            )
        version = self.find(which)
        if self.trusted is not None:
            self.trusted.check_entry(self.versions.read(version.entry))
        record = version.record
        return LoadedModel(
            record.version, record.cut, self.archive(record), recall=lambda: self.complete(version).record
        )

    def in_production(self) -> ChampionRecord:
        """The champion that production may use: :class:`NoChampion`, :class:`Suspended`, :class:`UntrustedSignature`.

        One request where nothing was decided since this object last looked.
        """
        return self._champion_or_raise(None)

    def calibrated(self) -> tuple[ChampionRecord, VersionMap]:
        """As :meth:`in_production`, with the map of its score to a probability, from the same entry."""
        entry = self.deciding()
        return self._champion_of(entry, None), self._calibration(entry)

    def load_champion(
        self, champion: ChampionRecord, calibration: VersionMap, *, instead_of: LoadedModel | None = None
    ) -> LoadedModel:
        """That champion, ready to predict; the archive of ``instead_of`` is kept where it is the same version's."""
        old = None if instead_of is None else instead_of.champion
        if (
            instead_of is not None
            and old is not None
            and (old.version, old.sha256) == (champion.version, champion.sha256)
        ):
            archive = instead_of.archive
        else:
            archive = self.archive(champion)
        record = partial(self._record_at, champion.entry)
        return LoadedModel(champion.version, champion.cut, archive, champion, record, calibration)

    def history(self, *, progress: Progress = quiet) -> list[Version]:
        """All versions, oldest first."""
        versions: list[Version] = []
        newest = 0
        for entry in self.versions.walk():
            newest = max(newest, entry.n)
            progress("reading versions", newest - entry.n, newest)
            if entry.kind == "registered":
                versions.append(version_of(entry))
        return self.completed(versions[::-1])

    def complete(self, version: Version) -> Version:
        """The version with its whole record: one request where the entry holds only a part of it.

        Raises :class:`ArtifactMissing` and :class:`Corrupt` where the object with the rest is gone or damaged.
        """
        moved = version.record.moved
        if moved is None:
            return version
        data = self.read_object(moved["key"], moved["sha256"])
        record = large_records.whole(version.record, data, where=f"{self.store.url}/{moved['key']}")
        return dataclasses.replace(version, record=record)

    def completed(self, versions: Sequence[Version]) -> list[Version]:
        """:meth:`complete` of each, some at once."""
        if all(version.record.moved is None for version in versions):
            return [*versions]
        with threads(_FILES_AT_ONCE) as workers:
            return list(workers.map(self.complete, versions))

    def log(self) -> Iterator[Entry]:
        """The entries of both logs, newest first."""
        streams = [self.versions.walk(), self.decisions.walk()]
        newest = [next(stream, None) for stream in streams]
        while any(newest):
            entry = max(
                (entry for entry in newest if entry is not None), key=lambda entry: (entry.time, entry.log, entry.n)
            )
            yield entry
            side = 0 if entry.log == "versions" else 1
            newest[side] = next(streams[side], None)

    def decided(self, night: str) -> Entry | None:
        """The entry that decided a night, or approved what it proposed; None where it is not decided."""
        earlier = self.decisions.last(lambda entry: (entry.state.get("night") or "") < night)
        head = self.decisions.head()
        if head is None or (head.state.get("night") or "") < night:
            return None
        entry = self.decisions.read(1 if earlier is None else earlier.n + 1)
        if entry.state.get("night") != night:
            return None
        return entry if "proposal" not in entry.body else self._approval_of(entry, head.n) or entry

    def _approval_of(self, proposing: Entry, newest: int) -> Entry | None:
        """The entry by which a person approved a proposal: before the next night, since that makes it stale."""
        for n in range(proposing.n + 1, newest + 1):
            entry = self.decisions.read(n)
            if entry.state.get("night") != proposing.state.get("night"):
                return None
            if entry.body.get("approval", {}).get("decision") == proposing.n:
                return entry
        return None

    def manifest(self) -> Manifest:
        """What makes up the evidence now; empty before the first night."""
        entry = self.scored()
        return Manifest() if entry is None else manifest_of(entry)

    def scored(self) -> Entry | None:
        """The newest ``scored`` entry, which names all the evidence; None before the first night.

        In a registry of format 1 these entries stood in the versions log. Until the first one stands in the decisions
        log, the evidence is what the last decision rests on: whoever may only register cannot name any.
        """
        head = self.decisions.head()
        n = watermark(head)
        if head is not None and n is not None:
            return head if n == head.n else self._scored_at(self.decisions, n)
        if head is None or watermark(self.versions.head()) is None:
            return None
        named = (self.scored_by(entry) for entry in self.decisions.walk())
        return next((entry for entry in named if entry is not None), None)

    def scored_by(self, decision: Entry) -> Entry | None:
        """The ``scored`` entry that a decision rests on; None where it names none."""
        named: Any = decision.body.get("evidence") or {}
        if named.get("scored") is not None:
            return self._scored_at(self.decisions, named["scored"])
        if named.get("entry") is not None:  # written in format 1
            return self._scored_at(self.versions, named["entry"])
        return None

    def acts(self) -> Iterator[Entry]:
        """What the gate and persons decided, newest first: the decisions log without its evidence."""
        return (entry for entry in self.decisions.walk() if entry.kind != "scored")

    def _scored_at(self, log: Log, n: int) -> Entry:
        entry = log.read(n)
        if entry.kind != "scored":
            raise Corrupt(
                f"entry {n} of {log.prefix} should name evidence, it is '{entry.kind}'; run `registry verify "
                f"{self.name}`"
            )
        return entry

    def evidence(self, manifest: Manifest) -> list[bytes]:
        """The files of a manifest, oldest first, each checked against the digest in its name."""
        with threads(_FILES_AT_ONCE) as workers:
            return list(workers.map(partial(read_file, self.store, self.name), manifest.files))

    def protected_versions(self) -> set[str]:
        """The champion and the last ten champions: their artifacts are never removed."""
        return transitions.protected_versions(self.decisions.head())

    def decision_record(self, entry: Entry) -> Mapping[str, Any] | None:
        """The full record of a decision, from the entry or from the file it names."""
        record: Any = entry.body.get("record")
        if record is None or "sha256" not in record:
            return None if record is None else dict(record)
        data = self.read_object(record["key"], record["sha256"])
        try:
            moved = json.loads(data)
        except (ValueError, RecursionError):
            moved = None
        if not isinstance(moved, dict):
            raise Corrupt(
                f"{self.store.url}/{record['key']} is no record of a decision, as entry {entry.n} of {entry.log} says; "
                f"run `registry verify {self.name}`"
            )
        return moved

    def _calibration(self, entry: Entry | None) -> VersionMap:
        """The map of the champion that stands in the state of ``entry``.

        Where keys are trusted, only from an entry that one of them signed: a map may come with any decision, and the
        champion's own signature says nothing of it.
        """
        champion = transitions.champion_of(entry)
        if entry is None or champion is None:
            return VersionMap()
        try:
            if self.trusted is not None:
                self.trusted.check_entry(entry)
        except UntrustedSignature as error:
            return VersionMap(why=f"the map of its score is not believed: {error}")
        return VersionMap.in_state(entry.state, champion.version)

    def _champion_or_raise(self, at: datetime | None) -> ChampionRecord:
        return self._champion_of(self.deciding(at), at)

    def _champion_of(self, entry: Entry | None, at: datetime | None) -> ChampionRecord:
        champion = transitions.champion_of(entry)
        if entry is None or champion is None:
            when = "" if at is None else f" at {say_time(at)}"
            raise NoChampion(f"{self.name} has no champion{when}: nothing was promoted in {self.store.url}")
        suspended = entry.state.get("suspended") if at is None else None
        if suspended is not None:
            raise Suspended(f"{self.name} is suspended since {say_time(suspended['since'])}: {suspended['reason']}")
        if self.trusted is not None:
            self.check_promoted(entry, self.trusted)
        return champion

    def check_promoted(self, entry: Entry, trusted: Trusted) -> None:
        """:class:`UntrustedSignature` unless a promoter signed the champion that stands in the state of ``entry``, in
        this registry and by a decision that it knows.

        Asks the store once which registry it is, where ``RETRAIN_REGISTRY_ID`` does not say it. With that set, the
        promotions of format 1, which name no registry, are not believed.
        """
        champion, root = entry.state.get("champion") or {}, self.access.root
        where = f"the promotion of {champion.get('version')} of {self.name} (decision {champion.get('decision')})"
        of_format_1 = champion.get("registry") is None and root.expected is None
        found = None if of_format_1 else root.look_up_id()
        if champion.get("registry") != found:
            raise UntrustedSignature(
                f"{where} was signed for {_registry_named(champion.get('registry'))}, and this is "
                f"{_registry_named(found)}: it is not used; promote it here, with a key that may"
            )
        if champion.get("decision", 0) > entry.n:
            raise UntrustedSignature(f"{where} is later than entry {entry.n}, which says it: decisions were removed")
        trusted.check_champion(self.name, champion)

    def deciding(self, at: datetime | None = None) -> Entry | None:
        """The newest decision, now or at a past moment: its state says what was in production, or stood aside."""
        if at is None:
            return self.decisions.head()
        if at.tzinfo is None:
            raise InvalidRequest(f"{at} has no time zone: write 2024-05-01T12:00Z")
        return self.decisions.last(lambda entry: entry.time <= at)

    def _latest(self, head: Entry) -> Version:
        latest = head.state.get("latest")
        if latest is None:
            raise VersionNotFound(f"{self.name} has no version")
        return version_of(head) if latest["entry"] == head.n else self.found_at(latest["entry"])

    def registered_at(self, n: int) -> Version:
        """The version that entry ``n`` of the versions log registered, with its whole record."""
        return self.complete(self.found_at(n))

    def found_at(self, n: int) -> Version:
        """As :meth:`registered_at`, of a large record what the entry holds."""
        return version_of(self.registration(n))

    def registration(self, n: int) -> Entry:
        """Entry ``n`` of the versions log, which registers a version; :class:`Corrupt` for any other."""
        entry = self.versions.read(n)
        if entry.kind != "registered":
            raise Corrupt(f"entry {n} of {self.versions.prefix} should register a version, it is '{entry.kind}'")
        return entry

    def _record_at(self, n: int) -> VersionRecord:
        return self.registered_at(n).record

    def _entry_of(self, number: int, head: Entry) -> int:
        """The entry that registered a version: interpolated, since versions are spread evenly over the log."""
        low, high = (0, 0), (head.n, transitions.latest_number(head))  # (entry, versions up to it)
        while low[0] < high[0] and low[1] < number <= high[1]:
            share = (number - low[1]) / (high[1] - low[1])
            guess = min(max(low[0] + round(share * (high[0] - low[0])), low[0] + 1), high[0])
            entry = head if guess == head.n else self.versions.read(guess)
            latest = entry.state.get("latest")
            if latest is not None and latest["version"] == keys.version_name(number):
                return int(latest["entry"])
            count = transitions.latest_number(entry)
            if count < number:
                low = (guess, count)
            else:
                high = (min(guess, int(entry.state["latest"]["entry"])) - 1, count - 1)
        raise Corrupt(
            f"no entry of {self.versions.prefix} registers {keys.version_name(number)}, though later versions are "
            f"there; run `registry verify {self.name}`"
        )

    def archive(self, record: ChampionRecord | VersionRecord) -> Archive:
        """The archive of a version, checked against its digest (also where production is suspended)."""
        if record.artifact is None or record.sha256 is None:
            raise ArtifactMissing(f"{record.version} of {self.name} is a record without artifact: it cannot be loaded")
        key, sha256, data = self.archive_bytes(record)
        return unpack(data, sha256=sha256, where=f"{self.store.url}/{key}")

    def archive_bytes(self, record: ChampionRecord | VersionRecord) -> tuple[str, str, bytes]:
        """The key, SHA-256 and bytes of the archive of a version: the one that its record names, or where that is not
        there the one that took its place in a repacked copy (:mod:`registry.model.replacements`).

        Raises :class:`ArtifactMissing`, :class:`Corrupt`, :class:`UntrustedSignature` (trusted keys are configured, and
        none of a promoter's signed the entry that names the other archive).
        """
        key, sha256 = str(record.artifact), str(record.sha256)
        try:
            return key, sha256, self.read_object(key, sha256)
        except ArtifactMissing:
            replacement = self.replacement(record)
            if replacement is None:
                raise
        if self.trusted is not None:
            self.trusted.check_entry(replacement.entry)
        return replacement.key, replacement.sha256, self.read_object(replacement.key, replacement.sha256)

    def replacement(self, record: ChampionRecord | VersionRecord) -> Replacement | None:
        """What took the place of the archive that a record names; None where nothing did."""
        if self._replaced is None or record.version not in self._replaced:
            self._replaced = replacements(self.decisions)
        found = self._replaced.get(record.version)
        return None if found is None or found.old_sha256 != record.sha256 else found

    def read_object(self, key: str, sha256: str) -> bytes:
        """An artifact or a large record, from the cache where it is there, checked against its digest."""
        cached = None if self.cache is None else self.cache.get(OBJECTS, sha256)
        if cached is not None:
            return cached
        try:
            data = self.store.get(key)
        except NotFound as error:
            raise ArtifactMissing(
                f"{self.store.url}/{key} is gone: retired and collected, or deleted by hand; "
                f"`registry verify {self.name}` tells"
            ) from error
        if digest(data) != sha256:
            raise Corrupt(f"{self.store.url}/{key} is not what its entry names (SHA-256 differs): damaged or replaced")
        if self.cache is not None:
            self.cache.put(OBJECTS, "", data)
        return data


def _registry_named(registry: object) -> str:
    return "a registry without id (format 1)" if registry is None else f"the registry {registry}"
