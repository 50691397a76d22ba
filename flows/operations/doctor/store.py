"""Checks of the registry's store: it refuses to overwrite, nothing expires, its clock agrees, and it can be written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.operations.doctor.finding import Finding
from registry import Model, Registry
from registry.errors import RegistryError, StoreRefused
from registry.format.phrases import plural
from registry.log.identity import read_identity
from registry.store import connect, probe
from registry.store.place import BUCKET, is_bucket

if TYPE_CHECKING:
    from registry.store.bucket import BucketClient

MOST_SKEW = timedelta(minutes=1)

_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
_UNKNOWN_THERE = (404, 405, 501)


def examine_store(place: str, model: str, now: datetime) -> Iterator[Finding]:
    """The findings on the registry at ``place``; one alone where it cannot be read at all."""
    try:
        registry = Registry(place)
        models = registry.models()
    except RegistryError as error:
        yield Finding("registry", "wrong", str(error), "fix what it says; nothing runs without a registry")
        return
    known = "not trained yet; the first night makes it" if model not in models else "readable"
    yield Finding("registry", "fine", f"{registry.url}, {plural(len(models), 'model')}")
    yield _head(registry.model(model), known, now)
    yield _refuses_to_overwrite(place)
    yield from _bucket(place, now) if is_bucket(place) else _folder(place)


def _head(model: Model, known: str, now: datetime) -> Finding:
    try:
        head = model.decisions.head() or model.versions.head()
    except RegistryError as error:
        return Finding("model", "wrong", str(error), f"registry verify {model.name}")
    if head is not None and head.time > now + MOST_SKEW:
        ahead = head.time - now
        return Finding(
            "clock", "wrong", f"the newest entry was written {ahead} in the future", "set this machine's clock (NTP)"
        )
    return Finding("model", "fine", f"{model.name}: {known}")


def _refuses_to_overwrite(place: str) -> Finding:
    """Whether the store refuses to overwrite: tried with the bytes that are there, so nothing can be lost."""
    try:
        store = connect(place)
        found = read_identity(store)
        if found is None:
            return Finding("store condition", "look", "not tried: there is no registry", "the first night makes it")
        probe(store, found.key, found.data)
    except StoreRefused as error:
        return Finding("store condition", "wrong", str(error), "use a store that honours If-None-Match, or a folder")
    except RegistryError as error:
        return Finding("store condition", "wrong", str(error), "a night must be allowed to create objects there")
    return Finding("store condition", "fine", "it refuses to overwrite")


def _folder(place: str) -> Iterator[Finding]:
    folder = Path(place).expanduser()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if os.access(folder, os.W_OK | os.X_OK):
        yield Finding("permissions", "fine", f"{folder} can be written to")
    else:
        yield Finding(
            "permissions", "wrong", f"{folder} cannot be written to", f"chown or chmod {folder} for this user"
        )


def _bucket(place: str, now: datetime) -> Iterator[Finding]:
    from registry.store.bucket import BucketClient  # takes a third of a second: only for buckets

    name, _, prefix = place.removeprefix(BUCKET).partition("/")
    root = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    try:
        bucket = BucketClient(name, place)
        answer = bucket.ask("the keys", lambda: bucket.client.list_objects_v2(Bucket=name, MaxKeys=1, **bucket.asked))
        yield _skew(answer["ResponseMetadata"]["HTTPHeaders"].get("date"), now)
    except RegistryError as error:
        yield Finding("expiry", "wrong", str(error), "fix what it says")
        return
    try:
        rules = _told(bucket, bucket.client.get_bucket_lifecycle_configuration).get("Rules", [])
        tierings = _told(bucket, bucket.client.list_bucket_intelligent_tiering_configurations)
    except RegistryError as error:
        yield Finding(
            "expiry",
            "look",
            f"the bucket's lifecycle rules cannot be read: {error}",
            "look by hand: no rule may expire or archive objects below the registry's root",
        )
        return
    yield expiry(rules, root)
    yield archiving(rules, tierings.get("IntelligentTieringConfigurationList", []), root)


def _told(bucket: BucketClient, request: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """What the bucket has set up; nothing where it has nothing, or the server does not know of such a thing."""

    def ask() -> dict[str, Any]:
        from botocore.exceptions import ClientError

        try:
            return request(Bucket=bucket.name)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = error.response.get("Error", {}).get("Code")
            if code == "NoSuchLifecycleConfiguration" or status in _UNKNOWN_THERE:
                return {}
            raise

    return bucket.ask("the rules of the bucket", ask)


def expiry(rules: list[dict[str, Any]], root: str) -> Finding:
    """Whether a lifecycle rule of the bucket would remove objects of the registry below ``root``."""
    for rule in _about(rules, root):
        if set(rule.get("Expiration", ())) - {"ExpiredObjectDeleteMarker"}:
            return Finding(
                "expiry",
                "wrong",
                f"lifecycle rule {rule.get('ID', '?')!r} expires objects below {_prefix(rule) or 'the whole bucket'!r}",
                "remove the rule or give it another prefix: logs are never deleted, a gap in them cannot be closed",
            )
    return Finding("expiry", "fine", "no lifecycle rule expires the registry's objects")


def archiving(rules: list[dict[str, Any]], tierings: list[dict[str, Any]], root: str) -> Finding:
    """Whether a lifecycle rule, or an intelligent tiering, would move objects below ``root`` to an archive.

    Reading those takes a restore of hours. Tiers that answer at once, Glacier Instant Retrieval among them, are fine.
    """
    for rule in _about(rules, root):
        for to in rule.get("Transitions", ()):
            if to.get("StorageClass") in _ARCHIVES:
                return _archived(f"lifecycle rule {rule.get('ID', '?')!r}", to["StorageClass"], rule)
    for tiering in _about(tierings, root):
        for to in tiering.get("Tierings", ()):
            return _archived(f"intelligent tiering {tiering.get('Id', '?')!r}", to["AccessTier"], tiering)
    return Finding("archiving", "fine", "no rule moves the registry's objects to an archive")


def _archived(what: str, to: str, rule: dict[str, Any]) -> Finding:
    return Finding(
        "archiving",
        "wrong",
        f"{what} moves objects below {_prefix(rule) or 'the whole bucket'!r} to {to}, where they cannot be read",
        "remove the rule or exempt this prefix; what is archived already must be restored before a night can read it",
    )


def _about(rules: list[dict[str, Any]], root: str) -> Iterator[dict[str, Any]]:
    """Those of the rules that are in force and concern keys below ``root``."""
    for rule in rules:
        prefix = _prefix(rule)
        if rule.get("Status") == "Enabled" and (prefix.startswith(root) or root.startswith(prefix)):
            yield rule


def _prefix(rule: dict[str, Any]) -> str:
    about = rule.get("Filter") or {}
    return str(rule.get("Prefix") or about.get("Prefix") or about.get("And", {}).get("Prefix") or "")


def _skew(date: str | None, now: datetime) -> Finding:
    if date is None:
        return Finding("clock", "look", "the store does not tell its time", "see that NTP runs")
    apart = abs(parsedate_to_datetime(date).astimezone(UTC) - now)
    if apart > MOST_SKEW:
        return Finding("clock", "wrong", f"{apart} apart from the store's", "set this machine's clock (NTP)")
    return Finding("clock", "fine", f"within {MOST_SKEW.total_seconds():.0f} s of the store's")
