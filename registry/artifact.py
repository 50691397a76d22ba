"""The archive of one version: equal models give equal bytes, and reading one runs no code of its writer's.

A zip file whose members are sorted, dated 1980-01-01 and deflated at one level:

- ``archive.json``: format and input contract (:class:`~registry.signature.Signature`);
- ``model.skops``: the estimator as ``skops`` writes it, made canonical;
- ``arrays/...``: a data-only form for serving without scikit-learn (a place kept; see :data:`ARRAYS`).

``skops`` alone is not reproducible: it names members and nodes after the addresses of objects. Here nodes are
numbered by their first appearance. Scalars get a number each time they appear, since whether two equal ones
are the same object depends on the interpreter; sharing of arrays and objects is kept.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .entries import canonical, digest
from .errors import Corrupt, FormatTooNew, InvalidRequest, UnsafeArtifact
from .signature import Signature

FORMAT = 1
MODEL = "model.skops"
HEAD = "archive.json"
ARRAYS = "arrays/"
MAX_UNPACKED_BYTES = 1 << 30
TRUSTED_TYPES = frozenset(
    {
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    }
)
"""Types beyond those skops trusts by itself that an archive may hold."""

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted member, nesting without end
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    ImportError,
    ArithmeticError,
)
"""What the readers of zip, JSON and skops raise for bytes that are not what they expect."""

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Archive:
    """The members of an archive whose digest was checked. Nothing is parsed further until it is asked for."""

    members: Mapping[str, bytes]
    signature: Signature

    def estimator(self) -> Any:
        """The scikit-learn estimator; :class:`UnsafeArtifact` where a type is not on the allow-list."""
        import skops.io

        data = self.members[MODEL]
        _unzip(data, MODEL, allowed=lambda name: True)  # skops would unpack a bomb
        try:
            untrusted = set(skops.io.get_untrusted_types(data=data)) - TRUSTED_TYPES
            if untrusted:
                raise UnsafeArtifact(
                    f"the archive holds types that are not allowed: {', '.join(sorted(untrusted))}; it was not loaded"
                )
            return skops.io.loads(data, trusted=sorted(TRUSTED_TYPES))
        except _UNREADABLE as error:
            raise UnsafeArtifact(f"{MODEL} cannot be read ({type(error).__name__}: {error}); not loaded") from error


def pack(estimator: Any, signature: Signature) -> bytes:
    """The archive of a fitted scikit-learn estimator: the same bytes for equal models, in any process."""
    import skops.io

    head = {"format": FORMAT, "signature": signature.to_dict()}
    members = {HEAD: canonical(head), MODEL: _canonical_skops(skops.io.dumps(estimator))}
    return _zip(members, zipfile.ZIP_DEFLATED)


def unpack(data: bytes, *, sha256: str, where: str) -> Archive:
    """The archive in ``data`` after its SHA-256 was compared; :class:`Corrupt` or :class:`UnsafeArtifact` else."""
    found = digest(data)
    if found != sha256:
        raise Corrupt(
            f"{where} has SHA-256 {found[:12]}…, its entry says {sha256[:12]}…: damaged or replaced, not loaded"
        )
    members = _unzip(data, where, allowed=lambda name: name in (HEAD, MODEL) or _is_array(name))
    try:
        head = json.loads(members[HEAD])
        if head["format"] > FORMAT:
            raise FormatTooNew(f"{where} is an archive of format {head['format']}: upgrade this package")
        signature = Signature.from_dict(head["signature"])
    except (*_UNREADABLE, InvalidRequest) as error:
        raise UnsafeArtifact(f"{where}: {HEAD} is missing or unreadable ({error}); not loaded") from error
    if MODEL not in members:
        raise UnsafeArtifact(f"{where} holds no {MODEL}; not loaded")
    return Archive(members, signature)


def _unzip(data: bytes, where: str, *, allowed: Callable[[str], bool]) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            names = [info.filename for info in infos]
            stray = [name for name in names if not allowed(name)]
            if stray or len(set(names)) != len(names):
                raise UnsafeArtifact(f"{where} holds members that do not belong in it: {stray or names}; not loaded")
            if sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES:
                raise UnsafeArtifact(f"{where} would unpack to more than {MAX_UNPACKED_BYTES >> 20} MiB; not loaded")
            if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
                raise UnsafeArtifact(f"{where} is packed by another method than deflate; not loaded")
            return {name: archive.read(name) for name in names}
    except _UNREADABLE as error:
        raise UnsafeArtifact(f"{where} is not an archive ({error}); not loaded") from error


def _is_array(name: str) -> bool:
    rest = name.removeprefix(ARRAYS)
    return rest != name and rest.replace("_", "").replace(".", "").isalnum() and ".." not in rest


def _canonical_skops(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
        renamed: dict[str, str] = {}
        _renumber(schema, {}, renamed)
        members = {new: archive.read(old) for old, new in renamed.items()}
    members["schema.json"] = canonical(schema)
    # stored, not deflated: the archive around it deflates
    return _zip(members, zipfile.ZIP_STORED)


def _renumber(node: Any, ids: dict[int, int], renamed: dict[str, str]) -> None:
    """Number nodes and files by first appearance, depth first in sorted order of fields, in place."""
    if isinstance(node, list):
        for item in node:
            _renumber(item, ids, renamed)
    if not isinstance(node, dict):
        return
    if "__id__" in node and "__loader__" in node:
        if node["__loader__"] == "JsonNode":
            node["__id__"] = ids[-len(ids) - 1] = len(ids) + 1
        else:
            node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
        if isinstance(node.get("file"), str):
            suffix = node["file"].rpartition(".")[2]
            node["file"] = renamed.setdefault(node["file"], f"{len(renamed) + 1:06d}.{suffix}")
    for name in sorted(node):
        _renumber(node[name], ids, renamed)


def _zip(members: Mapping[str, bytes], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = method
            info.create_system = 3
            info.external_attr = 0o600 << 16
            archive.writestr(info, members[name], compresslevel=6)
    return buffer.getvalue()
