"""Repairing what was dated in the future, or was lost for good: recorded acts of a person, after which writers go on.

An entry whose time is a year ahead stops every writer with a right clock for a year; a night or an as-of of the future
stops the nights until it has come. Nothing in a log is rewritten, so the act is one more entry, ``repaired``, in each
log concerned. It bears this machine's time, though the entry before it bears a later one, and takes what lies ahead out
of the state: the night becomes the newest that was decided before the wrong one, the as-of and the start of evidence
become now, and the evidence is again what it was before the wrong night. Everything else of the state stays, the
champion too; one of the wrong night is judged on evidence from now on.

Where the end of a log was removed, or the log rewritten, and no copy has it, the other log tells of entries that are
gone, and nobody writes to either (:class:`~registry.errors.HistoryCut`). Repaired, it tells of what is there.

Times are in order from one repair to the next only, so the state remembers the last one's entry (``repaired``). A
question about a past moment is answered within the stretch that the moment lies in (:meth:`registry.log.log.Log.last`):
entries before a repair that are dated later than it count as written at the moment of the repair.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from registry.clock import read_moment, read_time, say_time, write_time
from registry.errors import ClockSkew, InvalidRequest
from registry.format import keys
from registry.format.entries import Entry
from registry.format.sentences import resets_in_words
from registry.log import sightings
from registry.log.log import Build, Draft, Log, Repair
from registry.log.sightings import is_lost
from registry.model.reader import ModelReader

KIND = "repaired"
LEEWAY = timedelta(hours=1)
"""How far clocks may be apart."""

Resets = Mapping[str, Mapping[str, Any]]
"""``from`` and ``to`` of each that is reset: ``time`` and fields of the state."""


def latest_day(now: datetime) -> str:
    """The latest trading day that can have begun: a day of the week begins in the evening of the one before."""
    return (now + timedelta(days=1)).date().isoformat()


def check_has_come(night: str, now: datetime) -> None:
    """:class:`InvalidRequest` for a night of a day that has not begun: no earlier one could be decided after it."""
    if night > latest_day(now):
        raise InvalidRequest(
            f"the night of {night} has not come yet (now it is {say_time(now)}), and no earlier night could be decided "
            "after it: look at the clock of the bars, or set this machine's; nothing was written"
        )


def decided_in_time(night: str, build: Build) -> Build:
    """``build``, refused where the night has not come when it is written."""

    def checked(head: Entry | None, n: int, time: datetime) -> Draft:
        check_has_come(night, time)
        return build(head, n, time)

    return checked


def ahead(head: Entry | None, now: datetime) -> dict[str, str]:
    """What an entry and the state after it hold that has not come yet and stands in the way of writers; by its name."""
    if head is None:
        return {}
    state, soon = head.state, now + LEEWAY
    found = {"time": write_time(head.time)} if head.time > soon else {}
    if "as_of" in state and read_time(state["as_of"]) > soon:
        found["as_of"] = state["as_of"]
    if (state.get("night") or "") > latest_day(now):
        found["night"] = state["night"]
    if _is_ahead(state.get("watermark"), now):
        found["watermark"] = state["watermark"]["through"]
    return found


def repair(model: ModelReader, *, author: str, reason: str, key: str | None = None) -> list[Entry]:
    """Add a ``repaired`` entry to each log that holds what has not come yet, or saw what is lost; the entries added.

    Raises :class:`InvalidRequest` where nothing lies ahead or is lost, :class:`ClockSkew` where this machine's clock
    and the store's disagree by over an hour: what is right would be taken for wrong.
    """
    keys.check_author(author)
    keys.check_text(reason, "reason")
    # each log by itself: together they would refuse to be read where one lacks what the other saw
    versions, decisions = (Log(model.access, model.name, name) for name in keys.LOGS)
    logs = (decisions, versions)
    others = {"decisions": versions, "versions": decisions}
    lost = [log for log in logs if (head := log.head()) is not None and is_lost(others[log.name], head.seen)]
    done = [] if key is None else [entry for log in logs if (entry := log.done(key, (KIND,))) is not None]
    now = model.access.clock.now()
    concerned = [log for log in logs if log in lost or ahead(log.head(), now)]
    if not concerned:
        if done:
            return done
        raise InvalidRequest(
            f"nothing of {model.name} is dated ahead of now ({say_time(now)}) or lost: there is nothing to repair"
        )
    _check_clock(model, decisions if decisions.head() is not None else versions, now)
    added: list[Entry] = []
    for log in concerned:
        night = _night_before(log, now) if log.name == "decisions" else None
        there = others[log.name].head()
        seen = None if there is None else sightings.of(there)
        build = repaired(reason, night=night, watermark=_evidence_before(log, now), seen=seen, lost=log in lost)
        added.append(log.append(build, author=author, key=key, kinds=(KIND,)))
    return [*done, *added]


def repaired(
    reason: str,
    *,
    night: str | None,
    watermark: Mapping[str, Any] | None,
    seen: Mapping[str, Any] | None,
    lost: bool,
) -> Repair:
    """The draft; what takes the place of a night, and of evidence, that lie ahead. ``seen``: the newest entry of the
    other log; ``lost``: whether one that was seen before is gone."""

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        if head is None or not (lost or ahead(head, time)):
            raise InvalidRequest(f"nothing is dated ahead of {say_time(time)}: there is nothing to repair")
        reset = dict(_resets(head, time, night, watermark))
        changes = {name: values["to"] for name, values in reset.items() if name != "time"}
        if lost:
            reset["seen"] = {"from": head.seen, "to": seen}
        return Draft(KIND, {"reason": reason, "reset": reset}, {**changes, "repaired": n}, seen=seen)

    return Repair(build)


def as_recorded(entry: Entry) -> Repair:
    """The draft of which ``entry`` says that it was written."""
    reset = entry.body["reset"]
    night, watermark = (reset.get(name, {}).get("to") for name in ("night", "watermark"))
    return repaired(entry.body["reason"], night=night, watermark=watermark, seen=entry.seen, lost="seen" in reset)


def _resets(head: Entry, time: datetime, night: str | None, watermark: Mapping[str, Any] | None) -> Resets:
    state, now, found = head.state, write_time(time), ahead(head, time)
    reset: dict[str, dict[str, Any]] = {}
    if head.time > time:
        reset["time"] = {"from": write_time(head.time), "to": now}
    for name in ("as_of", "evidence_since"):
        if name in state and read_time(state[name]) > time:
            reset[name] = {"from": state[name], "to": now}
    if "night" in found:
        if (night or "") > latest_day(time):
            raise InvalidRequest(f"night {night} cannot take the place of {found['night']}: it has not come either")
        reset["night"] = {"from": found["night"], "to": night}
        after, crowned = state.get("evidence_after"), (state.get("champion") or {}).get("night")
        if max(after or "", crowned or "") > latest_day(time):  # what chose a champion does not count for it
            to = night if crowned is None or crowned <= latest_day(time) else time.date().isoformat()
            reset["evidence_after"] = {"from": after, "to": to}
    if "watermark" in found:
        present = state["watermark"]
        if _is_ahead(watermark, time) or (watermark is not None and watermark["entry"] >= present["entry"]):
            raise InvalidRequest(f"evidence {watermark} cannot take the place of {present}: it is no earlier")
        reset["watermark"] = {"from": present, "to": watermark}
    return reset


def _is_ahead(watermark: Mapping[str, Any] | None, now: datetime) -> bool:
    through = None if watermark is None else watermark.get("through")
    return through is not None and read_moment(through) > now + LEEWAY


def _night_before(log: Log, now: datetime) -> str | None:
    """The newest decided night that may have come."""
    last = log.last(lambda entry: (entry.state.get("night") or "") <= latest_day(now))
    return None if last is None else last.state.get("night")


def _evidence_before(log: Log, now: datetime) -> Mapping[str, Any] | None:
    """What was scored, and up to where, before what lies ahead was."""
    entry = log.head()
    while entry is not None:
        watermark: Mapping[str, Any] | None = entry.state.get("watermark")
        if watermark is None or not _is_ahead(watermark, now):
            return watermark
        entry = log.read(watermark["entry"] - 1) if watermark["entry"] > 1 else None
    return None


def _check_clock(model: ModelReader, log: Log, now: datetime) -> None:
    """Refuse where the store's own clock, asked by way of an entry's age, is not near ``now``."""
    head = log.head()
    assert head is not None, "something in it lies ahead"
    key = keys.entry_key(model.name, log.name, head.n)
    there = next((stored.now for stored in model.store.stat(key) if stored.key == key), now)
    if abs(there - now) > LEEWAY:
        raise ClockSkew(
            f"this machine's clock says {say_time(now)}, that of {model.store.url} says {say_time(there)}: set this "
            "machine's clock first, or what is right would be taken for wrong; nothing was written"
        )


def in_words(found: Mapping[str, str]) -> str:
    """What :func:`ahead` found, as a person reads it."""
    return resets_in_words({name: {"from": value} for name, value in found.items()})
