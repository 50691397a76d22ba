"""Exporting a version as files that can be read without this package: archive, record, decision, model card.

    export(model, "v12", Path("v12"))

::

    model.zip        the archive, byte for byte as its digest says; absent for a record without artifact
    version.json     the record, with date, author and the digest of the entry that registered it
    decision.json    the entry that last made it champion, with its record; absent where it never was champion
    README.md        the model card: a person's summary, in the sections that model hubs know

The same version gives the same bytes, until it is promoted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry.archive.archive import unpack
from registry.clock import say_time, write_time
from registry.errors import InvalidRequest
from registry.extras import needing
from registry.format.entries import Entry
from registry.format.records import VersionRecord
from registry.model import transitions
from registry.model.roles import Model
from registry.model.version import Version, author_of, dated
from registry.store.files import write_atomically

_FIGURES = "Figures say how it did on the bars named below, not what it will earn: costs are not in them."

ARCHIVE, RECORD, DECISION, CARD = "model.zip", "version.json", "decision.json", "README.md"


def export(model: Model, version: str | int, folder: str | Path) -> list[Path]:
    """Write the files of a version into ``folder`` (made where it is not there); the paths written, archive first.

    Raises :class:`VersionNotFound`, :class:`ArtifactMissing` where the named artifact is gone, :class:`Corrupt`, and
    :class:`InvalidRequest` where the folder holds one of these files with other content, or cannot be written.
    """
    chosen = model.version(version)
    entry = _decision_about(model, chosen)
    record = None if entry is None else model.decision_record(entry)
    files: dict[str, bytes] = {}
    if chosen.record.artifact is not None:
        files[ARCHIVE] = _archive(model, chosen)
    files[RECORD] = _json(_version_facts(model, chosen))
    if entry is not None:
        files[DECISION] = _json({"sentence": str(entry), "entry": entry.to_dict(), "record": record})
    files[CARD] = model_card(model.name, chosen, entry).encode()
    return _write(Path(folder), files)


def model_card(name: str, version: Version, decision: Entry | None) -> str:
    """The model card in Markdown, as ``skops.card`` writes it. ``decision``: the entry that made it champion."""
    with needing("nights", "a model card"):
        from skops.card import Card

    record = version.record
    card = Card(None, model_diagram=False, template=None)
    card.add(**{f"{name} {record.version}": _description(version, decision)})
    card.add(**{"Intended uses and limitations": "\n\n".join([*limits_of(version), _FIGURES])})
    card.add(**{"Training procedure": _training(version)})
    _table(card, "Training procedure/Hyperparameters", "Hyperparameter", record.parameters)
    _table(card, "Training procedure/Environment", "Package", record.environment or {})
    card.add(**{"Evaluation results": _evaluation(version)})
    _table(card, "Evaluation results/Metrics", "Metric", record.metrics)
    card.add(**{"How to get started": _usage(name, version)})
    card.add(**{"Model card authors": author_of(version)})
    text: str = card.render()
    return text.strip() + "\n"


def _decision_about(model: Model, version: Version) -> Entry | None:
    """The newest entry that made the version champion."""
    champion = model.champion()
    if champion is not None and champion.version == version.record.version:
        return model.decisions.read(champion.decision)
    head = model.decisions.head()
    for former in transitions.former_champions(head):
        if former.version == version.record.version:
            return model.decisions.read(former.decision)
    if head is None or len(transitions.former_champions(head)) < transitions.FORMER_KEPT:
        return None  # every former champion is remembered
    for entry in model.decisions.walk():
        if entry.kind in transitions.CHAMPION_KINDS and entry.body.get("version") == version.record.version:
            return entry
    return None


def _archive(model: Model, version: Version) -> bytes:
    key, sha256, data = model.archive_bytes(version.record)
    unpack(data, sha256=sha256, where=f"{model.store.url}/{key}")
    return data


def _version_facts(model: Model, version: Version) -> dict[str, Any]:
    return {
        "model": model.name,
        "date": write_time(dated(version)),
        "author": author_of(version),
        "entry": version.entry,
        "entry_sha256": model.versions.read(version.entry).digest,
        "record": version.record.to_dict(),
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _write(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    paths = {folder / name: data for name, data in files.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [path.name for path, data in paths.items() if path.exists() and path.read_bytes() != data]
        stale = [name for name in (ARCHIVE, DECISION) if name not in files and (folder / name).exists()]
        if others or stale:
            raise InvalidRequest(
                f"{folder} holds {', '.join([*others, *stale])} of something else: export into another folder"
            )
        for path, data in paths.items():
            write_atomically(path, data)
    except OSError as error:
        raise InvalidRequest(f"{error.filename or folder} cannot be written: {error.strerror or error}") from error
    return list(paths)


def purpose_of(record: VersionRecord) -> str:
    """What a version is for, in a sentence."""
    return f"Predicts whether {_question(record.label or {})}. Recipe: {record.recipe or 'not recorded'}."


def _question(label: Mapping[str, Any]) -> str:
    """What a label asks, in words."""
    kind, bars = label.get("kind", "next_bar"), label.get("bars", 1)
    if kind == "next_bar":
        return "the next bar closes higher"
    if kind == "triple_barrier":
        return f"the upper of two barriers is reached first within {bars} bars"
    return f"the close is higher {bars} bars later"


def _description(version: Version, decision: Entry | None) -> str:
    record = version.record
    lines = [purpose_of(record), f'Says "up" where its score is above {record.cut:g}.']
    if decision is not None:
        lines.append(f"Made champion on {decision.time:%Y-%m-%d}: {str(decision).rstrip('.')}.")
    else:
        lines.append("It never was champion.")
    return "\n\n".join(lines)


def limits_of(version: Version) -> list[str]:
    """What it is not, a sentence or two each."""
    lines = [
        "Its output is a score: it ranks rows and is no probability. While it is in production, `probability` is what "
        "the evidence supports of a score, or the base rate, and says which.",
    ]
    if version.record.simulated:
        lines.insert(0, "Trained on simulated bars: it says nothing about a market.")
    if version.record.artifact is None:
        lines.append("This is a record without artifact: there is no model to load.")
    return lines


def _training(version: Version) -> str:
    record = version.record
    rows = "" if record.rows is None else f"{record.rows:,} bars, "
    first, last = (None if text is None else say_time(text) for text in (record.trained_from, record.trained_to))
    span = f"{first or 'not recorded'} to {last or 'not recorded'}"
    features = ", ".join(f"`{feature}`" for feature in record.features) or "not recorded"
    lines = [f"Trained on {rows}{span}.", f"Features: {features}."]
    if record.dataset_fingerprint is not None:
        lines.append(f"Data fingerprint: `{record.dataset_fingerprint}`.")
    if record.seed is not None:
        lines.append(f"Seed: {record.seed}.")
    return "\n\n".join(lines)


def _evaluation(version: Version) -> str:
    measured = version.record.measured_on
    if measured is None:
        return "On which bars these figures were measured is not recorded."
    facts = [f"{name} {say_time(value) if isinstance(value, str) else value}" for name, value in measured.items()]
    lines = [f"Measured on: {', '.join(facts)}."]
    if measured.get("rule") == "stream":
        lines.append(
            f"The figures are the walk-forward of {version.record.recipe or 'its recipe'}: each bar predicted by the "
            "newest fit before it. They are not of this one version, which may have been trained on these bars."
        )
    return "\n\n".join(lines)


def _usage(name: str, version: Version) -> str:
    if version.record.artifact is None:
        return "There is no model to load."
    call = f'registry.load("{name}", "{version.record.version}", url="...")'
    sha256 = f"`{ARCHIVE}` beside this file has SHA-256 `{version.record.sha256}`."
    return f"```python\nimport registry\n\nloaded = {call}\n```\n\n{sha256}"


def _table(card: Any, section: str, title: str, values: Mapping[str, Any]) -> None:
    if not values:
        return
    cells = ["" if value is None else value for value in values.values()]
    card.add_table(**{section: {title: list(values), "Value": cells}})
    card.select(section).title = section.rpartition("/")[2]  # skops would head it with the whole path
