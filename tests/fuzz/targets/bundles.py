"""Bundles of a decision: checked by the script that needs nothing of this project."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from functools import cache
from random import Random
from typing import Any

from registry.errors import RegistryError
from registry.exchange.bundle import bundle
from registry.format.entries import canonical
from tests.fuzz.mutating import of_bytes, of_json, unzipped
from tests.fuzz.target import TYPED, Target
from tests.registry.bundles import GATE, TRAINER, decided, the_script

ROLES = {bytes.fromhex(signer.public): signer.role for signer in (GATE, TRAINER)}


@cache
def seeds() -> list[bytes]:
    return [bundle(decided(), 1), bundle(decided(), 2)]


def mutate(random: Random, data: bytes) -> bytes:
    members = unzipped(data)
    if not members or random.random() < 0.05:
        return of_bytes(random, data)
    name = random.choice([*members])
    if random.random() < 0.05:
        members.pop(name)
    elif random.random() < 0.1:
        members[name] = of_bytes(random, members[name])
    else:
        try:
            members[name] = canonical(of_json(random, json.loads(members[name])))
        except (ValueError, RegistryError):
            members[name] = of_bytes(random, members[name])
    return _chained(members)


def _chained(members: dict[str, bytes]) -> bytes:
    """The bundle of a forger: entries chained anew, digests named anew, the seal made anew."""
    try:
        head = json.loads(members["bundle.json"])
        for log in ("decisions", "versions"):
            before = None
            for n in sorted(int(name.split("/")[1][:-5]) for name in members if name.startswith(f"{log}/")):
                name = f"{log}/{n}.json"
                entry = json.loads(members[name])
                if before is not None:
                    entry["previous"] = hashlib.sha256(before).hexdigest()
                before = members[name] = canonical(entry)
        last = members[f"decisions/{head['decision']}.json"]
        members["bundle.json"] = canonical({**head, "decision_sha256": hashlib.sha256(last).hexdigest()})
    except (ValueError, LookupError, TypeError, AttributeError, RegistryError):
        pass  # what is no bundle any more is sealed as it is
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
        archive.comment = b"0" * 64
    body = buffer.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def run(data: bytes) -> None:
    lines = the_checker().check_bundle(data, None, ROLES if data[-1] % 8 == 0 else {})
    assert all(isinstance(line, str) for line in lines)


@cache
def the_checker() -> Any:
    return the_script()


def target() -> Target:
    return Target("bundles", seeds, mutate, run, allowed=(*TYPED, *the_checker().UNREADABLE))
