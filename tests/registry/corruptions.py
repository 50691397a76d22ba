"""Every kind of damage to a registry, planted: what `verify` must name, and the key it must name it at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

from registry.format import keys
from registry.format.entries import digest
from registry.log import segments
from registry.model.evidence import ScoredNight
from tests.registry.actors import NAME, NOON, crowned, night, register
from tests.registry.long_logs import entry_of, rewritten
from tests.servers.stores import MemoryStore

LARGE = {"sentence": "told", "record": {"numbers": [i / 7 for i in range(500)]}}


def whole() -> MemoryStore:
    """Five versions, three decisions on two of them and one with a large record, a night's evidence, a retired one."""
    store = MemoryStore()
    model = crowned("a", "b", store=store)
    for label in "cde":
        register(model, label)
    model.hold(expected=model.champion(), author="gate", body=LARGE, night=night(2))
    model.score(ScoredNight(b"scores", "2024-05-02", "2024-05-02", 90), fold=b"".join, author="night")
    model.retire([3], author="ann", reason="old")
    model.tag("best", 4, author="ann")
    return store


def key_of(n: int, log: str = "versions") -> str:
    return keys.entry_key(NAME, log, n)


def object_below(store: MemoryStore, folder: str, number: int = 0) -> str:
    return store.list(f"models/{NAME}/{folder}/")[number]


def artifact_of(store: MemoryStore, n: int) -> str:
    return str(entry_of(store, n).body["version"]["artifact"])


def state_with(store: MemoryStore, n: int, log: str, **values: object) -> dict[str, object]:
    return {**entry_of(store, n, log=log).state, **values}


def champion_with(store: MemoryStore, n: int, **values: object) -> dict[str, object]:
    state = entry_of(store, n, log="decisions").state
    return {**state, "champion": {**state["champion"], **values}}


def body_with(store: MemoryStore, n: int, **values: object) -> dict[str, object]:
    body = entry_of(store, n).body
    return {**body, "version": {**body["version"], **values}}


def plant(kind: str) -> Callable[[Callable[[MemoryStore], str]], Callable[[MemoryStore], str]]:
    def planted(corrupt: Callable[[MemoryStore], str]) -> Callable[[MemoryStore], str]:
        PLANTED[corrupt.__name__.replace("_", " ")] = (kind, corrupt)
        return corrupt

    return planted


PLANTED: dict[str, tuple[str, Callable[[MemoryStore], str]]] = {}
"""By what was done: the kind of finding, and the function that does it and gives the key that must be named."""


@plant("damaged format")
def the_format_replaced_by_junk(store):
    store.objects[keys.format_key(2)] = b"junk"
    return keys.format_key(2)


@plant("gap")
def an_entry_deleted(store):
    del store.objects[key_of(3)]
    return key_of(3)


@plant("gap")
def the_first_two_entries_deleted(store):
    del store.objects[key_of(1)], store.objects[key_of(2)]
    return key_of(2)


@plant("head without predecessor")
def the_entry_before_the_newest_deleted(store):
    del store.objects[key_of(6)]
    return key_of(6)


@plant("fork")
def an_entry_replaced_by_a_valid_one(store):
    other = dataclasses.replace(entry_of(store, 4), author="mallory")
    store.objects[key_of(4)] = other.to_bytes()
    return key_of(5)


@plant("damaged entry")
def a_byte_changed_in_an_entry(store):
    store.objects[key_of(4)] = store.objects[key_of(4)].replace(b'"format":2', b'"format": 2')
    return key_of(4)


@plant("damaged entry")
def an_entry_cut_short(store):
    store.objects[key_of(2, "decisions")] = store.objects[key_of(2, "decisions")][:100]
    return key_of(2, "decisions")


@plant("damaged entry")
def an_entry_copied_over_another(store):
    store.objects[key_of(2)] = store.objects[key_of(5)]
    return key_of(2)


@plant("damaged artifact")
def an_artifact_damaged(store):
    store.objects[artifact_of(store, 2)] = b"something else"
    return artifact_of(store, 2)


@plant("missing artifact")
def an_artifact_deleted(store):
    key = artifact_of(store, 4)
    del store.objects[key]
    return key


@plant("missing evidence")
def a_nights_evidence_deleted(store):
    key = next(key for key in store.list(f"models/{NAME}/evidence/") if store.objects[key] == b"scores")
    del store.objects[key]
    return key


@plant("damaged evidence")
def a_decisions_record_damaged(store):
    key = next(key for key in store.list(f"models/{NAME}/evidence/") if store.objects[key] != b"scores")
    store.objects[key] = b"{}"
    return key


@plant("orphan")
def an_artifact_that_nothing_names(store):
    key = f"models/{NAME}/artifacts/{digest(b'lost')}-0123"
    store.objects[key] = b"lost"
    return key


@plant("stray key")
def a_stray_name_in_a_log(store):
    key = f"models/{NAME}/versions/9999999/notes.txt"
    store.objects[key] = b"?"
    return key


@plant("stray key")
def an_entry_under_a_wrong_inversion(store):
    key = key_of(3).replace("-3.json", "-4.json")
    store.objects[key] = store.objects[key_of(3)]
    return key


@plant("stray key")
def a_file_beside_the_logs(store):
    key = f"models/{NAME}/backup/old.zip"
    store.objects[key] = b"?"
    return key


@plant("wrong state")
def a_champion_that_was_not_promoted(store):
    fifth = entry_of(store, 5).body["version"]
    other = {name: fifth[name] for name in ("version", "artifact", "sha256")}
    rewritten(store, 2, log="decisions", state=champion_with(store, 2, entry=5, **other))
    return key_of(2, "decisions")


@plant("wrong state")
def a_champion_of_another_decision(store):
    rewritten(store, 2, log="decisions", state=champion_with(store, 2, decision=1))
    return key_of(2, "decisions")


@plant("wrong state")
def a_champion_whose_artifact_is_anothers(store):
    rewritten(store, 2, log="decisions", state=champion_with(store, 2, artifact=artifact_of(store, 5)))
    return key_of(2, "decisions")


@plant("wrong state")
def a_champion_changed_by_what_is_no_promotion(store):
    rewritten(store, 3, log="decisions", state=champion_with(store, 3, cut=0.9))
    return key_of(3, "decisions")


@plant("wrong state")
def a_stale_decision_applied(store):
    entry = entry_of(store, 2, log="decisions")
    rewritten(store, 2, log="decisions", body={**entry.body, "against": None})
    return key_of(2, "decisions")


@plant("wrong state")
def a_former_champion_forgotten(store):
    rewritten(store, 2, log="decisions", state=state_with(store, 2, "decisions", former=[]))
    return key_of(2, "decisions")


@plant("wrong state")
def a_latest_version_that_is_not(store):
    rewritten(store, 4, state=state_with(store, 4, "versions", latest={"version": "v3", "entry": 3}))
    return key_of(4)


@plant("wrong state")
def a_latest_version_changed_by_a_tag(store):
    rewritten(store, 7, state=state_with(store, 7, "versions", latest={"version": "v9", "entry": 7}))
    return key_of(7)


@plant("wrong state")
def a_retired_version_not_remembered(store):
    rewritten(store, 6, state=state_with(store, 6, "versions", retired=""))
    return key_of(6)


@plant("wrong state")
def a_retirement_by_a_tag(store):
    rewritten(store, 7, state=state_with(store, 7, "versions", retired="1-5"))
    return key_of(7)


@plant("wrong state")
def a_tag_moved_by_a_retirement(store):
    rewritten(store, 6, state=state_with(store, 6, "versions", tags={"best": "v1"}))
    return key_of(6)


@plant("wrong state")
def evidence_made_up_by_a_held_night(store):
    mark = {"through": "2024-01-01", "entry": 1, "count": 1}
    rewritten(store, 3, log="decisions", state=state_with(store, 3, "decisions", watermark=mark))
    return key_of(3, "decisions")


@plant("wrong state")
def evidence_named_in_the_log_of_versions_by_a_retirement(store):
    rewritten(store, 6, state=state_with(store, 6, "versions", watermark={"through": "2024-01-01", "entry": 1}))
    return key_of(6)


@plant("wrong state")
def evidence_named_in_the_log_of_versions(store):
    scored = entry_of(store, 4, log="decisions")
    mark = {**scored.state["watermark"], "entry": 6}
    state = {**state_with(store, 6, "versions", watermark=mark), "retired": ""}
    rewritten(store, 6, kind="scored", body=dict(scored.body), state=state)
    return key_of(6)


@plant("wrong state")
def a_stream_given_to_another_version(store):
    rewritten(store, 3, log="decisions", state=state_with(store, 3, "decisions", streams={"0" * 16: 5}))
    return key_of(3, "decisions")


@plant("wrong state")
def a_rolled_back_version_made_up_by_a_held_night(store):
    rewritten(store, 3, log="decisions", state=state_with(store, 3, "decisions", rolled_back=["v1"]))
    return key_of(3, "decisions")


@plant("wrong state")
def a_champion_frozen_by_a_held_night(store):
    frozen = {"until": None, "reason": "forged"}
    rewritten(store, 3, log="decisions", state=state_with(store, 3, "decisions", frozen=frozen))
    return key_of(3, "decisions")


@plant("wrong state")
def a_night_decided_outside_of_one(store):
    rewritten(store, 2, log="decisions", state=state_with(store, 2, "decisions", night="2024-05-01"))
    return key_of(2, "decisions")


@plant("wrong state")
def a_champion_with_another_cut_than_was_registered(store):
    rewritten(store, 2, log="decisions", state=champion_with(store, 2, cut=0.9))
    return key_of(2, "decisions")


@plant("wrong state")
def earlier_idempotency_keys_forgotten(store):
    rewritten(store, 5, state=state_with(store, 5, "versions", keys=entry_of(store, 5).state["keys"][-1:]))
    return key_of(5)


@plant("wrong state")
def an_artifact_of_another_digest_named(store):
    rewritten(store, 5, body=body_with(store, 5, sha256="0" * 64))
    return key_of(5)


@plant("wrong state")
def an_idempotency_key_not_remembered(store):
    rewritten(store, 5, key="0" * 32)
    return key_of(5)


@plant("damaged entry")
def a_state_of_unknown_form(store):
    rewritten(store, 3, log="decisions", state=state_with(store, 3, "decisions", champion=["v2"]))
    return key_of(3, "decisions")


@plant("damaged entry")
def a_manifest_of_unknown_form(store):
    rewritten(store, 4, log="decisions", body={"night": "2024-05-02"})
    return key_of(4, "decisions")


@plant("wrong state")
def an_artifact_of_another_version_named(store):
    other = entry_of(store, 2).body["version"]
    rewritten(store, 5, body=body_with(store, 5, artifact=other["artifact"], sha256=other["sha256"]))
    return key_of(5)


@plant("wrong state")
def evidence_named_as_an_artifact(store):
    key = object_below(store, "evidence")
    rewritten(store, 5, body=body_with(store, 5, artifact=key, sha256=key.rpartition("/")[2][:64]))
    return key_of(5)


@plant("version numbers")
def a_version_number_left_out(store):
    rewritten(store, 5, body=body_with(store, 5, version="v6"))
    return key_of(5)


@plant("time goes back")
def an_entry_older_than_the_one_before_it(store):
    rewritten(store, 3, time=NOON - timedelta(hours=1))
    return key_of(3)


@plant("work done twice")
def one_work_done_twice(store):
    rewritten(store, 5, key=entry_of(store, 4).key)
    return key_of(5)


@plant("damaged segment")
def a_segment_damaged(store):
    store.objects[object_below(store, "segments/versions")] += b"x"
    return object_below(store, "segments/versions")


@plant("damaged segment")
def a_segment_of_other_entries(store):
    data = b"".join(store.objects[key_of(n)] for n in (1, 2, 3, 5))
    segment = segments.Segment(NAME, "versions", 1, 4, digest(data))
    store.objects[segment.key] = data
    return segment.key


@plant("damaged segment")
def a_segment_under_a_wrong_digest(store):
    data = b"".join(store.objects[key_of(n)] for n in (1, 2, 3, 4))
    segment = segments.Segment(NAME, "versions", 1, 4, "0" * 64)
    store.objects[segment.key] = data
    return segment.key


@plant("missing format")
def what_says_which_registry_it_is_deleted(store):
    del store.objects[keys.format_key(2)]
    return keys.format_key(2)


@plant("damaged format")
def an_identity_without_an_id(store):
    store.objects[keys.format_key(2)] = b'{"created":"","format":2,"oldest_reader":2}'
    return keys.format_key(2)


@plant("other registry")
def an_entry_of_another_registry(store):
    rewritten(store, 4, registry="5a" * 16)
    return key_of(4)


@plant("other registry")
def the_identity_exchanged(store):
    data = store.objects[keys.format_key(2)]
    store.objects[keys.format_key(2)] = data.replace(entry_of(store, 1).registry.encode(), b"5a" * 16)
    return key_of(1)


@plant("cut log")
def the_newest_decision_deleted(store):
    del store.objects[key_of(4, "decisions")]
    return key_of(4, "decisions")


@plant("cut log")
def the_last_two_decisions_deleted(store):
    for n in (3, 4):
        del store.objects[key_of(n, "decisions")]
    return key_of(4, "decisions")


@plant("cut log")
def the_decisions_removed(store):
    for key in store.list(keys.log_prefix(NAME, "decisions")):
        del store.objects[key]
    return key_of(4, "decisions")


@plant("cut log")
def the_versions_removed(store):
    for key in store.list(keys.log_prefix(NAME, "versions")):
        del store.objects[key]
    return key_of(5)


@plant("rewritten entry")
def metrics_edited_and_the_log_chained_anew(store):
    rewritten(store, 2, resight=False, body=body_with(store, 2, metrics={"accuracy": 0.9}))
    return key_of(2)


@plant("rewritten entry")
def a_decision_edited_and_the_log_chained_anew(store):
    body = {**entry_of(store, 2, log="decisions").body, "sentence": "promoted: by every look"}
    rewritten(store, 2, log="decisions", resight=False, body=body)
    return key_of(2, "decisions")


@plant("wrong state")
def an_entry_that_saw_less_than_the_one_before_it(store):
    rewritten(store, 7, seen={**entry_of(store, 7).seen, "n": 1})
    return key_of(7)


@plant("wrong state")
def an_entry_of_an_older_format_after_newer_ones(store):
    rewritten(store, 7, format=1, registry=None, seen=None)
    return key_of(7)


@plant("stray key")
def a_file_at_the_root(store):
    store.objects["notes.txt"] = b"?"
    return "notes.txt"


@plant("stray key")
def a_file_at_the_root_that_sorts_first(store):
    store.objects["README"] = b"?"
    return "README"


@plant("stray key")
def a_file_beside_the_models(store):
    store.objects["models/notes.txt"] = b"?"
    return "models/notes.txt"


@plant("stray key")
def a_format_of_no_number(store):
    store.objects["format/two.json"] = b"?"
    return "format/two.json"


def manifest_with(store: MemoryStore, **values: object) -> dict[str, object]:
    body = entry_of(store, 4, log="decisions").body
    return {**body, "manifest": {**body["manifest"], **values}}


@plant("wrong state")
def evidence_that_points_to_a_decisions_record(store):
    record = next(iter(entry_of(store, 3, log="decisions").body["record"]["key"].split(f"{NAME}/")[1:]))
    rewritten(store, 4, log="decisions", body=manifest_with(store, nights={"2024-05-02": record}))
    return key_of(4, "decisions")


@plant("wrong state")
def evidence_of_a_night_that_was_none(store):
    nights = entry_of(store, 4, log="decisions").body["manifest"]["nights"]
    rewritten(
        store, 4, log="decisions", body=manifest_with(store, nights={**nights, "2024-05-01": nights["2024-05-02"]})
    )
    return key_of(4, "decisions")


@plant("wrong state")
def evidence_of_months_that_nobody_scored(store):
    nights = entry_of(store, 4, log="decisions").body["manifest"]["nights"]
    rewritten(store, 4, log="decisions", body=manifest_with(store, months={"2024-04": nights["2024-05-02"]}))
    return key_of(4, "decisions")
