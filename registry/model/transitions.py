"""What each operation does to the state of its log: pure functions from the newest entry to the draft of the next.

Each returns a function of (newest entry, its number, its time) that gives the draft or raises; it is asked again when
another writer was faster. Nothing here reads a store or a clock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from registry.clock import read_time, say_time, write_time
from registry.errors import Frozen, InvalidRequest, NightDecided, StaleDecision, VersionNotFound
from registry.format.entries import Entry, canonical
from registry.format.keys import check_text, version_name, version_number
from registry.format.records import ChampionRecord, FormerChampion, VersionRecord
from registry.log.log import Build, Draft
from registry.model import retention

CHAMPION_KINDS = ("promoted", "returned", "rolled_back")
"""Kinds of the entries that make a version champion."""

FORMER_KEPT = 10
TAGS_KEPT = 32
RECIPES_KEPT = 32
_ROLLED_BACK_KEPT = 20
_VOUCHED_KEPT = 16
_POLICY_BYTES = 1024


# --- versions -------------------------------------------------------------------------------------------------------


def latest_number(head: Entry | None) -> int:
    """How many versions the log holds: they are numbered without a gap."""
    latest = None if head is None else head.state.get("latest")
    return 0 if latest is None else version_number(latest["version"])


def registered(record: VersionRecord) -> Build:
    """The next version; its recipe and fingerprint must be short, since a champion's stand in every decision."""
    for name in ("recipe", "recipe_fingerprint", "known_at", "night"):
        if getattr(record, name) is not None:
            check_text(getattr(record, name), name, limit=100)

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        numbered = dataclasses.replace(record, version=version_name(latest_number(head) + 1))
        latest = {"version": numbered.version, "entry": n}
        changes = {"latest": latest, "newest": _newest({} if head is None else head.state, record, n)}
        return Draft("registered", {"version": numbered.to_dict()}, changes)

    return build


def newest_of(head: Entry | None, fingerprint: str) -> int | None:
    """The entry that registered the newest version of a recipe, by the recipe's fingerprint; None where unknown."""
    newest = None if head is None else head.state.get("newest", {}).get(fingerprint[:16])
    return None if newest is None else int(newest)


def _newest(state: Mapping[str, Any], record: VersionRecord, n: int) -> dict[str, int]:
    """The entry of the newest version of each of the last 32 recipes, by 16 digits of the fingerprint."""
    newest = dict(state.get("newest", {}))
    if record.recipe_fingerprint is not None:
        newest[record.recipe_fingerprint[:16]] = n
    return _recent(newest)


def tagged(tag: str, version: str | None) -> Build:
    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        tags = dict({} if head is None else head.state.get("tags", {}))
        if version is not None:
            _must_exist(head, version)
            tags[tag] = version
        elif tags.pop(tag, None) is None:
            raise VersionNotFound(f"there is no tag '{tag}' to remove")
        if len(tags) > TAGS_KEPT:
            raise InvalidRequest(f"a model has at most {TAGS_KEPT} tags; remove one first")
        return Draft("tagged", {"tag": tag, "version": version}, {"tags": tags})

    return build


def retired(versions: Sequence[str], reason: str) -> Build:
    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        for version in versions:
            _must_exist(head, version)
        assert head is not None, "one of the versions exists"
        runs = retention.retire(head.state, map(version_number, versions))
        return Draft("retired", {"versions": list(versions), "reason": reason}, {"retired": runs})

    return build


def _must_exist(head: Entry | None, version: str) -> None:
    last = latest_number(head)
    if version_number(version) > last:
        there = f"the newest is v{last}" if last else "it has no version yet"
        raise VersionNotFound(f"there is no {version}: {there}")


# --- decisions ------------------------------------------------------------------------------------------------------


def scored(body: Mapping[str, Any]) -> Build:
    """A night's evidence. The state says which entry names it, how far it reaches, and how many such entries the log
    has: the others are decisions."""

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        mark = {"through": body["manifest"]["through"], "entry": n, "count": scored_count(head) + 1}
        return Draft("scored", dict(body), {"watermark": mark})

    return build


def scored_count(head: Entry | None) -> int:
    """How many entries of the decisions log are evidence and no decisions."""
    return 0 if head is None else int((head.state.get("watermark") or {}).get("count", 0))


def stream_version(head: Entry | None, fingerprint: str) -> int | None:
    """The entry of the version that scores for a recipe: the one that the last decided nights named, by the recipe's
    fingerprint; None where they named none."""
    entry = None if head is None else head.state.get("streams", {}).get(fingerprint[:16])
    return None if entry is None else int(entry)


def _named_changes(state: Mapping[str, Any], body: Mapping[str, Any], n: int) -> dict[str, Any]:
    """What decision ``n`` makes of what comes after it: of the ``streams``, the versions of the last 32 recipes; of
    ``vouched``, the last decisions in which a person vouched for unsigned entries; ``probability``, the maps by which
    production makes probabilities of scores."""
    changes: dict[str, Any] = {}
    if "streams" in body:
        changes["streams"] = _recent({**state.get("streams", {}), **body["streams"]})
    if "probability" in body:
        changes["probability"] = dict(body["probability"])
    if "vouched" in body:
        changes["vouched"] = [*state.get("vouched", ()), n][-_VOUCHED_KEPT:]
    return changes


def _kept(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what stands in the state alone: an entry is small."""
    return {name: value for name, value in body.items() if name != "probability"}


def _recent(newest: Mapping[str, int]) -> dict[str, int]:
    """The last 32 of entries by 16 digits of a recipe's fingerprint."""
    recent = sorted(newest, key=lambda short: newest[short])[-RECIPES_KEPT:]
    return {short: newest[short] for short in recent}


@dataclasses.dataclass(frozen=True)
class Night:
    """The night a gate decided: its trading day (``2024-12-31``) and how far it looked.

    Raises :class:`InvalidRequest` for what is not a day, which would stand in the way of every later night.
    """

    day: str
    as_of: datetime

    def __post_init__(self) -> None:
        try:
            same = date.fromisoformat(self.day).isoformat() == self.day
        except (TypeError, ValueError):
            same = False
        if not same or self.as_of.tzinfo is None:
            raise InvalidRequest(
                f"night {self.day!r} as of {self.as_of} is none: give a day such as 2024-12-31 and a moment with a zone"
            )


def champion_of(entry: Entry | None) -> ChampionRecord | None:
    """The champion after ``entry``."""
    champion = None if entry is None else entry.state.get("champion")
    return None if champion is None else ChampionRecord.from_dict(champion)


def promoted(
    candidate: ChampionRecord,
    body: Mapping[str, Any],
    *,
    expected: ChampionRecord | None,
    kind: str = "promoted",
    night: Night | None = None,
    by_person: bool = False,
) -> Build:
    """The candidate becomes champion, if the champion is still the one that the decision was judged against."""

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        state = {} if head is None else head.state
        _refuse_decided(state, night)
        _refuse_frozen(state, time)
        present = champion_of(head)
        _refuse_stale(present, expected)
        if present is not None and present.version == candidate.version:
            raise InvalidRequest(f"{candidate.version} is the champion already")
        if not by_person and candidate.version in state.get("rolled_back", ()):
            raise StaleDecision(f"a person rolled back from {candidate.version}: only a person may promote it again")
        new = _as_champion(candidate, n, time, kind)
        rolled_back = [name for name in state.get("rolled_back", ()) if name != candidate.version]
        changes = {
            "champion": new.to_dict(),
            "former": _former(head, new.version),
            "rolled_back": rolled_back,
            **_night_changes(night),
            **_named_changes(state, body, n),
            **(_restart_evidence({**state, **_night_changes(night)}, time) if by_person else {}),
        }
        return Draft(kind, {**_kept(body), "version": new.version, "against": _identity(expected)}, changes)

    return build


def held(body: Mapping[str, Any], *, expected: ChampionRecord | None, night: Night | None) -> Build:
    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        state = {} if head is None else head.state
        _refuse_decided(state, night)
        _refuse_stale(champion_of(head), expected)
        changes = {**_night_changes(night), **_named_changes(state, body, n)}
        return Draft("held", {**_kept(body), "against": _identity(expected)}, changes)

    return build


def rolled_back(target: ChampionRecord, *, expected: ChampionRecord, reason: str, skipped: Sequence[str] = ()) -> Build:
    """Back to ``target``, if the champion still is the one that was looked up with it.

    ``skipped``: later former champions whose artifacts are gone.

    Any decision that could change the target changes the champion's identity too, so comparing one compares both.
    """

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        present = champion_of(head)
        _refuse_stale(present, expected)
        assert present is not None and head is not None, "it is the expected champion"
        new = _as_champion(target, n, time, "rolled_back")
        marked = [name for name in head.state.get("rolled_back", ()) if name not in (target.version, present.version)]
        changes = {
            "champion": new.to_dict(),
            "former": _former(head, new.version),
            "rolled_back": [*marked, present.version][-_ROLLED_BACK_KEPT:],
            **_restart_evidence(head.state, time),
        }
        body = {"from": present.version, "version": new.version, "reason": reason}
        return Draft("rolled_back", {**body, **({"skipped": [*skipped]} if skipped else {})}, changes)

    return build


def former_champions(head: Entry | None) -> list[FormerChampion]:
    """The last ten distinct former champions, newest last."""
    return [FormerChampion.from_dict(former) for former in ([] if head is None else head.state.get("former", []))]


def protected_versions(head: Entry | None) -> set[str]:
    """The champion and the last ten champions after a decision: their artifacts are never removed."""
    champion = champion_of(head)
    former = {former.version for former in former_champions(head)}
    return former if champion is None else {*former, champion.version}


def night_in_force(head: Entry | None, night: str | None) -> str | None:
    """``night``, in which a champion was chosen; where a repair took it back, the one after which evidence counts."""
    if head is None or night is None or night <= (head.state.get("night") or ""):
        return night
    after: str | None = head.state.get("evidence_after")
    return after


def rollback_targets(head: Entry | None) -> list[FormerChampion]:
    """The former champions that nobody rolled back from, the last one first."""
    out = {*([] if head is None else head.state.get("rolled_back", ()))}
    return [former for former in reversed(former_champions(head)) if former.version not in out]


def frozen(until: datetime | None, reason: str) -> Build:
    if until is not None and until.tzinfo is None:
        raise InvalidRequest(f"freezing until {until} has no time zone: write 2024-05-01T12:00Z")
    stop = None if until is None else write_time(until)

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        if until is not None and until <= time:
            raise InvalidRequest(f"freezing until {say_time(until)} would end before it begins")
        return Draft("frozen", {"until": stop, "reason": reason}, {"frozen": {"until": stop, "reason": reason}})

    return build


def unfrozen(reason: str) -> Build:
    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        if head is None or head.state.get("frozen") is None:
            raise InvalidRequest("the champion is not frozen")
        return Draft("unfrozen", {"reason": reason}, {"frozen": None, **_restart_evidence(head.state, time)})

    return build


def suspended(reason: str) -> Build:
    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        return Draft("suspended", {"reason": reason}, {"suspended": {"since": write_time(time), "reason": reason}})

    return build


def resumed(reason: str) -> Build:
    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        if head is None or head.state.get("suspended") is None:
            raise InvalidRequest("production is not suspended")
        return Draft("resumed", {"reason": reason}, {"suspended": None})

    return build


def policy(policy: Mapping[str, Any], reason: str) -> Build:
    if len(canonical(dict(policy))) > _POLICY_BYTES:
        raise InvalidRequest(
            f"a policy of more than {_POLICY_BYTES} bytes does not fit into every decision: shorten it"
        )

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        changes = {"policy": dict(policy), **_restart_evidence({} if head is None else head.state, time)}
        return Draft("policy", {"policy": dict(policy), "reason": reason}, changes)

    return build


def repacked(replaced: Mapping[str, Mapping[str, Any]], reason: str) -> Build:
    """Archives that take the place of others, by version: the digest of the old one, the name of the new."""

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        before = 0 if head is None else head.state.get("repacked", 0)
        body = {"replaced": {name: dict(said) for name, said in replaced.items()}, "before": before, "reason": reason}
        return Draft("repacked", body, {"repacked": n})

    return build


def _restart_evidence(state: Mapping[str, Any], time: datetime) -> dict[str, Any]:
    """After an act of a person only nights later than the last decided one count, else the same evidence undoes it."""
    return {"evidence_since": write_time(time), "evidence_after": state.get("night")}


def _as_champion(candidate: ChampionRecord, n: int, time: datetime, how: str) -> ChampionRecord:
    return dataclasses.replace(candidate, decision=n, since=write_time(time), how=how)


def _former(head: Entry | None, new: str) -> list[dict[str, Any]]:
    """The last ten distinct former champions, newest last, the present one becoming the last of them."""
    present = champion_of(head)
    last = [] if present is None else [present]
    gone = {new, *(champion.version for champion in last)}
    recent = [former for former in former_champions(head) if former.version not in gone]
    recent += [FormerChampion(champion.version, champion.decision, champion.since, champion.entry) for champion in last]
    return [former.to_dict() for former in recent[-FORMER_KEPT:]]


def _identity(champion: ChampionRecord | None) -> list[Any] | None:
    return None if champion is None else list(champion.identity)


def _night_changes(night: Night | None) -> dict[str, Any]:
    return {} if night is None else {"night": night.day, "as_of": write_time(night.as_of)}


def _refuse_decided(state: Mapping[str, Any], night: Night | None) -> None:
    last = state.get("night")
    if night is not None and last is not None and night.day <= last:
        raise NightDecided(
            f"the night of {night.day} is not later than the last decided one ({last}): bars of the past are "
            "explored with `retrain replay`, not decided again; if that one has not come yet, see `registry repair`"
        )


def _refuse_frozen(state: Mapping[str, Any], time: datetime) -> None:
    freeze = state.get("frozen")
    if freeze is not None and (freeze["until"] is None or time < read_time(freeze["until"])):
        until = f"until {say_time(freeze['until'])}" if freeze["until"] else "until a person unfreezes it"
        raise Frozen(f"the champion is frozen {until} ({freeze['reason']}): unfreeze it first")


def _refuse_stale(present: ChampionRecord | None, expected: ChampionRecord | None) -> None:
    if _identity(present) != _identity(expected):
        raise StaleDecision(
            f"judged against {_champion_name(expected)}, but production has {_champion_name(present)} now: judge "
            "again; nothing was written"
        )


def _champion_name(champion: ChampionRecord | None) -> str:
    return "no champion" if champion is None else f"{champion.version} (decision {champion.decision})"
