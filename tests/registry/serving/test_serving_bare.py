"""Serving where scikit-learn is not installed: a virtual environment with numpy and an S3 client, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import venv
from pathlib import Path

import numpy as np
import pytest

import registry
from registry import VersionRecord
from registry.store.folder import FolderStore
from tests.registry.actors import NAME, a_model, promote
from tests.registry.archives import fitted, lesson, packed

INSTALLED = ("numpy", "boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
"""numpy, and boto3 with what it needs."""
MISSING = ("sklearn", "skops", "scipy", "joblib", "pandas", "prefect", "pydantic")

SERVE = """
import importlib.util, json, sys
place, name, rows = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
found = [each for each in %r if importlib.util.find_spec(each)]
assert not found, f"not bare: {found}"
import registry, registry.store.s3, boto3
try:
    with registry.follow(name, url=place) as champion:
        said = champion.predict(rows)
except registry.RegistryError as error:
    sys.exit(f"{type(error).__name__}: {error}")
told = {"score": said.score.tolist(), "says": said.says, "from": said.served_from, "bars": said.expected.bars}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new virtual environment; what is installed in it is linked from this one."""
    home = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(home, symlinks=True)
    [site] = home.glob("lib/python*/site-packages")
    for package in INSTALLED:
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.origin is not None
        place = Path(spec.origin)
        place = place.parent if place.name == "__init__.py" else place
        (site / place.name).symlink_to(place)
        libraries = place.parent / f"{package}.libs"
        if libraries.exists():
            (site / libraries.name).symlink_to(libraries)
    (site / "registry").symlink_to(Path(registry.__file__).parent)
    return home / "bin" / "python"


def serve(bare: Path, tmp_path: Path, kind: str) -> subprocess.CompletedProcess[str]:
    """A champion of this kind, served by the bare Python for the first 20 rows of the lesson."""
    model = a_model(FolderStore(tmp_path / "registry"))
    record = VersionRecord(metrics={"accuracy": 0.51}, measured_on={"bars": 100})
    promote(model, model.register(packed(kind), record, author="trainer"))
    x = lesson()[0][:20]
    rows = json.dumps({"rsi_14": x[:, 0].tolist(), "atr_14": x[:, 1].tolist()})
    command = [str(bare), "-I", "-c", SERVE % (MISSING,), str(tmp_path / "registry"), NAME, rows]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["random forest", "extra trees", "boosting", "scaled logistic"])
def test_a_process_without_scikit_learn_serves_the_champion(bare, tmp_path, kind):
    done = serve(bare, tmp_path, kind)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    expected = fitted(kind).predict_proba(lesson()[0][:20])[:, 1]
    np.testing.assert_allclose(said["score"], expected, rtol=0, atol=1e-15)
    assert (said["from"], said["bars"]) == ("arrays", 100)
    assert said["says"] == ["up" if p > 0.5 else "down" for p in expected]


def test_what_has_no_data_only_form_says_what_it_needs(bare, tmp_path, snapshot):
    done = serve(bare, tmp_path, "naive Bayes")
    assert done.returncode == 1
    refused = done.stderr.splitlines()[-1]
    assert "NotPortable: " in refused and "scikit-learn and skops" in refused and "GaussianNB" in refused
    assert refused == snapshot
