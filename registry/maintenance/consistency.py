"""Whether an entry follows from the one before it: its time, its keys, its version's number, its champion, its state.

What the state has to be is worked out anew, from the state before it and from the entry's body, by the functions of
:mod:`registry.model.transitions` that every writer uses. So a value that nobody's act explains is seen at the entry
where it first stands. What an entry says that those functions refuse (a promotion while the champion is frozen, a night
decided twice) is refused here too. Fields and kinds of later versions of this package are left alone.

Three things follow from nothing that an entry holds. Which trading day a decided night is: it has to be a day later
than the last, and a champion of that night has to name it. Whether a promotion outside of a night approved what the
last night proposed: its champion names that night, or none. And a champion's signature, which only its key could make.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from registry.clock import read_time, write_time
from registry.errors import RegistryError
from registry.format.entries import KINDS, Entry
from registry.format.keys import version_name
from registry.format.records import ChampionRecord, FormerChampion, VersionRecord
from registry.log.log import Build, Draft
from registry.model import repair, transitions
from registry.model.decisions import candidate_of
from registry.model.replacements import in_entry
from registry.model.transitions import Night, champion_of
from registry.model.version import Version

_UNKNOWN_FORM = (KeyError, TypeError, ValueError, AttributeError, IndexError, RegistryError)

FOLLOWED = {
    "versions": ("newest", "tags", "retired", "watermark", "as_of", "repaired"),
    "decisions": (
        *("former", "rolled_back", "frozen", "suspended", "policy"),
        *("night", "as_of", "evidence_since", "evidence_after", "repaired"),
        *("watermark", "streams", "vouched", "repacked"),
    ),
}
"""The fields of each log's state that are worked out here; fields of writers to come are left alone."""

Registered = Mapping[int, VersionRecord]
"""Versions by the number of the entry that registered them."""

Inconsistency = tuple[str, str]
"""Kind of fault (``"wrong state"``, ``"version numbers"``, ``"time goes back"``), and what is wrong in words."""


def faults(before: Entry | None, entry: Entry, registered: Registered) -> Iterator[Inconsistency]:
    """What is wrong with ``entry``, written after ``before``.

    ``registered``: the versions by the number of the entry that registered them, those of this entry's log up to it or,
    for a decision, all.
    """
    if before is not None and entry.time < before.time and entry.kind != repair.KIND:
        yield "time goes back", f"was written at {entry.time}, before the entry before it ({before.time})"
    yield from _sighting_faults(before, entry)
    faults_of = _version_faults if entry.log == "versions" else _decision_faults
    try:
        yield from _key_faults(before, entry)
        wrong = list(faults_of(before, entry, registered))
        yield from wrong or _state_faults(before, entry, registered)
    except _UNKNOWN_FORM as error:
        yield "wrong state", f"has a body or state of unknown form ({type(error).__name__}: {error})"


def _sighting_faults(before: Entry | None, entry: Entry) -> Iterator[Inconsistency]:
    if before is None:
        return
    if entry.format < before.format:
        yield "wrong state", f"is of format {entry.format}, written after one of format {before.format}"
    seen, seen_before = ((each.seen or {}).get("n", 0) for each in (entry, before))
    if seen < seen_before and not (entry.kind == repair.KIND and "seen" in entry.body["reset"]):
        yield "wrong state", f"saw {seen} entries of the other log, where the entry before it saw {seen_before}"


def _key_faults(before: Entry | None, entry: Entry) -> Iterator[Inconsistency]:
    remembered = entry.state["keys"]
    if remembered[-1] != f"{str(entry.key)[:12]}:{entry.n}":
        yield "wrong state", f"was done under the key {entry.key}, and its state remembers {remembered[-1]}"
    earlier = [] if before is None else before.state["keys"]
    if len(remembered) < len(earlier) or remembered[:-1] != earlier[len(earlier) - len(remembered) + 1 :]:
        yield "wrong state", "remembers other idempotency keys than the entry before it, beside its own"


def _state_faults(before: Entry | None, entry: Entry, registered: Registered) -> Iterator[Inconsistency]:
    try:
        wrong = _differences(before, entry, registered)
    except RegistryError as error:
        yield "wrong state", f"is '{entry.kind}', which is refused after the entry before it ({error})"
        return
    for name, (expected, actual) in wrong.items():
        yield (
            "wrong state",
            f"is '{entry.kind}', after which {name} is {_short(expected)}; its state has {_short(actual)}",
        )


def _short(value: object) -> str:
    return textwrap.shorten(ascii(value), 100, placeholder=" …")


def _version_faults(before: Entry | None, entry: Entry, registered: Registered) -> Iterator[Inconsistency]:
    if entry.kind == "scored" and entry.format > 1:
        yield "wrong state", "names evidence in the log of versions, as entries of format 1 did: no night goes by it"
    count = transitions.latest_number(before)
    latest = entry.state.get("latest")
    if entry.kind == "registered":
        record, expected = VersionRecord.from_dict(entry.body["version"]), version_name(count + 1)
        if record.version != expected:
            yield "version numbers", f"registers {record.version}, where {expected} comes next"
        if latest != {"version": record.version, "entry": entry.n}:
            yield "wrong state", f"registers {record.version}, and its state says that the latest is {latest}"
    elif latest != (None if before is None else before.state.get("latest")):
        yield "wrong state", f"registers nothing, and yet changes the latest version to {latest}"


def _decision_faults(before: Entry | None, entry: Entry, registered: Registered) -> Iterator[Inconsistency]:
    present, champion = champion_of(before), champion_of(entry)
    against = None if present is None else list(present.identity)
    if "against" in entry.body and entry.body["against"] != against:
        yield "wrong state", f"was judged against {entry.body['against']} and applied to {against}"
    if entry.kind not in transitions.CHAMPION_KINDS:
        if champion != present:
            yield "wrong state", f"is '{entry.kind}', and yet changes the champion from {present} to {champion}"
        return
    if champion is None or (champion.version, champion.decision) != (entry.body["version"], entry.n):
        yield "wrong state", f"makes {entry.body['version']} champion, and its state says {champion}"
        return
    record = registered.get(champion.entry)
    named: tuple[Any, ...] = (champion.version, champion.artifact, champion.sha256)
    if record is None or (record.version, record.artifact, record.sha256) != named:
        yield "wrong state", f"names entry {champion.entry} of versions, which did not register this {champion.version}"


# --- the state, worked out anew -------------------------------------------------------------------------------------


def _state_after(before: Entry | None, entry: Entry, registered: Registered) -> dict[str, Any] | None:
    """The followed fields after ``entry``, and after a new champion its record; None for a kind that is not known.

    Raises what the operation raises where it refuses this, and whatever a body of another form does.
    """
    build = _build(before, entry, registered)
    if build is None:
        return None
    draft = build(before, entry.n, entry.time)
    if entry.kind == repair.KIND and draft.body["reset"] != entry.body["reset"]:
        raise ValueError(f"it resets {draft.body['reset']}, and says {entry.body['reset']}")
    changes = dict(draft.changes)
    state = {} if before is None else before.state
    after = {name: state.get(name) for name in FOLLOWED[entry.log]}
    if entry.as_of is not None:
        after["as_of"] = max(write_time(entry.as_of), state.get("as_of", ""))
    if "newest" not in entry.state:  # written before states had it: what a recipe's newest version is, is not known
        changes.pop("newest", None)
    names = (*after, *(("champion",) if entry.kind in transitions.CHAMPION_KINDS else ()))
    return {**after, **{name: value for name, value in changes.items() if name in names}}


def _differences(before: Entry | None, entry: Entry, registered: Registered) -> dict[str, tuple[Any, Any]]:
    """By name of a field, what it has to be after ``entry`` and what it is; a field left out counts as an empty one."""
    expected = _state_after(before, entry, registered) or {}
    actual = {name: entry.state.get(name) for name in expected}
    for side in (expected, actual):
        if "former" in side:
            side["former"] = [FormerChampion.from_dict(former) for former in side["former"] or ()]
    if "champion" in expected:
        crowned = _comparable(ChampionRecord.from_dict(expected.pop("champion")), before, entry)
        stored = ChampionRecord.from_dict(entry.state["champion"])
        del actual["champion"]
        for field in dataclasses.fields(ChampionRecord):
            name = f"champion's {field.name}"
            expected[name], actual[name] = (getattr(record, field.name) for record in (crowned, stored))
    return {
        name: (value, actual[name])
        for name, value in expected.items()
        if value != actual[name] and (value or actual[name])
    }


def _comparable(crowned: ChampionRecord, before: Entry | None, entry: Entry) -> ChampionRecord:
    """``crowned`` with what cannot be worked out taken from the entry."""
    stored = ChampionRecord.from_dict(entry.state["champion"])
    last = None if before is None else before.state.get("night")
    approved = entry.as_of is None and entry.kind != "rolled_back" and stored.night == last
    return dataclasses.replace(crowned, signature=stored.signature, night=last if approved else crowned.night)


def _build(before: Entry | None, entry: Entry, registered: Registered) -> Build | None:
    """The operation that ``entry`` says happened."""
    if entry.kind not in KINDS.get(entry.log, ()):
        return None
    if entry.kind == repair.KIND:
        return repair.as_recorded(entry)
    return (_of_versions if entry.log == "versions" else _of_decisions)(before, entry, registered)


def _of_versions(before: Entry | None, entry: Entry, registered: Registered) -> Build:
    body = entry.body
    match entry.kind:
        case "registered":
            return transitions.registered(VersionRecord.from_dict(body["version"]))
        case "scored":
            return _scored_in_format_1(body)
        case "retired":
            return transitions.retired(body["versions"], body["reason"])
        case _:
            return transitions.tagged(body["tag"], body["version"])


def _scored_in_format_1(body: Mapping[str, Any]) -> Build:
    """Evidence was once named in the versions log."""

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        return Draft("scored", dict(body), {"watermark": {"through": body["manifest"]["through"], "entry": n}})

    return build


def _of_decisions(before: Entry | None, entry: Entry, registered: Registered) -> Build:
    body, present = entry.body, champion_of(before)
    match entry.kind:
        case "scored":
            return transitions.scored(body)
        case "held":
            return transitions.held(body, expected=present, night=_night(entry))
        case "promoted" | "returned" | "rolled_back":
            return _crowning(entry, present, registered)
        case "frozen":
            until = body["until"]
            return transitions.frozen(None if until is None else read_time(until), body["reason"])
        case "unfrozen":
            return transitions.unfrozen(body["reason"])
        case "suspended":
            return transitions.suspended(body["reason"])
        case "resumed":
            return transitions.resumed(body["reason"])
        case "repacked":
            return _repacked(entry, registered)
        case _:
            return transitions.policy(body["policy"], body["reason"])


def _crowning(entry: Entry, present: ChampionRecord | None, registered: Registered) -> Build:
    stored = ChampionRecord.from_dict(entry.state["champion"])
    forced = entry.kind != "rolled_back" and bool(stored.forced) and entry.body.get("forced") is True
    version = Version(registered[stored.entry], stored.entry, entry.time, entry.author)
    candidate = candidate_of(version, entry.author, _night(entry), forced=forced, registry=entry.registry)
    if entry.kind == "rolled_back":
        if present is None:
            raise ValueError("there is no champion to roll back from")
        return transitions.rolled_back(candidate, expected=present, reason=entry.body["reason"])
    return transitions.promoted(
        candidate, entry.body, expected=present, kind=entry.kind, night=_night(entry), by_person=forced
    )


def _repacked(entry: Entry, registered: Registered) -> Build:
    """Refuses what replaces another archive than the one that registered its version."""
    archives = {(record.version, record.sha256) for record in registered.values()}
    for replacement in in_entry(entry):
        if (replacement.version, replacement.old_sha256) not in archives:
            raise ValueError(f"it replaces an archive of {replacement.version} that did not register it")
    return transitions.repacked(entry.body["replaced"], entry.body["reason"])


def _night(entry: Entry) -> Night | None:
    """The night that ``entry`` decided: acts outside of one have no as-of."""
    return None if entry.as_of is None else Night(entry.state["night"], entry.as_of)
