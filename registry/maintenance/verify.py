"""Checking everything that a model has on a store: both logs, every artifact, every evidence file, every segment.

::

    report = verify(Registry(url).model(name))
    report.clean                      # nothing is wrong
    for finding in report.findings:
        print(finding)                # where, what is wrong, how to fix it

Nothing is written and nothing is taken from a cache. It may run beside writers: logs are listed before the artifacts
that they name, so that what is added meanwhile is at most noted as named by no entry yet.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from registry.errors import Corrupt, InvalidName, NotFound, UntrustedSignature
from registry.format import keys
from registry.format.entries import Entry, digest, parse
from registry.format.records import VersionRecord
from registry.log import segments
from registry.log.identity import read_identity
from registry.log.parallel import Progress, in_order, quiet
from registry.maintenance.consistency import faults
from registry.maintenance.findings import Damage, Verified
from registry.maintenance.root import printable, root_findings
from registry.maintenance.sightings import Sightings
from registry.maintenance.signatures import SignatureCheck
from registry.model.evidence import Manifest, broken_by, manifest_of, watermark
from registry.model.reader import ModelReader
from registry.model.replacements import in_entry
from registry.model.retention import mentioned_objects, named_objects, object_digest
from registry.model.transitions import protected_versions
from registry.registry import Registry
from registry.store import Store

ITSELF = "(registry)"
"""Whose report it is that belongs to no model: no model can have this name."""


def verify(model: ModelReader, *, progress: Progress = quiet) -> Verified:
    """Look at everything below the model, at the registry's format and, where the model trusts keys, at the champion's.

    Raises :class:`FormatTooNew`, and what the store says.
    """
    report = _verify(model, progress)
    return dataclasses.replace(report, findings=(*root_findings(model.store), *report.findings))


def _verify(model: ModelReader, progress: Progress) -> Verified:
    inspection = _Inspection(model, progress, registry=_id_of(model.store))
    listed = {
        log: inspection.numbers(log) for log in reversed(keys.LOGS)
    }  # decisions first: they name what was there before
    for log in keys.LOGS:
        inspection.read_log(log, listed[log])
    inspection.compare_logs()
    inspection.read_champion()
    inspection.read_objects()
    return Verified(model.name, inspection.entries, inspection.objects, inspection.size, tuple(inspection.findings))


def _id_of(store: Store) -> str | None:
    try:
        found = read_identity(store)
    except Corrupt:
        return None  # a finding of its own
    return None if found is None else found.id


def verify_all(registry: Registry, *, progress: Progress = quiet) -> list[Verified]:
    """:func:`verify` of every model, what lies beside them under no name that a model may have, and the format.

    What is wrong with the format is found once, in a report of its own by the name :data:`ITSELF`.
    """
    models = registry.models()
    wrong = tuple(root_findings(registry.store))
    reports = [Verified(ITSELF, 0, 0, 0, wrong)] if wrong else []
    reports += [_verify(registry.model(name), progress) for name in models]
    for name in registry.store.folders(keys.MODELS):
        if name not in models:
            stray = Damage("stray key", f"models/{printable(name)}/", "is under no name that a model may have")
            reports.append(Verified(printable(name), 0, 0, 0, (stray,)))
    return reports


@dataclass
class _Inspection:
    """One verification of one model: what it has read so far, and what it has found."""

    reader: ModelReader
    progress: Progress
    findings: list[Damage] = field(default_factory=list)
    digests: dict[str, dict[int, str]] = field(default_factory=dict)
    registered: dict[int, VersionRecord] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """By key of an artifact: the first version that names it."""
    places: dict[str, str] = field(default_factory=dict)
    """By version, the key of its artifact: the one that it was registered with, or that took the place of that."""
    replaced: set[str] = field(default_factory=set)
    """Keys of artifacts that others took the place of."""
    retired: set[str] = field(default_factory=set)
    protected: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)
    """By key of an artifact or evidence file: what it is to the first entry that names it."""
    mentioned: set[str] = field(default_factory=set)
    """Keys of artifacts and evidence files whose names stand anywhere in an entry."""
    work: Counter[str] = field(default_factory=Counter)
    newest: Entry | None = None
    """The newest decision; None where there is none or it cannot be read."""
    manifests: dict[tuple[str, int], Manifest] = field(default_factory=dict)
    """By log and number, what the entries that scored named."""
    sightings: dict[str, Sightings] = field(default_factory=dict)
    """By log, what its entries saw of the other."""
    registry: str | None = None
    """The id of the registry; None where it has none, or it cannot be read."""
    listed: dict[str, int] = field(default_factory=dict)
    """By log, the number of its newest entry when it was listed."""
    entries: int = 0
    objects: int = 0
    size: int = 0

    @property
    def store(self) -> Store:
        return self.reader.store

    @property
    def model(self) -> str:
        return self.reader.name

    def report(self, kind: str, key: str, words: str) -> None:
        self.findings.append(Damage(kind, printable(key), words))

    def numbers(self, log: str) -> list[int]:
        listed = self.store.list(keys.log_prefix(self.model, log))
        numbers = (keys.entry_number(self.model, log, key) for key in listed)
        return sorted(n for n in numbers if n is not None)

    # --- logs ---

    def read_log(self, log: str, numbers: list[int]) -> None:
        known = self.digests.setdefault(log, {})
        seen = self.sightings[log] = Sightings(self.model)
        signatures = None if self.reader.trusted is None else SignatureCheck(self.reader.trusted)
        self.listed[log] = numbers[-1] if numbers else 0
        before: Entry | None = None
        last = 0  # the number looked at last
        read = in_order(lambda n: (n, self._get(keys.entry_key(self.model, log, n))), numbers)
        for done, (n, data) in enumerate(read):
            self.progress(f"entries of {log}", done, len(numbers))
            self.entries += 1
            if n > last + 1:
                self._gap(log, last + 1, n, newest=numbers[-1])
                before = None
            entry = self._entry(log, n, data)
            if entry is not None:
                self._check_entry(entry, before, alone=n > 1 and before is None)
                known[n] = digest(data or b"")
                seen.add(entry)
                if signatures is not None:
                    signatures.add(entry)
            before, last = entry, n
        if signatures is not None:
            self.findings += signatures.findings()
        if log == "decisions":
            self.newest = before

    def compare_logs(self) -> None:
        """Whether each log has what the other saw of it; both must have been read."""
        for log, other in (keys.LOGS, keys.LOGS[::-1]):
            seen = self.sightings[log]
            beyond = seen.beyond(self.listed[other])  # written since it was listed, or removed
            later = {n: self._get(keys.entry_key(self.model, other, n)) for n in beyond}
            self.findings += seen.findings(other, self.digests[other], later)

    def _gap(self, log: str, first: int, n: int, *, newest: int) -> None:
        kind = "head without predecessor" if n == newest else "gap"
        missing = f"entry {first} is" if n == first + 1 else f"entries {first} to {n - 1} are"
        self.report(kind, keys.entry_key(self.model, log, n - 1), f"is missing: {missing} not in the {log} log")

    def _entry(self, log: str, n: int, data: bytes | None) -> Entry | None:
        key = keys.entry_key(self.model, log, n)
        try:
            entry = parse(data or b"", where="it")
        except Corrupt as error:
            self.report("damaged entry", key, f"cannot be read ({error})")
            return None
        if (entry.model, entry.log, entry.n) != (self.model, log, n):
            self.report("damaged entry", key, f"holds entry {entry.n} of {entry.model}/{entry.log}")
            return None
        return entry

    def _check_entry(self, entry: Entry, before: Entry | None, *, alone: bool) -> None:
        """``alone``: the entry before it is not known, so that nothing can be said about following from it."""
        key = keys.entry_key(self.model, entry.log, entry.n)
        if self.registry is not None and entry.registry not in (None, self.registry):
            self.report("other registry", key, f"was written in registry {entry.registry}, and this is {self.registry}")
        if not alone:
            if entry.previous != (None if before is None else before.digest):
                self.report("fork", key, f"was not written after the entry {entry.n - 1} that is there")
            for kind, words in faults(before, entry, self.registered):
                self.report(kind, key, words)
        self.work[f"{entry.log} {entry.key}"] += 1
        if self.work[f"{entry.log} {entry.key}"] == 2:
            self.report("work done twice", key, f"did the work of key {entry.key}, which an entry before it did")
        self.mentioned |= mentioned_objects(entry)
        if entry.kind == "scored":
            self._check_manifest(entry, before, key)
        for name in named_objects(entry):
            self.named.setdefault(name, f"named by entry {entry.n} of {entry.log}")
        for each in in_entry(entry):
            self.replaced.add(self.places.get(each.version, ""))
            self.places[each.version] = each.key
        if entry.kind == "registered":
            self._check_registration(entry, key)
        elif entry.kind == "retired":
            self.retired.update(entry.body["versions"])
        elif entry.log == "decisions":
            self.protected = protected_versions(entry)

    def _check_manifest(self, entry: Entry, before: Entry | None, key: str) -> None:
        """Whether the entry's manifest goes on from the one before it, with files that stand nowhere else."""
        manifest = self.manifests[entry.log, entry.n] = manifest_of(entry)
        newest = watermark(before)
        if newest is None and entry.log == "decisions" and any(log == "versions" for log, _ in self.manifests):
            return  # of a registry of format 1 it goes on from what a decision rested on
        earlier = Manifest() if newest is None else self.manifests.get((entry.log, newest))
        if earlier is None:
            return  # that entry is missing or damaged, which is told
        wrong = broken_by(earlier, manifest, str(entry.body["night"]))
        if wrong is not None:
            self.report("wrong state", key, f"names evidence that changed {wrong}, which no night does")
        prefix = keys.model_prefix(self.model)
        again = [name for name in manifest.files if name not in earlier.files and prefix + name in self.named]
        if again or len({*manifest.files}) < len(manifest.files):
            name = again[0] if again else "a file"
            self.report("wrong state", key, f"names {name} as new evidence, and it stands in another place too")

    def _check_registration(self, entry: Entry, key: str) -> None:
        record = self.registered[entry.n] = VersionRecord.from_dict(entry.body["version"])
        moved = record.moved
        if moved is not None and (
            object_digest(self.model, moved["key"]) != moved["sha256"] or _kind_of(moved["key"]) != "artifact"
        ):
            self.report("wrong state", key, f"names {moved['key']} as the rest of its record with {moved['sha256']}")
        if record.artifact is None:
            return
        if object_digest(self.model, record.artifact) != record.sha256 or _kind_of(record.artifact) != "artifact":
            self.report("wrong state", key, f"names {record.artifact} as the artifact with the SHA-256 {record.sha256}")
        self.places.setdefault(record.version, record.artifact)
        owner = self.owners.setdefault(record.artifact, record.version)
        if owner != record.version:
            self.report("wrong state", key, f"names the artifact of {owner} as that of {record.version}")

    def read_champion(self) -> None:
        """Whether production may load the champion of the newest decision; the logs must have been read."""
        champion = None if self.newest is None else self.newest.state.get("champion")
        if self.reader.trusted is None or self.newest is None or not isinstance(champion, Mapping):
            return
        try:
            self.reader.check_promoted(self.newest, self.reader.trusted)
        except UntrustedSignature as error:
            key = keys.entry_key(self.model, self.newest.log, self.newest.n)
            self.report("untrusted champion", key, f"says a champion that is refused ({error})")

    # --- artifacts, evidence, segments ---

    def read_objects(self) -> None:
        """Everything that is not an entry; the logs must have been read."""
        prefix = keys.model_prefix(self.model)
        gone = self.retired - self.protected
        given_up = {record.artifact for record in self.registered.values() if record.version in gone}
        given_up |= {self.places.get(version) for version in gone} | self.replaced
        listed = {key: None for key in self.store.list(prefix) if not self._is_entry(key)}
        for key, what in self.named.items():
            if key not in listed and key not in given_up:
                self.report(f"missing {_kind_of(key)}", key, f"is not there, {what}")
        for key, data in in_order(lambda key: (key, self._get(key)), listed):
            self.progress("artifacts, evidence, segments", self.objects, len(listed))
            if data is not None:  # removed by gc since it was listed
                self.objects += 1
                self.size += len(data)
                self._check_object(key, data)

    def _check_object(self, key: str, data: bytes) -> None:
        sha256 = object_digest(self.model, key)
        segment = next((s for s in (segments.segment_of(self.model, log, key) for log in keys.LOGS) if s), None)
        if segment is not None:
            if not segments.is_sound(data, segment, self.digests[segment.log]):
                self.report("damaged segment", key, "does not hold the entries that its name says")
        elif sha256 is None:
            self.report("stray key", key, "is no entry, artifact, evidence file or segment")
        elif digest(data) != sha256:
            what = self.named.get(key, "named by no entry")
            self.report(f"damaged {_kind_of(key)}", key, f"holds other bytes than its name says, {what}")
        elif key not in self.mentioned:
            self.report("orphan", key, "is named by no entry")

    def _is_entry(self, key: str) -> bool:
        return any(keys.entry_number(self.model, log, key) is not None for log in keys.LOGS)

    def _get(self, key: str) -> bytes | None:
        try:
            return self.store.get(key)
        except NotFound:
            return None
        except InvalidName:
            return b""  # a key that cannot be asked for, such as "notes (copy).txt": a stray one


def _kind_of(key: str) -> str:
    return "artifact" if "/artifacts/" in key else "evidence"
