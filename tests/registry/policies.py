"""The policies of ``docs/security.md`` as they stand there, what Amazon makes of them, and the work of each role.

They are run in ``trust/test_signing_policies.py`` (Amazon's semantics, simulated) and ``store/test_rgw_policies.py``.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from registry import Model
from registry.errors import VersionNotFound
from registry.format.entries import digest
from registry.log import segments
from registry.maintenance.gc import collect
from registry.maintenance.verify import verify
from registry.model.evidence import ScoredNight
from registry.store import Store, Stored
from tests import paths
from tests.registry.actors import a_model, promote, register
from tests.servers.stores import MemoryStore

NAME = "gbpusd_m15_direction"
BUCKET, ROOT = "models", "registry/"
"""Where the policies of the page hold: below ``s3://models/registry``."""

Statement = dict[str, Any]
Keys = list[str]  # inside a store the name `list` is its method

_PAGE = (paths.ROOT / "docs" / "security.md").read_text(encoding="utf-8")
DOCUMENTS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", _PAGE, re.DOTALL)]
READER, TRAINER, PROMOTER, KEEPER = (document["Statement"] for document in DOCUMENTS)
ROLES: dict[str, list[Statement]] = {
    "reader": READER,
    "trainer": READER + TRAINER,
    "promoter": READER + TRAINER + PROMOTER,
    "keeper": READER + KEEPER,
}
WHO = {role: number for number, role in enumerate(ROLES, 10)}
"""A number for each role that no other actor of a test has: ids are counted by it."""


def enforced(server: str, key: str) -> bool:
    """What the page's table of condition keys says of ``server``."""
    head, _, *rows = _PAGE[_PAGE.index("| server | `s3:prefix`") :].partition("\n\n")[0].splitlines()
    column = head.split("|").index(f" `{key}` ")
    return next(row for row in rows if row.startswith(f"| {server} |")).split("|")[column].strip().startswith("yes")


def listed(resources: str | list[str]) -> Keys:
    return resources if isinstance(resources, list) else [resources]


# --- Amazon's semantics ---------------------------------------------------------------------------------------------


def allowing(statements: list[Statement], action: str, resource: str, context: dict[str, str]) -> str | None:
    """The resource of the statement that allows a request as Amazon does; None where the request is refused."""
    for statement in statements:
        assert statement["Effect"] == "Allow"
        for pattern in listed(statement["Resource"]):
            if (
                statement["Action"] == action
                and fnmatch.fnmatchcase(f"arn:aws:s3:::{resource}", pattern)
                and _holds(statement.get("Condition", {}), context)
            ):
                return pattern
    return None


def _holds(condition: dict[str, dict[str, str]], context: dict[str, str]) -> bool:
    """With IfExists an absent key is fine, with StringLike alone it is not; ``Null: false`` asks for one."""
    for operator, wanted in condition.items():
        for key, value in wanted.items():
            found = context.get(key)
            holds = {
                "StringLike": found is not None and fnmatch.fnmatchcase(found, value),
                "StringLikeIfExists": found is None or fnmatch.fnmatchcase(found, value),
                "Null": (found is None) == (value == "true"),
            }[operator]
            if not holds:
                return False
    return True


# --- the work of each role ------------------------------------------------------------------------------------------

WHY = {"author": "ann", "reason": "why"}
LARGE = {"sentence": "s", "record": {"numbers": [0.1] * 2000}}
JUNE = ScoredNight(b"june", "2024-06-03", "2024-06-03T20:45:00+00:00", 90)

Act = Callable[[Model], Any]


def _reads_the_champion(model: Model) -> None:
    champion = model.in_production()
    assert model.read_object(champion.artifact, champion.sha256) == b"archive b"


def _reads_history(model: Model) -> None:
    assert [str(version) for version in model.history()] == ["v1", "v2", "v3"]
    with pytest.raises(VersionNotFound):
        model.version(7)


def _verifies(model: Model) -> None:
    assert verify(model).findings == ()


def _folds(model: Model) -> None:
    assert [segment.size for segment in model.fold().segments] == [100]


def _collects(model: Model) -> None:
    assert [each.why for each in collect(model, dry_run=False).garbage] == ["orphan", "orphan", "damaged"]


BY_READER: dict[str, Act] = {"champion": _reads_the_champion, "history": _reads_history, "verify": _verifies}
BY_TRAINER: dict[str, Act] = {
    "register": lambda model: register(model, "new"),
    "tag": lambda model: model.tag("best", 1, author="ann"),
    "retire": lambda model: model.retire([3], **WHY),
}
BY_PROMOTER: dict[str, Act] = {
    "score": lambda model: model.score(JUNE, fold=b"".join, author="night"),
    "promote": lambda model: promote(model, model.version(3)),
    "hold with a large record": lambda model: model.hold(expected=model.champion(), author="gate", body=LARGE),
    "force": lambda model: model.force(3, **WHY),
    "rollback": lambda model: model.rollback(**WHY),
    "freeze": lambda model: model.freeze(**WHY),
    "suspend": lambda model: model.suspend(**WHY),
    "resume": lambda model: (model.suspend(**WHY), model.resume(**WHY)),
    "set policy": lambda model: model.set_policy({}, **WHY),
}
BY_KEEPER: dict[str, Act] = {"fold": _folds, "collect": _collects}
ACTS = {**BY_READER, **BY_TRAINER, **BY_PROMOTER, **BY_KEEPER}
MAY = {
    "reader": {*BY_READER},
    "trainer": {*BY_READER, *BY_TRAINER},
    "promoter": {*BY_READER, *BY_TRAINER, *BY_PROMOTER},
    "keeper": {*BY_READER, *BY_KEEPER},
}
WRITING = [*BY_TRAINER, *BY_PROMOTER, *BY_KEEPER]


def some_versions() -> dict[str, bytes]:
    """The objects of a registry in which v1 was champion, v2 is, and v3 waits."""
    return dict(_some_versions())


def worn() -> dict[str, bytes]:
    """The same after long use: entries enough for a segment, and garbage of every kind that a keeper removes."""
    return dict(_worn())


@functools.cache
def _some_versions() -> dict[str, bytes]:
    store = MemoryStore()
    model = a_model(store, name=NAME)
    for label in "ab":
        promote(model, register(model, label))
    register(model, "c")
    return store.objects


@functools.cache
def _worn() -> dict[str, bytes]:
    store = MemoryStore()
    store.objects = some_versions()
    model = a_model(store, name=NAME, who=2)
    for number in range(100):
        model.tag("best", 1 + number % 3, author="ann")
    for folder in ("artifacts", "evidence"):
        store.create(f"models/{NAME}/{folder}/{digest(b'lost')}-0123", b"lost")
    store.create(segments.Segment(NAME, "decisions", 1, 100, digest(b"other")).key, b"damaged")
    return store.objects


class Aged:
    """Passes everything on to ``store``, where every object seems to be a month older than it is."""

    def __init__(self, store: Store) -> None:
        self.url = store.url
        self.create, self.get, self.delete = store.create, store.get, store.delete
        self.list, self.folders = store.list, store.folders
        self._store = store

    def stat(self, prefix: str) -> Iterator[Stored]:
        for found in self._store.stat(prefix):
            yield dataclasses.replace(found, age=found.age + timedelta(days=30))


def as_role(role: str, store: Store) -> Model:
    return a_model(Aged(store), name=NAME, who=WHO[role])


def logs(objects: dict[str, bytes]) -> dict[str, bytes]:
    return {key: data for key, data in objects.items() if "/versions/" in key or "/decisions/" in key}
