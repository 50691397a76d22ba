"""The variables that this project reads, so that a misspelt one is named and never silently without effect."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

PREFIX = "RETRAIN_"

_NAMES = (
    "alert_held alert_url approval_hours author budget cache clock conditions cores data feed feed_seconds fleet "
    "holidays instrument label look_minutes model ping_url recipes_file registry registry_id reports s3_addressing "
    "s3_encryption s3_kms_key s3_requester_pays sample settings short_days signing_key source_revision spreads stamped "
    "swap trusted_promoters trusted_trainers turn_minutes wait_minutes"
)

VARIABLES = tuple(f"{PREFIX}{name.upper()}" for name in _NAMES.split())
"""Every variable of nights and registry; docs/configuration.md says what each is for."""

# Kubernetes sets these in every pod beside a service whose name begins with "retrain"; nobody wrote them.
_OF_A_SERVICE = re.compile(r"RETRAIN(_[A-Z0-9_]+)?_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")


def unknown_variables(environ: Iterable[str]) -> str | None:
    """The sentence that names every ``RETRAIN_…`` variable which nothing reads; None where each is known."""
    unknown = sorted(
        name
        for name in environ
        if name.upper().startswith(PREFIX) and name not in VARIABLES and not _OF_A_SERVICE.fullmatch(name)
    )
    if not unknown:
        return None
    named = ", ".join(f"{name[:80]}{_meant(name)}" for name in unknown[:10])
    more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
    return f"nothing reads the variable {named}{more}: correct the name, or unset it; docs/configuration.md lists all"


def _meant(name: str) -> str:
    close = difflib.get_close_matches(name[:80].upper(), VARIABLES, n=1, cutoff=0.75)
    return f" (did you mean {close[0]}?)" if close else ""
