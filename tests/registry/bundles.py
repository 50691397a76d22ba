"""What the tests of bundles share: a signed decision with its evidence, the script that checks it, changes to it."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from functools import cache

import numpy as np
import pytest

from registry.model.evidence import ScoredNight
from registry.trust.signing import Signer
from tests.paths import ROOT
from tests.registry.actors import HandClock, a_model, night, promote, register
from tests.servers.stores import MemoryStore

SCRIPT = ROOT / "examples" / "check_bundle.py"
GATE, TRAINER = Signer("promoter", b"g" * 32), Signer("trainer", b"t" * 32)
KEYS = ["--promoter", GATE.public, "--trainer", TRAINER.public]
LARGE = {"sentence": "held: not better", "record": {"numbers": [i / 7 for i in range(500)]}}


def packed(values, dtype):
    return base64.b64encode(np.asarray(values, dtype).tobytes()).decode()


def sheet(day, p=(0.4, 0.6, float("nan")), label=(0, 1, 1), opens=(0, 15, 30)):
    """A night's scores of three bars, as the ledger writes them."""
    series = {"stream": "recipe:abc", "name": "rf", "version": "v1", "cut": 0.5, "p": packed(p, "<f8")}
    values = {
        "night": f"2024-05-{day:02d}",
        "live": True,
        "opens": packed([28_000_000 + day * 1440 + minute for minute in opens], "<i8"),
        "label": packed(label, "<u1"),
        "days": {},
        "replaced": [],
        "series": [series],
    }
    text = json.dumps({"format": 1, "sheets": [values]}, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


def scored(gate, day, **parts):
    return gate.score(
        ScoredNight(sheet(day, **parts), f"2024-05-{day:02d}", f"2024-05-{day:02d}T20:00:00.000000Z", bars=3),
        fold=lambda files: files[-1],
        author="gate",
    )


@cache
def decided(**parts):
    """v1 promoted by decision 3 on the evidence of two nights, then held by decision 5 with a record too large for the
    entry; all of it signed."""
    store, clock = MemoryStore(), HandClock()
    trainer = a_model(store, who=2, signer=TRAINER, clock=clock)
    gate = a_model(store, signer=GATE, clock=clock)
    version = register(trainer, "a")
    scored(gate, 2)
    first = scored(gate, 3, **parts)
    promote(gate, version, day=3, body={"sentence": "promoted: v1", "evidence": {"scored": first.n}})
    clock.pass_time(hours=1)
    register(trainer, "b")
    last = scored(gate, 4)
    body = {**LARGE, "evidence": {"scored": last.n}}
    gate.hold(expected=gate.champion(), author="gate", body=body, night=night(6))
    return gate


def checked(folder, data, *arguments):
    """(exit status, what it said) of the script in a process that has nothing of the registry."""
    path = folder / "decision.zip"
    path.write_bytes(data)
    program = [sys.executable, "-I", str(SCRIPT), str(path), *arguments]
    told = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in told.stderr
    return told.returncode, told.stdout + told.stderr


def the_script():
    """The script's functions, for the many cases that need no process of their own."""
    spec = importlib.util.spec_from_file_location("check_bundle", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refusal(script, data, *, digest=None, signers=()):
    roles = {bytes.fromhex(signer.public): signer.role for signer in signers}
    with pytest.raises(script.UNREADABLE) as raised:
        script.check_bundle(data, digest, roles)
    return str(raised.value)


def resealed(data, change):
    """The bundle of someone who changes members and makes the last 64 bytes anew."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.comment = b"0" * 64
    body = buffer.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def edited(name, **fields):
    """Changes fields of a JSON member, canonically."""

    def change(members):
        values = {**json.loads(members[name]), **fields}
        members[name] = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    return change
