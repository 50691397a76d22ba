"""Zip files that depend on their members alone: equal members give equal bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_OWNER_ONLY = 0o600 << 16


def canonical_zip(members: Mapping[str, bytes], *, deflated: bool = True, comment: bytes = b"") -> bytes:
    """A zip file of these members, sorted and dated 1980-01-01, ``deflated`` at one level or stored."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
            info.create_system = _UNIX
            info.external_attr = _OWNER_ONLY
            archive.writestr(info, members[name], compresslevel=6)
        archive.comment = comment
    return buffer.getvalue()
