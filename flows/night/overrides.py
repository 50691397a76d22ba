"""A person's say in a night: a promotion forced whatever the gate says, or one of the gate's approved or declined.

The gate judges all the same, and what it said is recorded beside the act. A forced run promotes a version of tonight
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
from flows.job.plan import Job
from flows.job.request import Force
from flows.night.outcome import Outcome, approval_command, recorded
from flows.night.state import NightBars, Verdict
from registry import Model, Version, VersionRecord, key_digest
from registry.format.keys import is_version
from registry.model.approval import proposal


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


def force_decided(job: Job, model: Model, bars: NightBars, force: Force) -> Outcome:
    """Force a version although the night is decided: a person's act beside it, for which nothing is trained.

    Repeated, it adds nothing. Raises :class:`~flows.errors.NightRefused` where that night trained no such recipe, or
    another act made the version champion.
    """
    version = model.version(force.promote) if is_version(force.promote) else _of_the_night(model, bars, force.promote)
    champion = model.champion()
    if champion is not None and champion.version == version.record.version:
        entry = model.decisions.read(champion.decision)
        if not entry.body.get("forced"):
            raise _champion_already(model, version)
        return recorded(job, model, bars, entry)
    key = key_digest([job.model, "forced", version.record.version, None if champion is None else champion.decision])
    entry = model.force(version.record.version, author=force.author, reason=force.reason, key=key)
    return replace(recorded(job, model, bars, entry), already_decided=False)


def _of_the_night(model: Model, bars: NightBars, recipe: str) -> Version:
    for entry in model.versions.walk():
        if entry.kind == "registered":
            record = VersionRecord.from_dict(entry.body["version"])
            if record.night == bars.night.day and record.recipe == recipe:
                return model.version(record.version)
            if record.night is not None and record.night < bars.night.day:
                break
    raise NightRefused(
        f"the night of {bars.night.day} is decided, and it trained no {recipe}: name a version (`registry history "
        f"{model.name}`), or wait for newer bars"
    )


def overruled(verdict: Verdict, force: Force, versions: Sequence[Version | None]) -> Verdict:
    """The gate's verdict with a person's in its place; the gate's own word stays in the sentence and the record."""
    tonight = [each for each in versions if each is not None and each.record.recipe == force.promote]
    name = f"{force.promote} ({tonight[0]})" if tonight else force.promote
    sentence = f"promoted: {name} by a person; the gate's own word: {verdict.sentence}"
    return replace(
        verdict, action="promoted", winner=force.promote, sentence=sentence, reason=force.reason, force=force
    )


def needs_approval(job: Job, verdict: Verdict) -> bool:
    """Whether a person has to say yes before ``verdict`` is carried out."""
    asked_of_a_person = (job.approval is not None or job.needs_signature) and not job.request.dry_run
    return asked_of_a_person and verdict.action == "promoted" and verdict.force is None


def answered(job: Job, winner: Version, verdict: Verdict) -> dict[str, Any]:
    """What goes into the decision of a promotion that needs approval; with ``approval.approved`` it may be made.

    Where a signature is needed no answer is enough: who clicks in a browser is not known, who holds a key is.
    """
    said = verdict.answer
    if said is None or job.needs_signature:
        signed = job.needs_signature
        waits = "an approver's signature is needed" if signed else "a person has to approve it and nobody did"
        return {
            "sentence": f"held although the gate would promote {verdict.winner} ({winner}): {waits}; until the next "
            f"night is decided: {approval_command(job, str(winner))}",
            "reason": "not signed" if signed else "not approved",
            "proposal": proposal(str(winner), verdict.sentence, returned=verdict.winner_version is not None),
        }
    approval = {"approved": said.approved, "author": said.author, "reason": said.reason}
    if said.approved:
        return {"sentence": f"{verdict.sentence}; approved by {said.author}: {said.reason}", "approval": approval}
    return {
        "sentence": f"held although the gate would promote {verdict.winner} ({winner}): declined by {said.author}: "
        f"{said.reason}",
        "reason": "declined",
        "approval": approval,
    }


def may_promote(told: dict[str, Any]) -> bool:
    """Whether what :func:`answered` gave is a yes."""
    return bool(told.get("approval", {}).get("approved"))
