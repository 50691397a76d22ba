"""Archives made to hurt: one thing of a good archive changed, as somebody would who knows how it is read."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest

from registry.archive.archive import MODEL
from registry.archive.portable.npy import from_npy, to_npy
from tests.registry.archives import (
    members,
    nodes_of,
    packed_with_estimator,
    with_model_member,
    with_schema,
)


def claiming(count: int) -> bytes:
    """An array file whose header asks for ``count`` numbers and which holds one."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": (count,)})
    return buffer.getvalue() + bytes(8)


def pickled() -> bytes:
    """An array of objects, as numpy would read it with pickle allowed."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([print], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def doubled() -> bytes:
    buffer = io.BytesIO(packed_with_estimator())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(MODEL, b"another")
    return buffer.getvalue()


def encrypted() -> bytes:
    data = bytearray(packed_with_estimator())
    at = data.index(b"PK\x01\x02") + 8  # the flags of the first entry of the directory
    data[at] |= 1
    return bytes(data)


def made_by(loader: str, kind: str) -> Any:
    def change(schema: Any) -> None:
        module, _, name = kind.rpartition(".")
        schema["content"]["content"]["n_jobs"] = {
            "__loader__": loader, "__module__": module, "__class__": name, "__id__": 10**6, "content": {},
        }  # fmt: skip

    return with_schema(change)


def tree_state(name: str, value: Any) -> bytes:
    def change(schema: Any) -> None:
        nodes_of(schema, "TreeNode")[0]["content"]["content"][name]["content"] = json.dumps(value)

    return with_schema(change)


def tree_argument(place: int, value: Any) -> bytes:
    def change(schema: Any) -> None:
        nodes_of(schema, "TreeNode")[0]["__reduce__"]["args"]["content"][place]["content"] = json.dumps(value)

    return with_schema(change)


def other_nodes_by_number() -> bytes:
    """The first tree names good nodes, under the number of another array, which skops would put in their place."""

    def change(schema: Any) -> None:
        arrays = nodes_of(schema, "NdArrayNode", "ndarray")
        later = nodes_of(schema, "TreeNode")[0]["content"]["content"]["nodes"]
        later["__id__"] = next(node["__id__"] for node in arrays if node["file"] != later["file"])

    return with_schema(change)


def set_field(field: str, at: int, value: float) -> Any:
    def change(nodes: np.ndarray) -> np.ndarray:
        nodes[field][at] = value
        return nodes

    return change


def attribute(kind: str, name: str, content: str) -> bytes:
    """An attribute of the first estimator of this class set to a plain value."""

    def change(schema: Any) -> None:
        found = nodes_of(schema, "ObjectNode", kind)
        found[-1]["content"]["content"][name]["content"] = content

    return with_schema(change, "boosting" if "Boosting" in kind or "Mapper" in kind else "random forest")


def category_bins() -> bytes:
    inner = members(members(packed_with_estimator("boosting"))[MODEL])
    schema = json.loads(inner["schema.json"])
    file = nodes_of(schema, "ObjectNode", "_BinMapper")[0]["content"]["content"]["is_categorical_"]["file"]
    return with_model_member(file, to_npy(np.ones_like(from_npy(inner[file], file))), "boosting")


def loss_with_arguments() -> bytes:
    def change(schema: Any) -> None:
        nodes_of(schema, "LossNode")[0]["content"]["content"]["power"] = schema["content"]["key_types"]

    return with_schema(change, "boosting")


def a_list(schema: Any) -> None:
    kept = nodes_of(schema, "ListNode")[0]
    envelope = {name: value for name, value in schema.items() if name in ("protocol", "_skops_version")}
    schema.clear()
    schema.update(kept | envelope)
