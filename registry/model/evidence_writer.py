"""Writing a night's evidence: its file, the files of past months folded, and the entry that names all of them.

The entry stands in the decisions log: who may register versions can name no evidence.
"""

from __future__ import annotations

from datetime import datetime

from registry.errors import InvalidRequest, StaleDecision
from registry.format import keys
from registry.format.entries import Entry, digest
from registry.log.log import Build, Draft
from registry.model import transitions
from registry.model.evidence import MONTHS_KEPT, Fold, Manifest, ScoredNight, read_file, watermark
from registry.model.preparation import Preparation
from registry.model.reader import ModelReader
from registry.model.repair import decided_in_time


class EvidenceWriter:
    """Adds ``scored`` entries to the decisions log of one model."""

    def __init__(self, model: ModelReader) -> None:
        self._model = model

    def add(
        self,
        scored: ScoredNight,
        *,
        fold: Fold,
        author: str,
        since: Manifest | None,
        key: str | None,
        as_of: datetime | None,
    ) -> Entry:
        """See :meth:`registry.model.promoter.ModelPromoter.score`."""
        keys.check_author(author)
        model, log = self._model, self._model.decisions
        done = None if key is None else log.done(key, ("scored",))
        if done is not None:
            return done
        preparation = Preparation(model.access, model.name)
        newest = watermark(log.head())
        before = model.manifest()
        if since is not None and since != before:
            raise _overtaken()
        _refuse_earlier(before, scored.night, scored.through)
        after = self._with_night(preparation, before, scored, fold)
        body = {"night": scored.night, "bars": scored.bars, "manifest": after.to_dict()}
        build = _added_to(newest, transitions.scored(body))
        return log.append(
            decided_in_time(scored.night, preparation.in_time(build)),
            author=author,
            key=key,
            as_of=as_of,
            head_known=key is not None,
            kinds=("scored",),
        )

    def _with_night(self, preparation: Preparation, before: Manifest, scored: ScoredNight, fold: Fold) -> Manifest:
        """The manifest with the night's file, every night of an earlier month folded; what is new is uploaded."""
        model = self._model

        def stored(data: bytes) -> str:
            name = f"evidence/{digest(data)}-{model.access.new_id()}"
            preparation.upload(keys.model_prefix(model.name) + name, data)
            return name

        def read(name: str) -> bytes:
            return read_file(model.store, model.name, name)

        months, nights = dict(before.months), dict(before.nights)
        for past in sorted({night[:7] for night in nights if night[:7] != scored.night[:7]}):
            chosen = [night for night in sorted(nights) if night[:7] == past]
            files = [read(nights.pop(night)) for night in chosen]
            older = [read(months[past])] if past in months else []
            months[past] = stored(fold([*older, *files]))
        data = scored.data
        if scored.night in nights:  # a run that was stopped before it decided, repeated when there were newer bars
            data = fold([read(nights[scored.night]), data])
        return Manifest(
            through=scored.through,
            backfill=(*before.backfill, *map(stored, scored.backfill)),
            months={month: months[month] for month in sorted(months)[-MONTHS_KEPT:]},
            nights={**nights, scored.night: stored(data)},
        )


def _refuse_earlier(before: Manifest, night: str, through: str) -> None:
    last = max([*before.nights, *before.months], default="")
    if night < last or through < (before.through or ""):
        raise InvalidRequest(
            f"night {night} through {through} is earlier than the evidence there is (night {last}, through "
            f"{before.through}): evidence is added in order"
        )


def _added_to(scored: int | None, build: Build) -> Build:
    """``build``, if the evidence still is what it was when the manifest was made: else another's would be lost."""

    def checked(head: Entry | None, n: int, time: datetime) -> Draft:
        if watermark(head) != scored:
            raise _overtaken()
        return build(head, n, time)

    return checked


def _overtaken() -> StaleDecision:
    return StaleDecision("another run added evidence meanwhile; nothing was written: run the night again")
