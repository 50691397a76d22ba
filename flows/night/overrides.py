"""A person overrides the gate, or answers it: they force a promotion, or approve or decline one of the gate's.

The gate judges all the same, and its verdict is recorded beside the act. A forced run promotes a version of tonight
(by its recipe) or one that is there already (by its number); where the night is decided it trains nothing and only
promotes. Evidence starts afresh after it. Where approval is asked for (``RETRAIN_APPROVAL_HOURS``) a promotion of the
gate is made only after a person's yes; without an answer the night is held, and says how to approve by hand. Where keys
are trusted and the night holds none that may promote, that is the only way (:mod:`registry.model.approval`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flows.errors import NightRefused, RequestRefused
from flows.gate.wording import by_person, fitting, labelled
from flows.job.plan import Job
from flows.job.request import Force
from flows.night.outcome import Outcome, approval_command, recorded_outcome
from flows.night.state import NightContext, Verdict
from registry import Model, Version, VersionRecord, key_digest
from registry.format.entries import Entry
from registry.format.keys import is_version
from registry.model.approval import proposal
from registry.model.version import version_of


def check_keys(job: Job) -> None:
    """Before anything is trained: the key of this run fits what it may have to do.

    :class:`~flows.errors.RequestRefused` where approval is asked for although the night could promote without it, or
    where a promotion is forced that production would refuse.
    """
    trusted = job.keys.trusted
    if trusted is None:
        return
    promoter, forced = trusted.may_promote(job.keys.signer), job.request.force is not None
    if forced and not promoter:
        raise RequestRefused(
            "force: trusted keys are configured, and this run signs with none that may promote: force it from where a "
            f"promoter's key is, `registry promote {job.model} VERSION --force --signing-key FILE`"
        )
    if promoter and not forced and job.approval is not None:
        raise RequestRefused(
            "RETRAIN_APPROVAL_HOURS asks for a person's yes, but RETRAIN_SIGNING_KEY is a promoter's: this night could "
            "promote without one. Let the night sign with a key of RETRAIN_TRUSTED_TRAINERS, or with none"
        )


def check_force(model: Model, force: Force) -> None:
    """Before anything is trained: the version to force is there, and is not champion already.

    Raises :class:`~registry.errors.VersionNotFound`, :class:`~flows.errors.NightRefused`.
    """
    if not is_version(force.promote):
        return  # a recipe of this run: its version comes
    version, champion = model.version(force.promote), model.champion()
    if champion is not None and champion.version == version.record.version:
        raise _champion_already(model, version)


def _champion_already(model: Model, version: Version) -> NightRefused:
    return NightRefused(f"{version} is the champion of {model.name} already: there is nothing to force")


def force_decided(night: NightContext, force: Force) -> Outcome:
    """Force a version although the night is decided: an act of a person's own, for which nothing is trained.

    Repeated, it adds nothing. Raises :class:`~flows.errors.NightRefused` where that night trained no such recipe, or
    another act made the version champion.
    """
    model = night.model
    version = model.version(force.promote) if is_version(force.promote) else _trained_tonight(night, force.promote)
    champion = model.champion()
    if champion is not None and champion.version == version.record.version:
        entry = model.decisions.read(champion.decision)
        if not entry.body.get("forced"):
            raise _champion_already(model, version)
        return recorded_outcome(night, entry)
    against = None if champion is None else champion.decision
    key = key_digest([night.job.model, "forced", version.record.version, against])
    entry = model.force(version.record.version, author=force.author, reason=force.reason, key=key)
    return replace(recorded_outcome(night, entry), already_decided=False)


def _trained_tonight(night: NightContext, recipe: str) -> Version:
    model, day = night.model, night.bars.night.day
    for logged in model.versions.walk():
        if logged.kind == "registered":
            record = VersionRecord.from_dict(logged.body["version"])
            if record.night == day and record.recipe == recipe:
                return version_of(logged)
            if record.night is not None and record.night < day:
                break
    raise NightRefused(
        f"the night of {day} is decided, and it trained no {recipe}: name a version (`registry history "
        f"{model.name}`), or wait for newer bars"
    )


def overruled(verdict: Verdict, force: Force, versions: Sequence[Version | None]) -> Verdict:
    """The verdict of the person who forces; the gate's own stays in the sentence and in the record."""
    tonight = [version for version in versions if version is not None and version.record.recipe == force.promote]
    name = f"{force.promote} ({tonight[0]})" if tonight else force.promote
    gate = "would have promoted it too" if verdict.winner == force.promote else "did not promote it"
    return replace(
        verdict,
        action="promoted",
        winner=force.promote,
        sentence=fitting(f"promoted: {name} by a person; the gate {gate}"),
        detail=f"promoted: {name} by a person; the gate's own word: {verdict.detail or verdict.sentence}",
        reason=force.reason,
        force=force,
    )


def needs_approval(job: Job, verdict: Verdict) -> bool:
    """Whether a person has to say yes before ``verdict`` is carried out."""
    approval_is_required = (job.approval is not None or job.needs_signature) and not job.request.dry_run
    return approval_is_required and verdict.action == "promoted" and verdict.force is None


def approval_fields(job: Job, registration: Entry, verdict: Verdict) -> dict[str, Any]:
    """The fields that the decision on a promotion which needs approval gets; see :func:`is_approved`.
    ``registration``: the entry that registered the winner.

    Where a signature is needed no answer is enough: who clicks in a browser is not known, who holds a key is.
    """
    answer, winner = verdict.answer, version_of(registration)
    if answer is None or job.needs_signature:
        signed = job.needs_signature
        waits = "an approver's signature is needed" if signed else "a person has to approve it and nobody did"
        held = f"held although the gate would promote {labelled(str(verdict.winner), str(winner))}: {waits}"
        return {
            "sentence": fitting(held, "`registry approve` does it until the next night"),
            "detail": f"{held}; until the next night is decided: {approval_command(job, str(winner))}; "
            f"the gate's own word: {verdict.detail or verdict.sentence}",
            "reason": "not signed" if signed else "not approved",
            "proposal": proposal(registration, verdict.sentence, returned=verdict.winner_version is not None),
        }
    approval = {"approved": answer.approved, "author": answer.author, "reason": answer.reason}
    if answer.approved:
        said = f"approved by {answer.author}: {answer.reason}"
        return {
            "sentence": by_person(verdict.sentence, f"approved by {answer.author}", answer.reason),
            "detail": f"{verdict.detail or verdict.sentence}; {said}",
            "approval": approval,
        }
    held = f"held although the gate would promote {labelled(str(verdict.winner), str(winner))}: declined by "
    held += f"{answer.author}: {answer.reason}"
    return {
        "sentence": fitting(held),
        "detail": f"{held}; the gate's own word: {verdict.detail or verdict.sentence}",
        "reason": "declined",
        "approval": approval,
    }


def is_approved(body: dict[str, Any]) -> bool:
    """Whether a person said yes, by the body of the decision with its :func:`approval_fields`."""
    return bool(body.get("approval", {}).get("approved"))
