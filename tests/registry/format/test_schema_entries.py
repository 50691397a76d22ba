"""Every known field of an entry has a type and a range: an entry with another is refused when it is read or written."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from registry import Registry, VersionRecord
from registry.errors import Corrupt, InvalidRequest, MalformedEntry
from registry.format.entries import KINDS, canonical, parse
from registry.format.schema import BODIES, STATES
from registry.maintenance.verify import verify
from tests.registry.actors import NAME, a_model, crowned
from tests.registry.corruptions import key_of, state_with, whole
from tests.registry.format_1 import REGISTRY
from tests.registry.long_logs import rewritten
from tests.servers.stores import MemoryStore


def stored() -> list[Path]:
    return sorted(REGISTRY.glob("models/*/*/9999999/*.json"))


@cache
def _examples() -> dict[str, dict[str, Any]]:
    entries = [json.loads(path.read_bytes()) for path in stored()]
    return {entry["kind"]: entry for entry in sorted(entries, key=lambda entry: len(canonical(entry)))}


def example(kind: str) -> dict[str, Any]:
    """The largest entry of a kind in the registry of format 1, as read from JSON."""
    return copy.deepcopy(_examples()[kind])


def changed(kind: str, path: str, value: Any) -> bytes:
    return with_field(example(kind), path, value)


def with_field(entry: dict[str, Any], path: str, value: Any) -> bytes:
    """The entry with a field set, or with :data:`GONE` left out."""
    *way, last = path.split(".")
    place = entry
    for step in way:
        place = place.setdefault(step, {})
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return canonical(entry)


GONE = object()


@pytest.mark.parametrize("path", stored(), ids=lambda path: f"{path.parts[-4]} {path.parts[-3]} {path.stem}")
def test_every_entry_of_format_1_fits(path):
    data = path.read_bytes()
    for proven in (False, True):
        assert parse(data, where="here", proven=proven).to_bytes() == data


def test_every_kind_of_entry_has_a_schema():
    assert BODIES.keys() == {kind for kinds in KINDS.values() for kind in kinds}
    assert STATES.keys() == KINDS.keys()


MALFORMED: list[tuple[str, str, Any]] = [
    ("registered", "n", 0),
    ("registered", "n", "3"),
    ("registered", "n", 2**60),
    ("registered", "model", "Not A Name"),
    ("registered", "kind", 3),
    ("registered", "author", None),
    ("registered", "operation", 1),
    ("registered", "previous", "abc"),
    ("registered", "time", "2024-13-01T00:00:00.000000Z"),
    ("registered", "time", "2999-01-01T00:00:00.000000Z"),
    ("registered", "body.version", GONE),
    ("registered", "body.version", []),
    ("registered", "body.version.version", GONE),
    ("registered", "body.version.version", "3"),
    ("registered", "body.version.version", "v0"),
    ("registered", "body.version.metrics", None),
    ("registered", "body.version.metrics", ["accuracy"]),
    ("registered", "body.version.metrics.accuracy", "0.5"),
    ("registered", "body.version.metrics.accuracy", {"mean": 0.5}),
    ("registered", "body.version.metrics.accuracy", 10**400),
    ("registered", "body.version.cut", None),
    ("registered", "body.version.cut", "0.5"),
    ("registered", "body.version.cut", 1.5),
    ("registered", "body.version.cut", -0.1),
    ("registered", "body.version.features", "rsi_14"),
    ("registered", "body.version.features", [1]),
    ("registered", "body.version.parameters", "none"),
    ("registered", "body.version.measured_on", "a Monday"),
    ("registered", "body.version.measured_on.bars", "many"),
    ("registered", "body.version.measured_on.bars", -1),
    ("registered", "body.version.measured_on.no_skill", "half"),
    ("registered", "body.version.details", []),
    ("registered", "body.version.details.imported", "notebook"),
    ("registered", "body.version.details.imported.date", "yesterday"),
    ("registered", "body.version.known_at", "soon"),
    ("registered", "body.version.known_at", "2999-01-01"),
    ("registered", "body.version.trained_from", 2023),
    ("registered", "body.version.sha256", "../../etc/passwd"),
    ("registered", "body.version.artifact", 3),
    ("registered", "body.version.size", -1),
    ("registered", "body.version.environment", ["numpy"]),
    ("registered", "body.version.seconds", -1.0),
    ("registered", "body.version.simulated", "yes"),
    ("scored", "body.manifest", GONE),
    ("scored", "body.manifest", "evidence"),
    ("scored", "body.manifest.through", 3),
    ("scored", "body.manifest.through", "tomorrow"),
    ("scored", "body.manifest.backfill", None),
    ("scored", "body.manifest.backfill", ["../../secret"]),
    ("scored", "body.manifest.months", []),
    ("scored", "body.manifest.nights", {"2024-05-01": None}),
    ("scored", "body.bars", "1,234"),
    ("scored", "body.bars", 1.5),
    ("scored", "state.watermark", 4),
    ("scored", "state.watermark", {}),
    ("retired", "body.versions", "v1"),
    ("retired", "body.versions", [1]),
    ("retired", "body.reason", GONE),
    ("retired", "state.retired", "1-"),
    ("retired", "state.retired", [1]),
    ("tagged", "body.tag", None),
    ("tagged", "body.version", 3),
    ("tagged", "state.tags", {"best": "none"}),
    ("tagged", "state.latest", {"version": "v1"}),
    ("tagged", "state.newest", {"abc": "1"}),
    ("tagged", "state.keys", ["no number"]),
    ("tagged", "state.keys", [1]),
    ("tagged", "state.keys", {}),
    ("promoted", "body.version", GONE),
    ("promoted", "body.against", "v1"),
    ("promoted", "body.against", ["v1", "1"]),
    ("promoted", "body.record", "kept elsewhere"),
    ("promoted", "body.record", {"key": "k"}),
    ("promoted", "body.evidence", [4]),
    ("promoted", "body.evidence", {"entry": "4"}),
    ("promoted", "body.approval", True),
    ("promoted", "body.approval", None),
    ("promoted", "body.evidence", None),
    ("held", "body.proposal", None),
    ("promoted", "body.sentence", ["promoted"]),
    ("promoted", "state.champion", ["v2"]),
    ("promoted", "state.champion", {}),
    ("promoted", "state.champion.cut", "0.5"),
    ("promoted", "state.champion.decision", 0),
    ("promoted", "state.champion.entry", "3"),
    ("promoted", "state.champion.since", "today"),
    ("promoted", "state.champion.artifact", {}),
    ("promoted", "state.champion.signature", "signed"),
    ("promoted", "state.former", {"version": "v1"}),
    ("promoted", "state.former", [{"version": "v1"}]),
    ("promoted", "state.rolled_back", "v1"),
    ("promoted", "state.night", 20240501),
    ("promoted", "state.as_of", "2024-05-01"),
    ("promoted", "state.suspended", "yes"),
    ("promoted", "state.frozen", {"until": "soon", "reason": "x"}),
    ("promoted", "state.policy", []),
    ("promoted", "state.evidence_since", None),
    ("held", "body.proposal", "v3"),
    ("held", "body.allowed", "clock"),
    ("held", "body.suspicious", "column:rsi_14"),
    ("held", "body.suspicious", [{"kind": "column"}]),
    ("held", "body.suspicious", [{"name": None}]),
    ("held", "body.release", ["column:rsi_14"]),
    ("held", "body.release", {"wires": ["column:rsi_14"], "author": "ann"}),
    ("held", "body.evidence", {"scored": "4"}),
    ("held", "body.streams", ["0" * 16]),
    ("held", "body.streams", {"0" * 16: 0}),
    ("held", "body.recomputed", ["2024-05-01"]),
    ("held", "body.recomputed", {"days": ["2024-05-01"]}),
    ("held", "body.recomputed", {"days": 3, "scores": 1}),
    ("held", "body.vouched", {"entries": ["entry:versions/1"], "author": "ann"}),
    ("held", "body.proposal", {"version": "v3", "kind": "promoted", "entry": "3"}),
    ("held", "body.proposal", {"version": "v3", "kind": "promoted", "sha256": "0"}),
    ("held", "state.streams", {"0" * 16: "v3"}),
    ("held", "state.vouched", [0]),
    ("held", "state.watermark", {"through": "2024-05-01"}),
    ("held", "state.watermark", {"entry": 4, "count": 0}),
    ("promoted", "body.approval", {"entry": 0}),
    ("registered", "body.version.allowed", "clock"),
    ("held", "body.proposal", {"version": "v3", "kind": None}),
    ("returned", "body.forced", "yes"),
    ("rolled_back", "body.from", GONE),
    ("frozen", "body.until", "2024-05-01"),
    ("frozen", "body.reason", 1),
    ("unfrozen", "body.reason", GONE),
    ("suspended", "body.reason", None),
    ("resumed", "body.reason", []),
    ("policy", "body.policy", "strict"),
]


@pytest.mark.parametrize("proven", [False, True], ids=["unproven", "proven"])
@pytest.mark.parametrize(("kind", "path", "value"), MALFORMED)
def test_a_field_of_another_type_or_range_is_refused_by_its_name(kind, path, value, proven):
    with pytest.raises(MalformedEntry) as refused:
        parse(changed(kind, path, value), where="here", proven=proven)
    assert str(refused.value).startswith("here is ")
    assert refused.value.wrong.startswith(path) and refused.value.wrong in str(refused.value)


def test_the_message_says_where_which_field_what_and_what_to_do(snapshot):
    with pytest.raises(MalformedEntry) as refused:
        parse(changed("registered", "body.version.cut", "0.5\n" * 99), where="here")
    assert str(refused.value) == snapshot
    assert "registry verify" in str(refused.value) and len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "place", ["novel", "body.novel", "body.version.novel", "state.novel", "body.version.details.novel"]
)
def test_fields_of_later_versions_are_kept_as_they_are(place):
    data = changed("registered", place, {"any": [1, None, "x"]})
    assert parse(data, where="here").to_bytes() == data


def test_the_body_of_a_kind_of_a_later_version_is_left_alone():
    entry = {**example("held"), "kind": "audited", "body": {"version": 3, "reason": None}}
    assert parse(canonical(entry), where="here").body == entry["body"]


def test_half_a_character_is_refused_in_a_proven_entry_too():
    data = json.dumps({**example("held"), "author": "\ud800"}).encode()
    for proven in (False, True):
        with pytest.raises(Corrupt, match="surrogates"):
            parse(data, where="here", proven=proven)


@pytest.mark.parametrize(
    ("record", "wrong"),
    [
        (VersionRecord(cut="0.5"), "body.version.cut is '0.5'"),
        (VersionRecord(metrics={"accuracy": "good"}), "body.version.metrics.accuracy is 'good'"),
        (VersionRecord(known_at="soon"), "body.version.known_at is 'soon'"),
        (VersionRecord(measured_on={"bars": -3}), "body.version.measured_on.bars is -3"),
    ],
)
def test_a_record_that_nobody_could_read_is_not_written(record, wrong):
    model = a_model()
    with pytest.raises(InvalidRequest) as refused:
        model.register(b"archive", record, author="trainer")
    assert wrong in str(refused.value) and "not written" in str(refused.value)
    assert model.versions.head() is None


def test_verify_names_a_malformed_manifest_and_goes_on():
    """It stopped with a traceback."""
    store = whole()
    for key, path, value in (
        (key_of(4, "decisions"), "body.manifest", None),
        (key_of(2), "body.version.cut", "high"),
        (key_of(3, "decisions"), "state.champion", 3),
    ):
        store.objects[key] = with_field(json.loads(store.objects[key]), path, value)
    last = key_of(7)
    store.objects[last] = b"{}"
    found = {(finding.kind, finding.key) for finding in verify(a_model(store)).findings}
    damaged = {key for kind, key in found if kind == "damaged entry"}
    assert damaged == {key_of(4, "decisions"), key_of(2), key_of(3, "decisions"), last}


def test_readers_of_a_malformed_entry_get_one_typed_error():
    store = MemoryStore()
    crowned("a", "b", store=store)
    rewritten(store, 2, log="decisions", state=state_with(store, 2, "decisions", champion="v2"))
    reader = Registry(store).model(NAME, "reader")
    for ask in (reader.champion, reader.load, lambda: [*reader.log()], reader.protected_versions):
        with pytest.raises(MalformedEntry, match=r"state\.champion is 'v2'"):
            ask()
