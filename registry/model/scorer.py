"""Evidence files: how the nights scored, kept beside the logs and named by ``scored`` entries.

One file a night, content-addressed: ``evidence/<sha256>-<operation id>`` below the model. What stands in a file is the
business of whoever writes it. The newest ``scored`` entry names every file that makes up the evidence, so that reading
it takes one entry and the files: nights of past months are folded into one file a month, older months drop out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from registry.errors import Corrupt, InvalidRequest, NotFound, StaleDecision
from registry.format import keys
from registry.format.entries import Entry, digest
from registry.log.log import Build, Draft
from registry.model import transitions
from registry.model.trainer import ModelTrainer

MONTHS_KEPT = 26
"""Months of evidence named by the newest entry: two years, twice what the gate looks back."""

_AT_ONCE = 8

Fold = Callable[[Sequence[bytes]], bytes]
"""Makes one file of several, oldest first."""


@dataclass(frozen=True)
class Manifest:
    """The files of the evidence, oldest first: names below the model's folder.

    ``through``: the newest bar that is scored (ISO 8601, UTC). ``nights``: the present month's files by night;
    ``months``: one file for each month before; ``backfill``: what was scored before there was a first night.
    """

    through: str | None = None
    backfill: tuple[str, ...] = ()
    months: Mapping[str, str] = field(default_factory=dict)
    nights: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        months = [self.months[month] for month in sorted(self.months)]
        return (*self.backfill, *months, *(self.nights[night] for night in sorted(self.nights)))


def named_by(entry: Entry) -> Iterator[str]:
    """The keys of the evidence files that an entry names (those of ``scored`` entries and large decision records)."""
    prefix = keys.model_prefix(entry.model)
    if entry.kind == "scored":
        yield from (prefix + name for name in _manifest(entry.body).files)
    record: Any = entry.body.get("record")
    if isinstance(record, Mapping) and "key" in record:
        yield str(record["key"])


class ModelScorer(ModelTrainer):
    """One model with the rights of a training job, evidence included."""

    def manifest(self, entry: int | None = None) -> Manifest:
        """What makes up the evidence now, or as the ``scored`` entry of this number says; empty before the first."""
        if entry is not None:
            return _manifest(self.versions.read(entry).body)
        return self._at(self.versions.head())

    def _at(self, head: Entry | None) -> Manifest:
        """The manifest that is in force after an entry of the versions log."""
        n = _watermark(head)
        if head is None or n is None:
            return Manifest()
        return _manifest((head if n == head.n else self.versions.read(n)).body)

    def evidence(self, manifest: Manifest) -> list[bytes]:
        """The files of a manifest, oldest first, each checked against the digest in its name."""
        with ThreadPoolExecutor(_AT_ONCE) as workers:
            return list(workers.map(self._file, manifest.files))

    def score(
        self,
        data: bytes,
        *,
        night: str,
        through: str,
        bars: int,
        fold: Fold,
        author: str,
        backfill: Sequence[bytes] = (),
        since: Manifest | None = None,
        key: str | None = None,
        as_of: datetime | None = None,
    ) -> Entry:
        """Add a night's evidence (and, on the first night, what was scored for the time before).

        ``through``: the newest bar scored, ISO 8601 in UTC; ``bars``: how many are new. ``fold`` makes one file of the
        nights of a past month, and of a night that is added to. ``since``: what there was when the bars to score were
        chosen. Nothing is added where ``key`` did this work before.

        Raises :class:`InvalidRequest` for a night or a bar before the newest there is, :class:`StaleDecision` where
        another writer added evidence meanwhile, :class:`Corrupt` where a file to be folded is damaged or gone.
        """
        keys.check_author(author)
        done = None if key is None else self.versions.done(key, ("scored",))
        if done is not None:
            return done
        started = self._clock.monotonic()
        head = self.versions.head()
        before = self._at(head)
        if since is not None and since != before:
            raise _overtaken()
        _refuse_earlier(before, night, through)
        months, nights = self._folded(before, night[:7], fold)
        kept = sorted(months)[-MONTHS_KEPT:]
        if night in nights:  # a run that was stopped before it decided, repeated when there were newer bars
            data = fold([self._file(nights[night]), data])
        after = Manifest(
            through=through,
            backfill=(*before.backfill, *map(self._stored, backfill)),
            months={month: months[month] for month in kept},
            nights={**nights, night: self._stored(data)},
        )
        body = {
            "night": night,
            "bars": bars,
            "manifest": {
                "through": after.through,
                "backfill": list(after.backfill),
                "months": dict(after.months),
                "nights": dict(after.nights),
            },
        }
        build = _added_to(_watermark(head), transitions.scored(body, {"through": through}))
        return self.versions.append(
            self._fresh(build, started),
            author=author,
            key=key,
            as_of=as_of,
            looked=key is not None,
            kinds=("scored",),
        )

    def _folded(self, before: Manifest, month: str, fold: Fold) -> tuple[dict[str, str], dict[str, str]]:
        """The months and the present month's nights, every night of an earlier month folded."""
        months, nights = dict(before.months), dict(before.nights)
        for past in sorted({night[:7] for night in nights if night[:7] != month}):
            chosen = [night for night in sorted(nights) if night[:7] == past]
            files = [self._file(nights.pop(night)) for night in chosen]
            older = [self._file(months[past])] if past in months else []
            months[past] = self._stored(fold([*older, *files]))
        return months, nights

    def _stored(self, data: bytes) -> str:
        name = f"evidence/{digest(data)}-{self._new_id()}"
        self._upload(keys.model_prefix(self.name) + name, data)
        return name

    def _file(self, name: str) -> bytes:
        sha256 = name.removeprefix("evidence/").partition("-")[0]
        where = f"{self.store.url}/{keys.model_prefix(self.name)}{name}"
        try:
            data = self.store.get(keys.model_prefix(self.name) + name)
        except NotFound as error:
            raise Corrupt(f"{where} is gone, but an entry names it; run `registry verify {self.name}`") from error
        if digest(data) != sha256:
            raise Corrupt(f"{where} is not what its name says (SHA-256 differs); run `registry verify {self.name}`")
        return data


def _watermark(head: Entry | None) -> int | None:
    """The number of the newest ``scored`` entry."""
    found = None if head is None else head.state.get("watermark")
    return None if found is None else int(found["entry"])


def _refuse_earlier(before: Manifest, night: str, through: str) -> None:
    last = max([*before.nights, *before.months], default="")
    if night < last or through < (before.through or ""):
        raise InvalidRequest(
            f"night {night} through {through} is earlier than the evidence there is (night {last}, through "
            f"{before.through}): evidence is added in order"
        )


def _added_to(watermark: int | None, build: Build) -> Build:
    """``build``, if the evidence still is what it was when the manifest was made: else another's would be lost."""

    def checked(head: Entry | None, n: int, time: datetime) -> Draft:
        if _watermark(head) != watermark:
            raise _overtaken()
        return build(head, n, time)

    return checked


def _overtaken() -> StaleDecision:
    return StaleDecision("another run added evidence meanwhile; nothing was written: run the night again")


def _manifest(body: Mapping[str, Any]) -> Manifest:
    found = body["manifest"]
    return Manifest(found["through"], tuple(found["backfill"]), dict(found["months"]), dict(found["nights"]))
