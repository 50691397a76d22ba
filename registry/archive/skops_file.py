"""An estimator as ``skops`` writes it, made canonical: equal estimators give equal bytes.

``skops`` alone is not reproducible: it names members and nodes after the addresses of objects. Here nodes are
numbered by their first appearance. Scalars get a number each time they appear, since whether two equal ones
are the same object depends on the interpreter; sharing of arrays and objects is kept.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from registry.archive.canonical_zip import canonical_zip
from registry.archive.vetting import SCHEMA, vet_file
from registry.extras import needing
from registry.format.entries import canonical

_PROTOCOL = 2
"""Of ``skops``, whose parts are known to make the file that its ``dumps`` makes."""


def skops_file(estimator: Any) -> bytes:
    """The canonical file of a fitted estimator.

    Raises :class:`~registry.errors.UnsafeArtifact` where it holds what :mod:`registry.archive.vetting` does not allow.
    """
    with needing("nights", "the archive of an estimator"):
        schema, dumped = _in_parts(estimator) or _whole(estimator)
    renamed: dict[str, str] = {}
    _renumber(schema, {}, renamed)
    members = {new: dumped[old] for old, new in renamed.items()}
    members[SCHEMA] = canonical(schema)
    vet_file(members, schema)
    # stored, not deflated: the archive around it deflates
    return canonical_zip(members, deflated=False)


class _Members(dict[str, bytes]):
    """Stands for the zip file that ``skops`` writes to: it would only be taken apart again."""

    def writestr(self, name: str, data: Any) -> None:
        self[name] = bytes(data)

    def namelist(self) -> _Members:
        return self


def _in_parts(estimator: Any) -> tuple[dict[str, Any], Mapping[str, bytes]] | None:
    """Schema and members by the steps of ``skops.io.dumps``, in a third of its time, most of which is indenting.

    None where this ``skops`` has other steps.
    """
    import skops.io

    try:
        from skops.io._utils import SaveContext, get_state

        members = _Members()
        context = SaveContext(zip_file=members)
        if context.protocol != _PROTOCOL:
            return None
        schema = get_state(estimator, context)
    except (ImportError, AttributeError, TypeError):
        return None
    named = schema | {"protocol": context.protocol, "_skops_version": skops.__version__}
    read: dict[str, Any] = json.loads(json.dumps(named))  # tuples become lists, as in a file
    return read, members


def _whole(estimator: Any) -> tuple[dict[str, Any], Mapping[str, bytes]]:
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(members[SCHEMA]), members


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
