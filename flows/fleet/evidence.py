"""The evidence of a fleet's models for the pool, each as its last night left it, and the pool's decision on it.

>>> decision = judge_fleet(fleet)                         # None where the fleet has no pool
>>> print(decision.sentence)
>>> judge_fleet(fleet, decision.basis) == decision        # again, from the entries that it names, whatever came later
True
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from flows.arrays import Floats
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import GateRefused, RetrainError
from flows.evidence.reading import read_ledger
from flows.fleet.members import Fleet, FleetRefused, Member
from flows.fleet.pooled import POOLED_SHARE, MemberDays, PooledDecision, Track, deviations, judge_pooled
from flows.gate.nightly.decision import NightlyDecision, NightlyRow
from flows.gate.nightly.dependence import LONGEST, side_by_side
from flows.gate.nightly.judge import leads_over
from flows.gate.nightly.leads import Leads, recipes_of
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger
from flows.night.nightly_rule import champion_of_night
from flows.settings import open_model
from registry import Model
from registry.errors import RegistryError
from registry.format.entries import Entry
from registry.model.transitions import champion_of

__all__ = ["commands_of", "judge_fleet"]

Basis = Mapping[str, Mapping[str, int | str]]
"""By model, the decision that its evidence is taken of: its number in the log, and the digest of the entry."""


@dataclass(frozen=True, eq=False)
class _Part:
    """What one model gives to the pool; ``days`` None: nothing, for the ``reason``. ``tried``: streams of its last 250
    nights."""

    entry: Entry | None = None
    days: MemberDays | None = None
    tried: tuple[str, ...] = ()
    reason: str = ""


def judge_fleet(fleet: Fleet, basis: Basis | None = None) -> PooledDecision | None:
    """What the pool of a fleet says of the last night of each model; None where the file asks for no pool. ``basis``:
    of a past decision, to judge it again.

    Raises :class:`FleetRefused`, which names the model, where a registry cannot be read, a model is judged with more
    than its share of the budget, or an entry is not the one that the basis names.
    """
    if fleet.budget is None:
        return None
    members = [member for member in fleet.members if basis is None or member.name in basis]
    absent = sorted(set(basis or ()) - {member.name for member in members})
    if absent:
        raise FleetRefused(f"{fleet.path}: {absent[0]} is part of the decision and no model of this fleet")
    parts = {member.name: _read(fleet, member, None if basis is None else basis[member.name]) for member in members}
    tried = Counter(stream for part in parts.values() for stream in part.tried)
    decision = judge_pooled(
        [part.days for part in parts.values() if part.days is not None],
        budget=round(fleet.budget * POOLED_SHARE, 6),
        tried=sum(count > 1 for count in tried.values()),
    )
    entries = {name: part.entry for name, part in parts.items()}
    return replace(
        decision,
        left_out={name: part.reason for name, part in parts.items() if part.days is None},
        basis={name: {"entry": of.n, "sha256": of.digest} for name, of in entries.items() if of is not None},
    )


def commands_of(fleet: Fleet, decision: PooledDecision) -> list[str]:
    """What a person runs to promote what is proposed, one command a model: each is recorded as forced, and its reason
    names the pooled decision by its digest."""
    registries = {member.name: member.settings.registry for member in fleet.members}
    best = next((row for row in decision.rows if row.stream == decision.stream), None)
    z = "" if best is None or best.z is None else f"z {best.z:.2f} of {decision.threshold:.2f}, "
    reason = f"pooled evidence of {len(decision.basis)} models: {z}sha256 {decision.digest}"
    return [
        f"registry promote {each.model} {each.version} --force --registry {shlex.quote(registries[each.model])} "
        f"--author NAME --reason {shlex.quote(reason)}"
        for each in decision.proposed
        if each.held_by is None
    ]


def _read(fleet: Fleet, member: Member, named: Mapping[str, int | str] | None) -> _Part:
    where = f"{fleet.path}: [models.{member.name}]"
    try:
        model = open_model(member.settings.registry, member.name, member.settings.keys)
        entry = _decision(model, where, named)
        if entry is None:
            return _Part(reason="no night is decided yet")
        return _part(fleet, model, entry, latest=named is None)
    except FleetRefused:
        raise
    except (RegistryError, RetrainError) as error:
        raise FleetRefused(f"{where} cannot be pooled: {error}") from error


def _decision(model: Model, where: str, named: Mapping[str, int | str] | None) -> Entry | None:
    """The decision that is named, or the last one of a night."""
    if named is None:
        head = model.decisions.head()
        night = None if head is None else head.state.get("night")
        return None if night is None else model.decided(night)
    entry = model.decisions.read(int(named["entry"]))
    if entry.digest != named["sha256"]:
        raise FleetRefused(
            f"{where}: entry {entry.n} is not the one that was pooled: run `registry verify {model.name}`"
        )
    return entry


def _part(fleet: Fleet, model: Model, entry: Entry, *, latest: bool) -> _Part:
    record: Any = model.decision_record(entry)
    scored, expected = model.scored_by(entry), champion_of(entry)
    if record is None or record.get("rule") != "nightly" or scored is None:
        return _Part(entry, reason="its last decision is none of the nightly gate")
    decision = NightlyDecision.from_dict(record)
    policy = GatePolicy.from_dict(decision.policy)
    if fleet.share is not None and policy.budget > fleet.share * 1.000_001:
        raise FleetRefused(
            f"{fleet.path}: {model.name} is judged with {policy.budget:g} a year, its share of the fleet's is "
            f"{fleet.share:g}: run its next night with `retrain run --all`"
        )
    if expected is None:
        return _Part(entry, reason="production is empty")
    if latest and champion_of(model.decisions.head()) != expected:
        return _Part(entry, reason="its champion was changed after its last night")
    ledger = read_ledger(model, scored)
    champion = champion_of_night(model, entry, expected)
    leads = leads_over(champion, ledger, policy)
    streams = [stream for stream in leads.recipes() if stream != champion.recipe_stream]
    recent = ledger.live_nights[-NIGHTS_A_YEAR:]
    since = np.datetime64(recent[0], "D") if recent else np.datetime64("NaT")
    tried = tuple(key for key, stream in recipes_of(ledger) if (stream.live & (ledger.day >= since)).any())
    if not streams:
        return _Part(entry, tried=tried, reason="no recipe has a day beside its champion yet")
    day, d, _ = leads.of(streams)
    scale = _deviation_on(day, leads, ledger)
    tracks = {
        stream: Track(ledger.streams[stream].name, d[:, at], *_version(model, entry, decision, stream))
        for at, stream in enumerate(streams)
    }
    return _Part(entry, MemberDays(model.name, day, tracks, scale), tried)


def _version(model: Model, entry: Entry, decision: NightlyDecision, stream: str) -> tuple[str | None, str | None]:
    """The version of a stream's recipe that was trained that night, and why it is not to be promoted."""
    fingerprint = stream.partition(":")[2]
    number = entry.body.get("streams", {}).get(fingerprint[:16])
    row = next((row for row in decision.rows if row.fingerprint == fingerprint and not row.former), None)
    if number is None or row is None:
        return None, "its last night trained no version of it"
    version = str(model.registration(number).body["version"]["version"])
    return version, _held_by(row)


def _held_by(row: NightlyRow) -> str | None:
    return f"{row.failed[0].name} ({row.failed[0].words})" if row.failed else None


def _deviation_on(day: Any, leads: Leads, ledger: Ledger) -> Floats:
    """How much recipes' days varied before each of some days, shape (n_days,)."""
    everything = np.ones(ledger.label.size, np.bool_)
    known = {}
    for key, _ in recipes_of(ledger):
        daily = leads.scores.daily(leads.scores.of(key, key), everything)
        known[key] = daily.day.astype("datetime64[D]"), daily.mean[:, 0]
    streams, scores = side_by_side(known)
    if not streams:
        raise GateRefused("no recipe has a scored day")
    common = reduce(np.intersect1d, [known[stream][0] for stream in streams])[-LONGEST:]
    after = np.concatenate([scores, scores[-1:]])  # a day later than all has all before it
    return np.asarray(deviations(after)[np.searchsorted(common, day)])
