"""Rules of a bucket that would take a registry's objects away, or put them where they cannot be read, are found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.operations.doctor.store import archiving, examine_store
from tests.servers.recording import Seen, recording_server

NOW = datetime(2024, 6, 5, 22, 0, tzinfo=UTC)
ANYWHERE = {"Status": "Enabled", "Filter": {}}


def to(storage_class: str) -> dict[str, Any]:
    return {"Transitions": [{"Days": 1, "StorageClass": "STANDARD_IA"}, {"Days": 9, "StorageClass": storage_class}]}


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        (ANYWHERE | to("GLACIER"), "wrong"),
        (ANYWHERE | to("DEEP_ARCHIVE"), "wrong"),
        ({"Status": "Enabled", "Filter": {"And": {"Prefix": "registry/m"}}} | to("GLACIER"), "wrong"),
        (ANYWHERE | to("GLACIER_IR"), "fine"),  # it answers at once
        (ANYWHERE | to("INTELLIGENT_TIERING"), "fine"),  # by itself it moves nothing to its archive tiers
        ({"Status": "Disabled", "Filter": {}} | to("GLACIER"), "fine"),
        ({"Status": "Enabled", "Filter": {"Prefix": "logs/"}} | to("GLACIER"), "fine"),
        (ANYWHERE | {"NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "GLACIER"}]}, "fine"),
    ],
)
def test_a_rule_that_archives_the_registrys_objects_is_found(rule: dict[str, Any], verdict: str) -> None:
    found = archiving([rule], [], "registry/")
    assert found.verdict == verdict
    assert ("exempt this prefix" in found.fix) == (verdict == "wrong")


@pytest.mark.parametrize(
    ("tiering", "verdict"),
    [
        ({"Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}, "wrong"),
        ({"Filter": {"Prefix": "reg"}, "Tierings": [{"Days": 180, "AccessTier": "DEEP_ARCHIVE_ACCESS"}]}, "wrong"),
        ({"Filter": {"Prefix": "logs/"}, "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}, "fine"),
        ({"Status": "Disabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}, "fine"),
    ],
)
def test_a_tiering_with_an_archive_is_found(tiering: dict[str, Any], verdict: str) -> None:
    assert archiving([], [{"Id": "cold", "Status": "Enabled"} | tiering], "registry/").verdict == verdict


LIFECYCLE = b"""<LifecycleConfiguration><Rule><ID>cold</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>
<Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition></Rule></LifecycleConfiguration>"""
TIERING = b"""<ListBucketIntelligentTieringConfigurationsOutput><IntelligentTieringConfiguration><Id>cold</Id>
<Status>Enabled</Status><Tiering><Days>90</Days><AccessTier>ARCHIVE_ACCESS</AccessTier></Tiering>
</IntelligentTieringConfiguration></ListBucketIntelligentTieringConfigurationsOutput>"""
ERROR = b"<Error><Code>%s</Code><Message>as scripted</Message></Error>"


@pytest.mark.parametrize(
    ("lifecycle", "tiering", "verdicts"),
    [
        ((200, LIFECYCLE), (200, b"<x/>"), {"expiry": "fine", "archiving": "wrong"}),
        ((404, ERROR % b"NoSuchLifecycleConfiguration"), (200, TIERING), {"expiry": "fine", "archiving": "wrong"}),
        ((404, ERROR % b"NoSuchLifecycleConfiguration"), (501, ERROR % b"NotImplemented"), {"expiry": "fine"}),
        ((403, ERROR % b"AccessDenied"), (200, b"<x/>"), {"expiry": "look"}),
        ((404, ERROR % b"NoSuchLifecycleConfiguration"), (403, ERROR % b"AccessDenied"), {"expiry": "look"}),
    ],
)
def test_a_bucket_is_asked_for_its_rules(
    aws: Callable[[str], None], lifecycle: tuple[int, bytes], tiering: tuple[int, bytes], verdicts: dict[str, str]
) -> None:
    def answer(seen: Seen) -> tuple[int, bytes]:
        if "?lifecycle" in seen.target:
            return lifecycle
        if "?intelligent-tiering" in seen.target:
            return tiering
        if "list-type" in seen.target:
            return 200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        return 404, ERROR % b"NoSuchKey"

    with recording_server(answer) as server:
        aws(server.url)
        found = list(examine_store("s3://bucket/registry", "m", NOW))
    assert {each.about: each.verdict for each in found if each.about in verdicts} == verdicts
