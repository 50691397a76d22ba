"""A process killed at any point of any operation leaves a registry that is whole and goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.format.entries import idempotency_key
from registry.store import Store, connect
from tests.registry.actors import NAME, a_model
from tests.registry.auditing import audit, done_by
from tests.registry.operations import OPERATIONS, before

CALLS = ("create", "get", "list")
STEPS = (
    ("os", "link"),
    ("os", "fsync"),
    ("pathlib.Path", "unlink"),
    ("pathlib.Path", "mkdir"),
    ("pathlib.Path", "open"),
)


class Killer:
    """Counts the steps of this process and kills it at step ``at``, before or after it is done."""

    def __init__(self, at: int, after: bool) -> None:
        self.left, self.after = at, after

    def around(self, step: Callable) -> Callable:
        def counted(*args, **kwargs):
            self.left -= 1
            if self.left < 0 and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = step(*args, **kwargs)
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return counted


def killed_at(run: Callable[[Killer], None], at: int, after: bool) -> bool:
    """Whether a process that does ``run`` was killed at that step; False: it ended before."""
    child = os.fork()
    if child == 0:  # pragma: no cover  # in a process that coverage does not see
        try:
            run(Killer(at, after))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def fresh(root: Path) -> Store:
    for key, data in before().items():
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return connect(root)


def whole(root: Path, name: str) -> int:
    """How often the killed operation is there (0 or 1); then the next operation and its repetition succeed."""
    objects = {key: (root / key).read_bytes() for key in connect(root).list("")}
    there = len(done_by(audit(objects), idempotency_key("killed")))
    OPERATIONS["tag"](a_model(connect(root), who=3), "next")
    OPERATIONS[name](a_model(connect(root), who=4), "killed")
    objects = {key: (root / key).read_bytes() for key in connect(root).list("")}
    logs = audit(objects)
    assert len(done_by(logs, idempotency_key("killed"))) == len(done_by(logs, idempotency_key("next"))) == 1
    return there


def after_each_kill(place: Path, name: str, run: Callable[[Killer, Path], None], after: bool) -> list[int]:
    """Kill ``run`` at its first request, its second, and so on to the last, each time in a registry of its own: what
    was there of the operation then, 0 or 1."""
    seen: list[int] = []
    while True:
        root = place / f"{len(seen)}"
        fresh(root)
        if not killed_at(lambda killer, root=root: run(killer, root), len(seen), after):
            return seen
        seen.append(whole(root, name))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_at_any_request_the_operation_is_whole_or_absent(tmp_path, name, after):
    def run(killer: Killer, root: Path) -> None:
        store = connect(root)
        for call in CALLS:
            setattr(store, call, killer.around(getattr(store, call)))
        OPERATIONS[name](a_model(store, who=2), "killed")

    seen = after_each_kill(tmp_path, name, run, after)
    assert len(seen) >= 4 and seen == sorted(seen), "absent up to some request, there from it on"
    assert (seen[-1] == 1) == after


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", ["register", "promote with a large record"])
def test_killed_inside_the_folders_writes_nothing_is_half_written(tmp_path, name, after, monkeypatch):
    def run(killer: Killer, root: Path) -> None:
        for owner, step in STEPS:
            place = os if owner == "os" else Path
            setattr(place, step, killer.around(getattr(place, step)))
        OPERATIONS[name](a_model(connect(root), who=2), "killed")

    seen = after_each_kill(tmp_path, name, run, after)
    assert len(seen) >= 15 and seen == sorted(seen) and set(seen) == {0, 1}


def test_what_a_killed_writer_left_is_no_object(tmp_path):
    store = fresh(tmp_path)
    (tmp_path / ".incoming").mkdir(exist_ok=True)
    (tmp_path / ".incoming" / "half").write_bytes(b"half an ent")
    assert not [key for key in store.list("") if "incoming" in key]
    assert a_model(store, who=3).version("latest").record.version == "v3"
    assert NAME in store.folders("models/")
