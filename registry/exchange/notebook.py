"""Importing the registry of a notebook: a JSON index of versions, with or without pickles beside it.

The index is what a small class in a notebook writes::

    {"models": {"rf": [{"version": "v1", "timestamp": "2026-02-11T16:48:58", "author": "ann",
                        "params": {...}, "metrics": {...}, ...}]},
     "published": [{"model_name": "rf", "version": "v1", "published_at": "..."}]}

Every version becomes a version here, in the same order; fields that are not known are kept in its details. The pickles
stay closed, since opening one runs whatever is in it: the versions are records without artifact, which can be compared
and not loaded. With ``trust_pickles`` each pickle is opened once, here, and what was in it is stored as an archive.

Importing again adds only what is new. Nothing is promoted: whether one of them goes to production is a decision.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from registry.clock import write_time
from registry.errors import InvalidName, InvalidRequest
from registry.exchange.pickles import OpenedPickle, open_pickle
from registry.format import keys
from registry.format.checks import YEARS
from registry.format.entries import key_digest
from registry.format.records import VersionRecord
from registry.log.parallel import Progress, quiet
from registry.model.trainer import ModelTrainer
from registry.model.version import Version
from registry.registry import Registry

_LARGEST = 1 << 53
"""Of whole numbers: a metric beyond is none, and is kept in the details as it stands."""
KNOWN = ("version", "timestamp", "author", "params", "metrics")


@dataclass(frozen=True)
class Imported:
    """One version of the index: ``original`` is its name there, ``version`` here; ``added`` is false where it was
    imported before. ``loadable``: whether it has an artifact."""

    model: str
    original: str
    version: str
    added: bool
    loadable: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "original": self.original,
            "version": self.version,
            "added": self.added,
            "loadable": self.loadable,
        }


@dataclass(frozen=True)
class NotebookVersion:
    """One version as the index holds it: ``moment`` in UTC, ``extra`` the fields that are not of the index's own."""

    name: str
    moment: datetime
    timestamp: str
    author: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    features: tuple[str, ...]
    extra: Mapping[str, Any]
    published: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportOptions:
    """What to take of an index, and how.

    ``model``: only this one of its models; ``name``: what it is called here (needed where the index's name may not
    stand in a key). ``zone``: of timestamps without one. ``trust_pickles``: open the pickles, which runs what is in
    them.
    """

    model: str | None = None
    name: str | None = None
    zone: tzinfo = UTC
    trust_pickles: bool = False


def import_notebook(
    registry: Registry,
    path: str | Path,
    *,
    author: str,
    options: ImportOptions | None = None,
    progress: Progress = quiet,
) -> list[Imported]:
    """Bring the versions of the index at ``path`` into ``registry``, oldest first; what is there already is left.

    ``author`` does the import; the original author and time are kept in the details and are what histories show.

    Raises :class:`InvalidRequest` with all faults of the file, or for a pickle that cannot be opened; then nothing was
    written.
    """
    index, options = Path(path), options or ImportOptions()
    models = _chosen_models(index, options)
    names = {original: keys.check_name(options.name or original) for original in models}
    prepared = {
        original: [
            (version, _opened(index, original, version) if options.trust_pickles else None) for version in versions
        ]
        for original, versions in models.items()
    }
    imported: list[Imported] = []
    for original, versions in prepared.items():
        target = registry.model(names[original], role="trainer")
        earlier = _imported_before(target)
        for notebook_version, opened in versions:
            key = key_digest(["notebook", original, _identity(notebook_version)])
            version = earlier.get(key)
            added = version is None or (opened is not None and version.record.artifact is None)
            if added:
                version = _register(target, original, notebook_version, key, opened, author)
            assert version is not None, "it was there, or it was added"
            loadable = version.record.artifact is not None
            progress(f"importing {original}", len(imported) + 1, sum(map(len, models.values())))
            imported.append(Imported(names[original], notebook_version.name, version.record.version, added, loadable))
    return imported


def _chosen_models(index: Path, options: ImportOptions) -> dict[str, list[NotebookVersion]]:
    """The models of the index that the options name, with their versions."""
    models, model = read_index(index, options.zone), options.model
    if model is not None and model not in models:
        raise InvalidRequest(f"{index} has no model {model!r}; it has: {', '.join(models) or 'none'}")
    chosen = models if model is None else {model: models[model]}
    if options.name is not None and len(chosen) != 1:
        raise InvalidRequest(f"{index} has {len(chosen)} models; say which is to be called {options.name!r}")
    return chosen


def _opened(index: Path, model: str, version: NotebookVersion) -> OpenedPickle | None:
    return open_pickle(index, model, version.name, version.extra, version.features)


def read_index(path: Path, zone: tzinfo = UTC) -> dict[str, list[NotebookVersion]]:
    """The versions of version model in the index, in its order; :class:`InvalidRequest` with all its faults."""
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{path} is not the index of a notebook's registry: it is not JSON ({error})") from error
    models = values.get("models") if isinstance(values, dict) else None
    if not isinstance(models, dict) or not all(isinstance(versions, list) for versions in models.values()):
        raise InvalidRequest(
            f'{path} is not the index of a notebook\'s registry: it needs {{"models": {{name: [...]}}}}'
        )
    published = values.get("published", [])
    faults: list[str] = []
    versions = {name: _versions(name, versions, published, zone, faults) for name, versions in models.items()}
    if faults:
        raise InvalidRequest(f"{path} cannot be imported, nothing was written: {'; '.join(faults)}")
    return versions


def _versions(
    model: str, versions: list[Any], published: Any, zone: tzinfo, faults: list[str]
) -> list[NotebookVersion]:
    read: list[NotebookVersion] = []
    for at, values in enumerate(versions, start=1):
        where = f"version {at} of {model}"
        try:
            version = _version(values, zone)
        except (InvalidRequest, InvalidName) as error:
            faults.append(f"{where}: {error}")
            continue
        if any(version.name == other.name for other in read):
            faults.append(f"{where}: {version.name} is there twice")
            continue
        read.append(_with_published(version, model, published))
    return read


def _version(values: Any, zone: tzinfo) -> NotebookVersion:
    if not isinstance(values, dict):
        raise InvalidRequest("it is not an object")
    missing = [name for name in ("version", "timestamp", "params", "metrics") if name not in values]
    if missing:
        raise InvalidRequest(f"it has no {', '.join(missing)}")
    parameters, metrics = values["params"], values["metrics"]
    if not isinstance(parameters, dict) or not isinstance(metrics, dict):
        raise InvalidRequest("its params and metrics are not objects")
    numbers = {name: value for name, value in metrics.items() if _is_number(value)}
    extra = {name: value for name, value in values.items() if name not in KNOWN}
    other = {name: value for name, value in metrics.items() if name not in numbers}
    if other:
        extra["metrics"] = other
    features = values.get("features")
    listed = features if isinstance(features, list) and all(isinstance(feature, str) for feature in features) else ()
    timestamp = str(values["timestamp"])
    return NotebookVersion(
        name=keys.check_text(str(values["version"]), "its version", limit=100),
        moment=_moment(timestamp, zone),
        timestamp=timestamp,
        author=keys.check_author(str(values.get("author") or "unknown")),
        parameters=_plain(parameters),
        metrics={name: float(value) if math.isfinite(value) else None for name, value in numbers.items()},
        features=tuple(listed),
        extra=_plain(extra),
    )


def _with_published(version: NotebookVersion, model: str, published: Any) -> NotebookVersion:
    rows = published if isinstance(published, list) else []
    moments = [
        str(row.get("published_at"))
        for row in rows
        if isinstance(row, dict) and (row.get("model_name"), row.get("version")) == (model, version.name)
    ]
    return dataclasses.replace(version, published=tuple(moments))


def _imported_before(target: ModelTrainer) -> dict[str, Version]:
    """What was imported before by its key; where a record came first and its pickle later, the one with the artifact.

    Looked up in the records, since a state forgets idempotency keys.
    """
    imported: dict[str, Version] = {}
    for version in target.history():
        key = (version.record.details or {}).get("imported", {}).get("key")
        if key is not None and (key not in imported or version.record.artifact is not None):
            imported[key] = version
    return imported


def _register(
    target: ModelTrainer, model: str, version: NotebookVersion, key: str, opened: OpenedPickle | None, author: str
) -> Version:
    record = _record(model, version, key, None if opened is None else opened.environment)
    if opened is None:
        return target.register(None, record, author=author, key=key)
    return target.register(opened.archive, record, author=author, key=key_digest([key, "with its model"]))


def _record(model: str, version: NotebookVersion, key: str, environment: Mapping[str, str] | None) -> VersionRecord:
    imported = {
        "from": "notebook",
        "key": key,
        "model": model,
        "version": version.name,
        "timestamp": version.timestamp,
        "date": write_time(version.moment),
        "author": version.author,
        **({"published": list(version.published)} if version.published else {}),
        **({"extra": dict(version.extra)} if version.extra else {}),
    }
    return VersionRecord(
        parameters=version.parameters,
        metrics=version.metrics,
        features=version.features,
        environment=environment,
        details={"imported": imported},
    )


def _identity(version: NotebookVersion) -> list[Any]:
    return [version.name, version.timestamp, version.author, dict(version.parameters), dict(version.metrics)]


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
        moment = (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # OverflowError: the first day of the year 1 in a zone east of UTC
        raise InvalidRequest(f"its timestamp {text[:40]!r} is not a moment") from error
    if moment.year not in YEARS:
        raise InvalidRequest(f"its timestamp {text[:40]!r} is not between {YEARS[0]} and {YEARS[-1]}")
    return moment


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) <= _LARGEST
    return isinstance(value, float)


def _plain(value: Any) -> Any:
    """``value`` with numbers that JSON has no name for as text."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
