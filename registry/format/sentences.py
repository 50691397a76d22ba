"""The sentence that each entry is in ``registry log``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from registry.clock import say_time
from registry.format.phrases import listed

Body = Mapping[str, Any]


def sentence(kind: str, body: Body, author: str) -> str:
    """The entry in plain words; a kind that this version does not know says its name."""
    say = _SENTENCES.get(kind)
    return say(body, author) if say is not None else f"{kind} by {author}"


def _registered(body: Body, author: str) -> str:
    version = body["version"]
    measured = version.get("measured_on") or {}
    beside = "" if measured.get("no_skill") is None else f" (no_skill {measured['no_skill']:.4f})"
    metrics = ", ".join(
        f"{name} {value:.4f}{beside if name == 'accuracy' else ''}"
        for name, value in version.get("metrics", {}).items()
        if value is not None
    )
    if measured.get("rule") == "stream" and metrics:
        metrics = f"walk-forward {metrics}"
    recipe = f" ({version['recipe']})" if version.get("recipe") else ""
    without = "" if version.get("artifact") else ", a record without artifact"
    return f"{version['version']}{recipe} registered by {author}{without}" + (f": {metrics}" if metrics else "")


def _scored(body: Body, author: str) -> str:
    bars, night, manifest = body.get("bars", 0), body.get("night", "?"), body.get("manifest", {})
    if (
        not bars
        and manifest.get("backfill")
        and not manifest.get("months")
        and list(manifest.get("nights", ())) == [night]
    ):
        through = "" if manifest.get("through") is None else f" to {say_time(str(manifest['through']))}"
        return f"evidence: the past{through} scored by walk-forward by {author}, before the first night ({night})"
    return f"evidence of night {night} scored by {author}: {bars:,} bars"


def _retired(body: Body, author: str) -> str:
    return f"{', '.join(body['versions'])} retired by {author}: {body['reason']}"


def _tagged(body: Body, author: str) -> str:
    if body.get("version") is None:
        return f"tag '{body['tag']}' removed by {author}"
    return f"{body['version']} tagged '{body['tag']}' by {author}"


def _decided(body: Body, author: str) -> str:
    decision: str = body.get("sentence") or f"{body.get('reason', 'decided')}, by {author}"
    return f"{decision} (forced by {author}: {body.get('reason') or 'no reason'})" if body.get("forced") else decision


def _rolled_back(body: Body, author: str) -> str:
    skipped = body.get("skipped", ())
    gone = f" ({', '.join(skipped)} skipped: no artifact)" if skipped else ""
    return f"rolled back from {body['from']} to {body['version']}{gone} by {author}: {body['reason']}"


def _frozen(body: Body, author: str) -> str:
    until = f" until {say_time(body['until'])}" if body.get("until") else " until a person unfreezes it"
    return f"frozen{until} by {author}: {body['reason']}"


_RESET_NAMES = {
    "time": "clock",
    "as_of": "as-of",
    "night": "last decided night",
    "evidence_since": "start of evidence",
    "evidence_after": "evidence counted after",
    "watermark": "evidence",
    "seen": "newest entry seen of the other log",
}


def resets_in_words(reset: Mapping[str, Mapping[str, Any]]) -> str:
    """What a repair reset, each from what and to what, where it says to what."""
    parts = []
    for name, values in reset.items():
        end = f" to {_reset_value(values['to'])}" if "to" in values else ""
        parts.append(f"{_RESET_NAMES.get(name, name)} {'from ' if end else ''}{_reset_value(values['from'])}{end}")
    return ", ".join(parts)


def _reset_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value["n"]) if "sha256" in value else f"through {say_time(str(value.get('through')))}"
    return "none" if value is None else say_time(str(value))


def _repacked(body: Body, author: str) -> str:
    names = sorted(body["replaced"], key=lambda name: (len(name), name))
    size = sum(said["size"] for said in body["replaced"].values()) / 1e6
    return f"{listed(names, most=3)} repacked by {author}, now {size:,.1f} MB: {body['reason']}"


def _repaired(body: Body, author: str) -> str:
    return f"repaired by {author}, {resets_in_words(body['reset'])}: {body['reason']}"


_SENTENCES: dict[str, Callable[[Body, str], str]] = {
    "registered": _registered,
    "scored": _scored,
    "retired": _retired,
    "tagged": _tagged,
    "promoted": _decided,
    "held": _decided,
    "returned": _decided,
    "rolled_back": _rolled_back,
    "frozen": _frozen,
    "unfrozen": lambda body, author: f"unfrozen by {author}: {body['reason']}",
    "suspended": lambda body, author: f"suspended (production stands aside) by {author}: {body['reason']}",
    "resumed": lambda body, author: f"resumed by {author}: {body['reason']}",
    "repacked": _repacked,
    "repaired": _repaired,
    "policy": lambda body, author: f"policy changed by {author}: {body['reason']}",
}
