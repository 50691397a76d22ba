"""What a training job can do to production with a trainer's rights alone, used without this package: nothing.

Each test is an attack that was done: it plants what a night would find, and looks at what the night makes of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from registry.errors import RegisteredOtherwise
from tests.flows.nights import Nights, at

pytestmark = pytest.mark.usefixtures("quickly_calibrated")


def test_a_version_planted_under_the_nights_own_keys_is_not_promoted(
    tmp_path: Path, june: Path, snapshot: SnapshotAssertion
):
    """The keys are found by the same night in a registry of one's own; the archive is another recipe's."""
    scratch = Nights(tmp_path / "scratch", june)
    scratch(at(3), accept_unskilled=True)
    found = [entry for entry in scratch.model.versions.walk() if entry.kind == "registered"][::-1]
    nights = Nights(tmp_path / "production", june)
    other = scratch.model.version("v2").record
    planted = scratch.model.store.get(str(other.artifact))
    record = scratch.model.version("v1").record
    nights.model.register(planted, record, author="night", key=found[0].key, as_of=at(3))
    with pytest.raises(RegisteredOtherwise) as refused:
        nights(at(3), accept_unskilled=True)
    assert nights.model.champion() is None
    assert str(refused.value) == snapshot
