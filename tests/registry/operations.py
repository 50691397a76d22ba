"""Every operation that writes, as a function of a model and an idempotency key, and a model to run it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from registry import ChampionRecord, Model
from tests.registry.actors import a_model, crowned, night, register
from tests.servers.stores import MemoryStore

Operation = Callable[[Model, str], Any]
WHY = {"author": "ann", "reason": "why"}
BODY = {"sentence": "told"}
LARGE = {"sentence": "told", "record": {"numbers": [i / 7 for i in range(500)]}}


def promote(model: Model, key: str, body: Mapping[str, Any] = BODY) -> Any:
    return model.promote(model.version(3), expected=judged_against(), author="gate", body=body, night=night(9), key=key)


@cache
def judged_against() -> ChampionRecord | None:
    store = MemoryStore()
    store.objects |= before()
    return a_model(store).champion()


OPERATIONS: dict[str, Operation] = {
    "register": lambda model, key: register(model, "new", key=key),
    "promote": promote,
    "promote with a large record": lambda model, key: promote(model, key, LARGE),
    "hold": lambda model, key: model.hold(expected=model.champion(), author="gate", body=BODY, night=night(9), key=key),
    "force": lambda model, key: model.force(3, key=key, **WHY),
    "rollback": lambda model, key: model.rollback(key=key, **WHY),
    "freeze": lambda model, key: model.freeze(key=key, **WHY),
    "suspend": lambda model, key: model.suspend(key=key, **WHY),
    "tag": lambda model, key: model.tag("best", 1, author="ann", key=key),
    "retire": lambda model, key: model.retire([3], key=key, **WHY),
}


@cache
def before() -> dict[str, bytes]:
    """v2 is champion, v1 was, v3 waits."""
    store = MemoryStore()
    register(crowned("a", "b", store=store), "c")
    return dict(store.objects)
