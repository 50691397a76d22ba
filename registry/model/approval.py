"""A promotion that a night proposed and a person approves later: the gate's decision, carried out by the approver.

The night is held; its entry names under ``proposal`` the version that the gate would promote, how it was registered
(entry, digest of the entry, archive), and by which kind of decision. Approved, it becomes champion as if the night had
promoted it: evidence goes on from that night, and nothing is recorded as forced. It is stale as soon as another night
is decided, the champion is another, or a person's act made the evidence start afresh. With trusted keys the approver's
key signs; where those of nights are among them, a proposal counts only if one of them signed it.

A version's name alone says little: who may register can register another under the same name. So what is approved is
the very entry that the night proposed, each part compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registry.errors import InvalidRequest, StaleDecision
from registry.format.entries import Entry
from registry.format.records import ChampionRecord
from registry.log.log import Build, Draft
from registry.model import transitions

KINDS = ("promoted", "returned")


def proposal(registration: Entry, sentence: str, *, returned: bool) -> dict[str, Any]:
    """What a held night says under ``proposal`` of the version that an entry registered; ``sentence``: the gate's."""
    return {"kind": "returned" if returned else "promoted", "sentence": sentence, **_registered(registration)}


def _registered(registration: Entry) -> dict[str, Any]:
    record = registration.body["version"]
    return {
        "version": record["version"],
        "entry": registration.n,
        "entry_sha256": registration.digest,
        "artifact": record.get("artifact"),
        "sha256": record.get("sha256"),
    }


def check_proposed(entry: Entry | None, model: str, version: str) -> Entry:
    """``entry``, the last decided night's, if it proposes ``version``; :class:`StaleDecision` if it does not."""
    proposed = None if entry is None or entry.kind != "held" else entry.body.get("proposal")
    if entry is None or not isinstance(proposed, Mapping) or proposed.get("kind") not in KINDS:
        last = "no night is decided" if entry is None else f"the night of {entry.state.get('night')}: {entry}"
        raise StaleDecision(f"no promotion of {model} waits for an approval; {last}")
    if proposed.get("version") != version:
        raise StaleDecision(
            f"what waits for an approval is {proposed.get('version')}, proposed by the night of "
            f"{entry.state.get('night')}, not {version}"
        )
    if not {"entry", "entry_sha256"} <= proposed.keys():
        raise StaleDecision(
            f"the night of {entry.state.get('night')} was decided by an older package, which did not say which entry "
            f"registered {version}: the next night proposes it anew"
        )
    return entry


def check_registered(entry: Entry, registration: Entry) -> None:
    """:class:`StaleDecision` unless ``registration`` is what the proposal of ``entry`` names, digest and archive."""
    found, proposed = _registered(registration), entry.body["proposal"]
    wrong = [name for name, value in found.items() if proposed.get(name) != value]
    if wrong:
        raise StaleDecision(
            f"entry {registration.n} of {registration.model}/versions is not what the night of "
            f"{entry.state.get('night')} proposed as {proposed['version']}: another {', '.join(wrong)}; nothing was "
            f"written; run `registry verify {registration.model}`"
        )


def body_of(entry: Entry, author: str, reason: str) -> dict[str, Any]:
    """The body of the decision that approves the proposal of ``entry``; the gate's record and evidence go with it."""
    body = {
        "sentence": f"{entry.body['proposal'].get('sentence', 'promoted')}; approved by {author}: {reason}",
        "reason": reason,
        "approval": {
            "approved": True,
            "author": author,
            "reason": reason,
            "decision": entry.n,
            "entry": entry.body["proposal"]["entry"],
            "entry_sha256": entry.body["proposal"]["entry_sha256"],
        },
    }
    return {**body, **{name: entry.body[name] for name in ("record", "evidence", "detail") if name in entry.body}}


def approved(candidate: ChampionRecord, body: Mapping[str, Any], *, entry: Entry) -> Build:
    """The candidate becomes champion, if all still stands as it did when the night of ``entry`` proposed it."""
    kind = entry.body["proposal"]["kind"]
    expected = transitions.champion_of(entry)
    crown = transitions.promoted(candidate, body, expected=expected, kind=kind)

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        state = {} if head is None else head.state
        if state.get("night") != entry.state.get("night"):
            raise StaleDecision(
                f"the night of {state.get('night')} was decided since {candidate.version} was proposed: approve what "
                "it proposes, if anything; nothing was written"
            )
        if state.get("evidence_since") != entry.state.get("evidence_since"):
            raise StaleDecision(
                f"a person's act made the evidence start afresh since {candidate.version} was proposed: the next night "
                "judges again; nothing was written"
            )
        return crown(head, n, time)

    return build


def night_of(entry: Entry) -> transitions.Night:
    """The night that ``entry`` decided."""
    if entry.as_of is None:
        raise InvalidRequest(f"entry {entry.n} of {entry.model}/{entry.log} names no night")
    return transitions.Night(str(entry.state.get("night")), entry.as_of)
