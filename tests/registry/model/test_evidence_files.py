"""Evidence files: which of them make up the evidence, months folded, nothing lost, nothing double."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from registry import Model
from registry.errors import Corrupt, InvalidName, InvalidRequest, StaleDecision
from registry.format.entries import Entry, digest
from registry.model.evidence import MONTHS_KEPT, Manifest, ScoredNight, manifest_of, named_by
from tests.registry.actors import a_model, night, register
from tests.servers.stores import MemoryStore


def joined(files: Sequence[bytes]) -> bytes:
    return b"+".join(files)


def score(model: Model, day: str, data: bytes = b"", **values: Any) -> Entry:
    """The evidence of the night of ``day``; the newest bar is that day's last."""
    scored = {"night": day, "through": f"{day}T20:45:00.000000Z", "bars": 96, "backfill": ()}
    scored |= {name: values.pop(name) for name in scored if name in values}
    return model.score(ScoredNight(data or day.encode(), **scored), **({"fold": joined, "author": "trainer"} | values))


def test_before_the_first_night_there_is_none() -> None:
    model = a_model()
    assert model.manifest() == Manifest()
    assert model.evidence(model.manifest()) == []
    register(model)
    assert model.manifest() == Manifest()


def test_the_evidence_is_every_nights_file_oldest_first() -> None:
    model = a_model()
    score(model, "2024-05-02", backfill=[b"past"])
    score(model, "2024-05-03")
    register(model)
    manifest = a_model(model.store).manifest()
    assert manifest.through == "2024-05-03T20:45:00.000000Z"
    assert [*manifest.nights] == ["2024-05-02", "2024-05-03"]
    assert model.evidence(manifest) == [b"past", b"2024-05-02", b"2024-05-03"]


def test_the_nights_of_a_past_month_are_folded_into_one_file() -> None:
    model = a_model()
    for day in ("2024-04-29", "2024-04-30", "2024-05-01", "2024-06-03"):
        score(model, day)
    manifest = model.manifest()
    assert (sorted(manifest.months), sorted(manifest.nights)) == (["2024-04", "2024-05"], ["2024-06-03"])
    assert model.evidence(manifest) == [b"2024-04-29+2024-04-30", b"2024-05-01", b"2024-06-03"]


def test_a_past_decision_still_finds_the_evidence_it_saw() -> None:
    model = a_model()
    first = score(model, "2024-04-30")
    score(model, "2024-05-01")
    assert model.evidence(manifest_of(first)) == [b"2024-04-30"]


def test_months_older_than_two_years_drop_out_and_the_backfill_stays() -> None:
    model = a_model()
    days = [f"{2021 + at // 12}-{at % 12 + 1:02d}-15" for at in range(MONTHS_KEPT + 4)]
    score(model, days[0], backfill=[b"past"])
    for day in days[1:]:
        score(model, day)
    manifest = model.manifest()
    assert sorted(manifest.months) == [day[:7] for day in days[3:-1]]
    assert len(manifest.files) == MONTHS_KEPT + 2
    assert model.evidence(manifest)[0] == b"past"


def test_the_same_work_again_adds_nothing() -> None:
    model = a_model()
    entry = score(model, "2024-05-02", key="a" * 32)
    before = [*model.store.list("")]
    again = score(a_model(model.store, who=2), "2024-05-02", key="a" * 32)
    assert again.n == entry.n and [*model.store.list("")] == before


def test_a_night_that_is_run_again_with_newer_bars_keeps_both_runs() -> None:
    model = a_model()
    score(model, "2024-05-02", b"morning", through="2024-05-02T10:00:00.000000Z")
    score(model, "2024-05-02", b"evening")
    assert model.evidence(model.manifest()) == [b"morning+evening"]


def test_the_same_calls_write_the_same_bytes() -> None:
    stores = [MemoryStore(), MemoryStore()]
    for place in stores:
        for day in ("2024-04-30", "2024-05-01"):
            score(a_model(place), day, key=digest(day.encode())[:32])
    assert stores[0].objects == stores[1].objects


def test_an_entry_names_all_the_files_that_its_evidence_consists_of() -> None:
    model = a_model()
    score(model, "2024-04-30", backfill=[b"past"])
    entry = score(model, "2024-05-01")
    keys = [*named_by(entry)]
    assert [model.store.get(key) for key in keys] == [b"past", b"2024-04-30", b"2024-05-01"]
    assert [*named_by(register_entry(model))] == []


def register_entry(model: Model) -> Entry:
    return model.versions.read(register(model).entry)


def test_a_decision_names_the_file_of_its_large_record() -> None:
    model = a_model()
    large = {"sentence": "held", "record": {"rows": ["x" * 100] * 50}}
    entry = model.hold(expected=None, author="gate", body=large, night=night(2))
    [key] = named_by(entry)
    assert model.store.get(key).startswith(b'{"rows":')
    assert [*named_by(model.hold(expected=None, author="gate", body={"sentence": "held"}, night=night(3)))] == []


@pytest.mark.parametrize(
    ("day", "through"),
    [
        ("2024-05-02", "2024-05-02T20:45:00.000000Z"),
        ("2024-05-03", "2024-05-03T20:30:00.000000Z"),
        ("2024-04-30", "2024-05-03T20:45:00.000000Z"),
    ],
)
def test_evidence_earlier_than_there_is_is_refused(day: str, through: str, snapshot: SnapshotAssertion) -> None:
    model = a_model()
    score(model, "2024-05-03")
    before = [*model.store.list("")]
    with pytest.raises(InvalidRequest) as refused:
        score(model, day, through=through)
    assert str(refused.value) == snapshot(name=day)
    assert [*model.store.list("")] == before


def test_evidence_that_another_run_added_meanwhile_is_never_lost() -> None:
    model = a_model()
    score(model, "2024-05-02")

    def overtaken(files: Sequence[bytes]) -> bytes:
        if a_model(model.store).manifest().through == "2024-05-02T20:45:00.000000Z":
            score(a_model(model.store, who=2), "2024-06-03", b"theirs")
        return joined(files)

    with pytest.raises(StaleDecision, match="another run added evidence meanwhile"):
        score(model, "2024-06-03", b"ours", fold=overtaken)
    assert model.evidence(a_model(model.store).manifest()) == [b"2024-05-02", b"theirs"]


def test_a_version_registered_meanwhile_is_in_nobodys_way() -> None:
    model = a_model()
    score(model, "2024-05-02")

    def beside(files: Sequence[bytes]) -> bytes:
        register(a_model(model.store, who=2))
        return joined(files)

    score(model, "2024-06-03", fold=beside)
    assert model.evidence(model.manifest()) == [b"2024-05-02", b"2024-06-03"]


def test_a_damaged_file_is_not_taken_for_evidence(snapshot: SnapshotAssertion) -> None:
    model = a_model()
    entry = score(model, "2024-05-02")
    [key] = named_by(entry)
    model.store._store.objects[key] = b"other"
    with pytest.raises(Corrupt, match="SHA-256 differs"):
        model.evidence(model.manifest())
    del model.store._store.objects[key]
    with pytest.raises(Corrupt, match=f"{key} is gone") as refused:
        model.evidence(model.manifest())
    assert str(refused.value).replace(key, "<key>") == snapshot


def test_a_damaged_file_is_not_folded_into_a_month() -> None:
    model = a_model()
    [key] = named_by(score(model, "2024-05-02"))
    model.store._store.objects[key] = b"other"
    with pytest.raises(Corrupt, match="SHA-256 differs"):
        score(model, "2024-06-03")
    assert model.decisions.head().n == 1


@pytest.mark.parametrize("author", ["", "a\nb", "x" * 300])
def test_evidence_without_a_proper_author_is_refused(author: str) -> None:
    model = a_model()
    with pytest.raises(InvalidName):
        score(model, "2024-05-02", author=author)
    assert [*model.store.list("")] == []
