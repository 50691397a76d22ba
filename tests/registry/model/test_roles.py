"""What each role's object offers: only the methods of its rights, seen by a type checker and when it runs."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from registry import Model, Registry
from registry.errors import InvalidRequest
from registry.model.reader import ModelReader
from registry.model.roles import BY_ROLE, Role
from tests.paths import ROOT
from tests.servers.stores import MemoryStore

WRITES = {
    "reader": set(),
    "trainer": {"register", "tag", "retire", "score"},
    "promoter": {"promote", "reinstate", "hold"},
    "operator": {
        *("force", "overrule", "approve", "rollback", "set_policy"),
        *("freeze", "unfreeze", "suspend", "resume"),
    },
    "keeper": {"fold"},
}


def methods(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize("role", get_args(Role))
def test_a_roles_object_has_the_methods_of_its_rights_and_no_others(role: Role) -> None:
    model = Registry(MemoryStore()).model("gbpusd", role=role)
    assert type(model) is BY_ROLE[role]
    assert methods(type(model)) - methods(ModelReader) == WRITES[role]


def test_without_a_role_a_model_has_every_right() -> None:
    model = Registry(MemoryStore()).model("gbpusd")
    assert type(model) is Model
    assert methods(Model) == methods(ModelReader).union(*WRITES.values())


def test_a_role_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="choose reader, trainer, promoter, operator, keeper"):
        Registry(MemoryStore()).model("gbpusd", role="admin")  # type: ignore[call-overload]


CHECKED = """
from registry import Registry
from registry.format.records import VersionRecord

trainer = Registry("somewhere").model("gbpusd", role="trainer")
trainer.register(None, VersionRecord(), author="job")
trainer.promote(trainer.version(1), expected=None, author="job", body={})
trainer.rollback(author="job", reason="why")
Registry("somewhere").model("gbpusd", role="reader").register(None, VersionRecord(), author="job")
Registry("somewhere").model("gbpusd").rollback(author="ann", reason="why")
Registry("somewhere").model("gbpusd", role="admin")
"""


def test_a_type_checker_sees_that_a_trainer_cannot_promote(tmp_path: Path) -> None:
    (tmp_path / "checked.py").write_text(CHECKED)
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", ".cache"]
    environment = os.environ | {"MYPYPATH": str(ROOT), "MYPY_FORCE_COLOR": "0"}
    done = subprocess.run(
        [*command, "checked.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    wrong = [line.split('"') for line in done.stdout.splitlines() if ": error: " in line]
    assert [(words[0].partition(": error")[0], *words[1:4:2]) for words in wrong] == [
        ("checked.py:7", "ModelTrainer", "promote"),
        ("checked.py:8", "ModelTrainer", "rollback"),
        ("checked.py:9", "ModelReader", "register"),
        ("checked.py:11", "model", "Registry"),
    ]
