"""Opening a notebook's pickle once, where a person trusts it, to keep its model as an archive that runs no code.

Opening a pickle runs whatever its writer put into it. Only :func:`open_pickle` does, only for the importer, and only
when a person said ``--trust-pickles``.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from registry.archive.archive import pack
from registry.archive.input_schema import InputSchema
from registry.errors import InvalidRequest
from registry.extras import needing

_UNREADABLE = (
    pickle.UnpicklingError,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ImportError,
)
"""What ``pickle`` raises for bytes that are none, are cut off, or name what is not installed."""


@dataclass(frozen=True)
class OpenedPickle:
    """The archive of what was in a pickle, and which scikit-learn wrote that."""

    archive: bytes
    environment: Mapping[str, str]


def open_pickle(
    index: Path, model: str, version: str, extra: Mapping[str, Any], features: Sequence[str]
) -> OpenedPickle | None:
    """The model of a version, from ``<model>/<version>/model.pkl`` beside the index or the path that the index names.

    None where there is no such file. Its inputs are the index's features, else the columns the estimator was fitted
    on. Raises :class:`InvalidRequest` for a file that cannot be opened or holds no classifier of "up", and
    :class:`UnsafeArtifact` for one made of types that an archive may not hold.
    """
    named = extra.get("path")
    paths = [index.parent / model / version / "model.pkl"]
    if isinstance(named, str):
        paths.append(index.parent / named)
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return None
    estimator, release = _unpickled(path)
    columns = tuple(features) or tuple(getattr(estimator, "feature_names_in_", ()))
    if not callable(getattr(estimator, "predict_proba", None)) or not columns:
        raise InvalidRequest(
            f"{path} holds {type(estimator).__name__}: a version is a fitted classifier whose features the index or "
            "the classifier itself names"
        )
    expected = getattr(estimator, "n_features_in_", len(columns))
    if expected != len(columns):
        raise InvalidRequest(f"{path} was fitted on {expected} features, the index names {len(columns)}")
    with warnings.catch_warnings():
        # one fitted on a frame warns of every array it is asked about; the signature sees to names and order here
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        archive = pack(estimator, InputSchema.of_plain([str(column) for column in columns]))
    return OpenedPickle(archive, {"scikit-learn": release})


def _unpickled(path: Path) -> tuple[Any, str]:
    """What is in a pickle, and the scikit-learn that wrote it: this one, unless it warns of another."""
    with needing("nights", f"opening {path}"):
        ours = metadata.version("scikit-learn")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator = pickle.loads(path.read_bytes())
        except _UNREADABLE as error:
            raise InvalidRequest(f"{path} cannot be opened ({type(error).__name__}: {error})") from error
    others = [getattr(warning.message, "original_sklearn_version", None) for warning in caught]
    return estimator, next((str(other) for other in others if other is not None), ours)
