"""What a gate may do: keep the evidence, and decide by it which version production uses.

A promotion is compare-and-swap on the champion that the decision was judged against.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registry.format import keys
from registry.format.entries import Entry
from registry.format.records import ChampionRecord
from registry.model import transitions
from registry.model.decisions import DecisionWriter, NewDecision
from registry.model.evidence import Fold, Manifest, ScoredNight
from registry.model.evidence_writer import EvidenceWriter
from registry.model.reader import ModelReader
from registry.model.transitions import Night
from registry.model.version import Version


class ModelPromoter(ModelReader):
    """One model with the rights of a gate: to create under ``decisions/`` and ``evidence/``."""

    def score(
        self,
        scored: ScoredNight,
        *,
        fold: Fold,
        author: str,
        since: Manifest | None = None,
        key: str | None = None,
        as_of: datetime | None = None,
    ) -> Entry:
        """Add a night's evidence (and, on the first night, what was scored for the time before).

        ``fold`` makes one file of the nights of a past month, and of a night that is added to. ``since``: what there
        was when the bars to score were chosen. Nothing is added where ``key`` did this work before.

        Raises :class:`InvalidRequest` for a night or a bar before the newest there is, :class:`StaleDecision` where
        another writer added evidence meanwhile, :class:`Corrupt` where a file to be folded is damaged or gone.
        """
        return EvidenceWriter(self).add(scored, fold=fold, author=author, since=since, key=key, as_of=as_of)

    def promote(
        self,
        version: Version,
        *,
        expected: ChampionRecord | None,
        author: str,
        body: Mapping[str, Any],
        night: Night | None = None,
        key: str | None = None,
    ) -> Entry:
        """Make ``version`` champion if the champion still is ``expected``, the one it was judged against.

        ``body`` holds the ``sentence`` and the ``record`` of the decision (a large one is stored beside the log and
        named by its digest).
        Raises :class:`StaleDecision`, :class:`Frozen`, :class:`NightDecided`, :class:`ArtifactMissing`,
        :class:`KeyRefused` (trusted keys are configured, and the signer's is none that may promote).
        """
        return DecisionWriter(self).make_champion(version, NewDecision(author, body, night, key), expected=expected)

    def reinstate(
        self,
        version: Version,
        *,
        expected: ChampionRecord | None,
        author: str,
        body: Mapping[str, Any],
        night: Night | None = None,
        key: str | None = None,
    ) -> Entry:
        """As :meth:`promote`, for a former champion that wins its place back: the entry is of the kind ``returned``."""
        decision = NewDecision(author, body, night, key)
        return DecisionWriter(self).make_champion(version, decision, expected=expected, kind="returned")

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
        return DecisionWriter(self).add(
            NewDecision(author, body, night, key),
            lambda body: transitions.held(body, expected=expected, night=night),
        )
