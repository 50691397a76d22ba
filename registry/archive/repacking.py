"""Archives of older formats in the present one: the arrays alone where they say what the estimator beside them says.

Archives of format 1 hold a model twice, as arrays and as scikit-learn's estimator in a ``skops`` file. Whoever writes
one today keeps the arrays alone. :func:`repacked` makes the same of an old one, and proves it: the members that stay
are the same bytes, and the old arrays, the new and the estimator are asked for a thousand rows on thresholds and beside
them, and for the rows of the probe. Nothing else of the archive changes.
"""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from registry.archive import portable
from registry.archive.archive import FORMAT, HEAD, MODEL, Archive, unpack
from registry.archive.canonical_zip import canonical_zip
from registry.archive.probe import ask, probe_rows, up_column
from registry.errors import NotPortable
from registry.format.entries import canonical, digest


def is_old(archive: Archive) -> bool:
    """Whether it holds the estimator beside its arrays, so that :func:`repacked` could make it smaller."""
    return archive.has_estimator and archive.not_portable is None


def repacked(archive: Archive) -> bytes:
    """The archive in the present format, for one of which :func:`is_old` holds; equal archives give equal bytes.

    Raises :class:`NotPortable` where the scores are not the same to 1e-12, or where the estimator cannot be asked here
    because a library is not installed, and :class:`UnsafeArtifact` where it cannot be read: such an archive stays.
    """
    head = json.loads(archive.members[HEAD]) | {"format": FORMAT}
    arrays = {name: data for name, data in archive.members.items() if name not in (HEAD, MODEL)}
    data = canonical_zip({**arrays, HEAD: canonical(head)})
    again = unpack(data, sha256=digest(data), where="the repacked archive")
    _prove_same(archive, again)
    return data


def _prove_same(archive: Archive, again: Archive) -> None:
    form = again.form
    if form is None or archive.form is None:
        raise NotPortable("it holds no arrays")
    rows = np.concatenate((portable.rows_for(form), probe_rows(form.features)))
    expected = archive.form.up(rows)
    _prove_equal(expected, again.up(rows), len(rows), "its arrays")
    estimator = archive.estimator()
    _prove_equal(expected, ask(estimator, up_column(estimator), rows), len(rows), "its estimator")


def _prove_equal(expected: npt.NDArray[np.float64], found: npt.NDArray[np.float64], rows: int, whose: str) -> None:
    difference = float(np.abs(expected - found).max())
    if not difference <= portable.TOLERANCE:
        raise NotPortable(f"{whose} and what is served differ by up to {difference:.1e} on {rows:,} rows")
