"""Archives: equal models give equal bytes; what was changed, grown or smuggled in is refused before it is used."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from registry.archive import archive as artifact
from registry.archive.archive import ARRAYS, HEAD, MODEL, Archive, pack, unpack
from registry.archive.input_schema import InputSchema
from registry.errors import Corrupt, FormatTooNew, UnsafeArtifact
from registry.format.entries import canonical, digest
from tests.registry.archives import members, opened, pack_as_format_1, zipped

SIGNATURE = InputSchema(("rsi_14", "atr_14"))
ESTIMATORS = {
    "forest": lambda: RandomForestClassifier(n_estimators=5, max_depth=3, random_state=7),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=5, random_state=7),
    "pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
}


def fitted(kind: str):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 2))
    return ESTIMATORS[kind]().fit(x, x[:, 0] + rng.normal(size=400) > 0)


@cache
def packed(kind: str = "forest") -> bytes:
    return pack(fitted(kind), SIGNATURE)


@cache
def first_format() -> bytes:
    """The estimator stands beside its arrays."""
    return pack_as_format_1(fitted("forest"), SIGNATURE)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_equal_fits_give_equal_archives_that_predict_the_same(kind):
    first, again = fitted(kind), fitted(kind)
    data = pack(first, SIGNATURE)
    assert pack(again, SIGNATURE) == data
    x = np.random.default_rng(2).normal(size=(50, 2))
    archive = opened(data)
    assert archive.signature == SIGNATURE
    np.testing.assert_allclose(archive.up(x), first.predict_proba(x)[:, 1], rtol=0, atol=1e-15)


IN_ANOTHER_PROCESS = """
import sys
sys.path[:0] = sys.argv[1:]
from tests.registry.archive.test_artifact_archive import ESTIMATORS, digest, packed
print(*(digest(packed(kind)) for kind in ESTIMATORS))
"""


def test_equal_fits_give_equal_archives_in_two_processes():
    paths = [path for path in sys.path if path]
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, *paths]
    env = {**os.environ, "PYTHONHASHSEED": "123"}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout.split()
    assert told == [digest(packed(kind)) for kind in ESTIMATORS]


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_changed_byte_is_seen(place, change):
    data = bytearray(packed())
    data[place % len(data)] ^= change
    with pytest.raises(Corrupt, match="here has SHA-256"):
        unpack(bytes(data), sha256=digest(packed()), where="here")


@pytest.mark.parametrize("length", [0, 1, 21, 1000, -1])
def test_a_truncated_archive_is_refused_whether_or_not_its_digest_fits(length):
    data = packed()[:length]
    with pytest.raises(Corrupt):
        unpack(data, sha256=digest(packed()), where="here")
    with pytest.raises(UnsafeArtifact, match="here"):
        opened(data)


@pytest.mark.parametrize(
    "name",
    ["evil.py", "../evil", "/etc/passwd", "arrays/../../evil", "arrays/", "arrays/a b", "MODEL.SKOPS", "arrays/a/b"],
)
def test_a_member_that_does_not_belong_is_refused(name):
    with pytest.raises(UnsafeArtifact, match="do not belong"):
        opened(zipped({**members(packed()), name: b"x"}))


def test_a_place_for_arrays_is_kept():
    archive = opened(zipped({**members(packed()), f"{ARRAYS}tree_1.npy": b"x"}))
    assert archive.members[f"{ARRAYS}tree_1.npy"] == b"x"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused():
    buffer = io.BytesIO(packed())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(HEAD, b"{}")
    with pytest.raises(UnsafeArtifact, match="do not belong"):
        opened(buffer.getvalue())


@pytest.mark.parametrize("missing", [HEAD, MODEL])
def test_a_missing_member_is_named(missing):
    content = {name: value for name, value in members(first_format()).items() if name != missing}
    with pytest.raises(UnsafeArtifact, match=missing):
        opened(zipped(content))


@pytest.mark.parametrize("missing", [HEAD, f"{ARRAYS}form.json"])
def test_a_missing_member_of_arrays_alone_is_named(missing):
    content = {name: value for name, value in members(packed()).items() if name != missing}
    with pytest.raises(UnsafeArtifact, match=missing if missing == HEAD else MODEL):
        opened(zipped(content))


@pytest.mark.parametrize(
    "head",
    [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"{}", b'{"format":1}', b'{"format":"1","signature":{}}',
     b'{"format":1,"signature":{"features":["import os"]}}', b'{"format":1,"signature":[]}'],
)  # fmt: skip
def test_a_head_that_is_no_head_is_refused(head):
    with pytest.raises(UnsafeArtifact, match=HEAD):
        opened(zipped({**members(packed()), HEAD: head}))


def test_an_archive_with_expressions_has_a_format_that_older_readers_refuse_and_is_the_same_in_every_process():
    estimator = GaussianNB().fit([[0.0, 1.0], [2.0, 3.0], [1.0, 0.0], [4.0, 2.0]], [0, 1, 0, 1])
    plain, looking_back = pack(estimator, SIGNATURE), pack(estimator, InputSchema(("lag(rsi_14, 1)", "hour")))
    assert json.loads(members(plain)[HEAD])["format"] == 1
    assert json.loads(members(looking_back)[HEAD])["format"] == 2
    again = opened(looking_back)
    assert again.signature == InputSchema(("lag(rsi_14, 1)", "hour"))
    assert pack(again.estimator(), again.signature) == looking_back


def test_an_archive_of_a_newer_format_is_refused():
    head = canonical({"format": 3, "signature": SIGNATURE.to_dict()})
    with pytest.raises(FormatTooNew, match="upgrade"):
        opened(zipped({**members(packed()), HEAD: head}))


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch, snapshot):
    monkeypatch.setattr(artifact, "MAX_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(UnsafeArtifact, match="1 MiB") as refused:
        opened(zipped({**members(packed()), f"{ARRAYS}zeros": bytes(2 << 20)}))
    assert str(refused.value) == snapshot


def test_a_bomb_inside_the_model_is_refused_before_it_is_unpacked(monkeypatch):
    inner = zipped({**members(members(first_format())[MODEL]), "zeros.npy": bytes(2 << 20)})
    archive = opened(zipped({**members(first_format()), MODEL: inner}))
    monkeypatch.setattr(artifact, "MAX_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(UnsafeArtifact, match="would unpack"):
        archive.estimator()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_packing_method_is_refused(method):
    with pytest.raises(UnsafeArtifact, match="another method"):
        opened(zipped(members(packed()), method))


def test_a_member_damaged_inside_an_archive_with_a_fitting_digest_is_refused():
    data = bytearray(first_format())
    middle = data.index(MODEL.encode()) + 2000
    data[middle : middle + 50] = bytes(50)
    archive = opened(bytes(data))  # unpacked when it is asked for
    with pytest.raises(UnsafeArtifact, match=r"is damaged in model\.skops"):
        archive.estimator()


def with_schema(change) -> Archive:
    """An archive whose skops schema was edited; its digest fits."""
    inner = members(members(first_format())[MODEL])
    schema = json.loads(inner["schema.json"])
    change(schema)
    model = zipped({**inner, "schema.json": json.dumps(schema).encode()}, zipfile.ZIP_STORED)
    return opened(zipped({**members(first_format()), MODEL: model}))


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("sklearn.utils", "Bunch")]
)
def test_a_type_that_is_not_allowed_is_named_and_not_made(module, name):
    archive = with_schema(lambda schema: schema.update(__module__=module, __class__=name))
    with pytest.raises(UnsafeArtifact, match=rf"not allowed: .*{name}|cannot be read"):
        archive.estimator()


def test_a_model_with_a_function_inside_is_refused_when_it_is_packed():
    with pytest.raises(UnsafeArtifact, match=r"posix\.getcwd"):
        pack(make_pipeline(FunctionTransformer(os.getcwd), LogisticRegression()), SIGNATURE)


@given(st.data())
@settings(max_examples=60)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_an_edited_schema_is_refused_or_loads_but_never_fails_otherwise(data):
    def edit(schema):
        spots = [*_spots(schema)]
        node, name = spots[data.draw(st.integers(0, len(spots) - 1))]
        wrong = data.draw(st.sampled_from([None, 5, -1, 1e308, "x", "os.system", [], {}, {"__loader__": "JsonNode"}]))
        node[name] = wrong

    try:
        with_schema(edit).estimator()
    except UnsafeArtifact:
        pass


def _spots(node):
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in pairs:
        yield node, name
        yield from _spots(value)
