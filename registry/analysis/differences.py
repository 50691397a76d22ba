"""What two versions do not share besides their figures: parameters, data, environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.model.version import Version

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Change:
    """One thing that is not the same: ``kind`` is changed, added or removed."""

    name: str
    kind: str
    a: Any
    b: Any

    def __str__(self) -> str:
        if self.kind == "changed":
            return f"{self.name}: {_value_text(self.a)} → {_value_text(self.b)}"
        return f"{self.name}: {self.kind} ({_value_text(self.b if self.kind == 'added' else self.a)})"

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, "a": self.a, "b": self.b}


def facts(version: Version) -> dict[str, dict[str, Any]]:
    """All that two versions are compared by besides their figures: ``parameters``, ``data``, ``environment``."""
    return {
        "parameters": dict(version.record.parameters),
        "data": _data(version),
        "environment": _environment(version),
    }


def parameter_changes(a: Version, b: Version) -> tuple[Change, ...]:
    """Parameters that changed, were added or were removed from ``a`` to ``b``."""
    return _changes(a.record.parameters, b.record.parameters)


def data_changes(a: Version, b: Version) -> tuple[Change, ...]:
    """What differs in recipe, features, training data, cut, and the bars that the figures come from."""
    return _changes(_data(a), _data(b))


def environment_changes(a: Version, b: Version) -> tuple[Change, ...]:
    """What differs in Python, packages and source revision."""
    return _changes(_environment(a), _environment(b))


def _data(version: Version) -> dict[str, Any]:
    record = version.record
    measured = {f"measured {name}": value for name, value in (record.measured_on or {}).items()}
    named = {
        "recipe": record.recipe,
        "recipe fingerprint": record.recipe_fingerprint,
        "features": list(record.features) or None,
        "dataset fingerprint": record.dataset_fingerprint,
        "trained from": record.trained_from,
        "trained to": record.trained_to,
        "rows": record.rows,
        "seed": record.seed,
        "cut": record.cut,
        "night": record.night,
        "simulated": record.simulated,
        "allowed": list(record.allowed or ()) or None,
        **measured,
    }
    return {name: value for name, value in named.items() if value is not None}


def _environment(version: Version) -> dict[str, Any]:
    revision = version.record.source_revision
    environment = dict(version.record.environment or {})
    return environment if revision is None else {**environment, "source revision": revision}


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Change, ...]:
    changes = []
    for name in dict.fromkeys([*a, *b]):
        if name not in b:
            changes.append(Change(name, "removed", a[name], None))
        elif name not in a:
            changes.append(Change(name, "added", None, b[name]))
        elif a[name] != b[name] or isinstance(a[name], bool) != isinstance(b[name], bool):
            changes.append(Change(name, "changed", a[name], b[name]))
    return tuple(changes)


def _value_text(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if _DIGEST.fullmatch(text):
        return f"{text[:12]}…"
    return text if len(text) <= 60 else text[:57] + "…"
