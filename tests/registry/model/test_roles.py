"""What each role's object offers: only the methods of its rights, when it runs and as a type checker sees it."""

from __future__ import annotations

import inspect
import tomllib
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
    "trainer": {"register", "tag", "retire"},
    "promoter": {"score", "promote", "reinstate", "hold"},
    "operator": {
        *("force", "overrule", "approve", "proposed", "rollback", "set_policy"),
        *("freeze", "unfreeze", "suspend", "resume", "repair"),
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
        Registry(MemoryStore()).model("gbpusd", role="admin")  # type: ignore[call-overload]  # there is no such role


def test_the_type_checker_looks_at_the_roles_too() -> None:
    """What it sees of them stands in ``role_types.py``."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert settings["strict"]
    assert Path(__file__).with_name("role_types.py") in [ROOT / place for place in settings["files"]]
