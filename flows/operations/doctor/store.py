"""Checks of the registry's store: it refuses to overwrite, nothing expires, its clock agrees, and it can be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from flows.operations.doctor.finding import Finding
from registry import Model, Registry
from registry.errors import NotFound, RegistryError, StoreRefused
from registry.format.keys import FORMAT_KEY
from registry.format.phrases import plural
from registry.store import connect, probe

MOST_SKEW = timedelta(minutes=1)


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
    yield from _bucket(place, now) if place.startswith("s3://") else _folder(place)


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
        probe(connect(place))
    except NotFound:
        return Finding(
            "store condition", "look", f"not tried: {FORMAT_KEY} is not there", "it is made by the first night"
        )
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
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    client = boto3.session.Session().client("s3")
    try:
        answer = client.list_objects_v2(Bucket=bucket, MaxKeys=1)
        yield _skew(answer["ResponseMetadata"]["HTTPHeaders"].get("date"), now)
        rules = client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", [])
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "NoSuchLifecycleConfiguration":
            yield Finding("expiry", "fine", "the bucket has no lifecycle rules")
        else:
            yield Finding(
                "expiry",
                "look",
                f"the bucket's lifecycle rules cannot be read ({code})",
                "look by hand: no rule may expire objects below the registry's root",
            )
        return
    except BotoCoreError as error:
        yield Finding(
            "expiry", "wrong", f"the bucket does not answer: {error}", "check AWS_ENDPOINT_URL and credentials"
        )
        return
    yield expiry(rules, f"{prefix.strip('/')}/" if prefix.strip("/") else "")


def expiry(rules: list[dict[str, Any]], root: str) -> Finding:
    """Whether a lifecycle rule of the bucket would remove objects of the registry below ``root``."""
    for rule in rules:
        about = rule.get("Filter") or {}
        prefix = rule.get("Prefix") or about.get("Prefix") or about.get("And", {}).get("Prefix") or ""
        overlaps = prefix.startswith(root) or root.startswith(prefix)
        if rule.get("Status") == "Enabled" and "Expiration" in rule and overlaps:
            if set(rule["Expiration"]) == {"ExpiredObjectDeleteMarker"}:
                continue
            return Finding(
                "expiry",
                "wrong",
                f"lifecycle rule {rule.get('ID', '?')!r} expires objects below {prefix or 'the whole bucket'!r}",
                "remove the rule or give it another prefix: logs are never deleted, a gap in them cannot be closed",
            )
    return Finding("expiry", "fine", "no lifecycle rule expires the registry's objects")


def _skew(date: str | None, now: datetime) -> Finding:
    if date is None:
        return Finding("clock", "look", "the store does not tell its time", "see that NTP runs")
    apart = abs(parsedate_to_datetime(date).astimezone(UTC) - now)
    if apart > MOST_SKEW:
        return Finding("clock", "wrong", f"{apart} apart from the store's", "set this machine's clock (NTP)")
    return Finding("clock", "fine", f"within {MOST_SKEW.total_seconds():.0f} s of the store's")
