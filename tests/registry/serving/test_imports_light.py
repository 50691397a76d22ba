"""What ``import registry`` brings along: nothing heavy, nothing of the flows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import registry

HEAVY = ("prefect", "sklearn", "skops", "pandas", "scipy", "boto3", "botocore", "flows", "cryptography", "pydantic")


def loaded_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    root = Path(registry.__file__).parents[1]
    told = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    return set(told.stdout.split())


def test_import_registry_loads_nothing_heavy():
    assert loaded_after("import registry").isdisjoint(HEAVY)


def test_a_registry_in_a_folder_needs_no_s3_client(tmp_path):
    code = f"import registry\nregistry.Registry({str(tmp_path)!r}).models()"
    assert loaded_after(code).isdisjoint(HEAVY)


@pytest.mark.parametrize("name", registry.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    public = getattr(registry, name)
    assert name == "NewId" or public.__doc__
