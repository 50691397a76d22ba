"""The registry of a notebook brought over: every version, nothing run, nothing twice."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression

from registry import Registry
from registry.analysis.history import history_frame
from registry.errors import ArtifactMissing, InvalidName, InvalidRequest
from registry.exchange.notebook import ImportOptions, import_notebook
from tests.paths import SHARED_DATA
from tests.registry.actors import HandClock, counted_ids
from tests.servers.stores import MemoryStore

REAL = SHARED_DATA / "notebook_registry.json"

ONE = {
    "version": "v1",
    "timestamp": "2026-02-11T16:48:58.825398",
    "author": "ann",
    "params": {"n_estimators": 50, "missing": float("nan")},
    "metrics": {"accuracy": 0.5134, "f1_score": float("nan"), "report": {"up": 1}},
    "path": "models/rf/v1/model.pkl",
}
TWO = {
    "version": "v2",
    "timestamp": "2026-07-11T16:48:58+02:00",
    "params": {},
    "metrics": {"accuracy": 0.51},
    "features": ["rsi_14", "ema_20"],
    "algorithm": "RandomForest",
}
INDEX = {
    "models": {"rf": [ONE, TWO]},
    "published": [{"model_name": "rf", "version": "v1", "published_at": "2026-02-12T10:38:53"}],
}


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def written(folder, index=INDEX) -> Path:
    path = folder / "registry.json"
    path.write_text(json.dumps(index))
    return path


def a_registry() -> Registry:
    return Registry(MemoryStore(), clock=HandClock(), new_id=counted_ids())


def fitted(columns=2):
    x = np.random.default_rng(3).normal(size=(60, columns))
    return LogisticRegression().fit(x, (x[:, 0] > 0).astype(int))


def put_pickle(folder, value, version="v2"):
    place = folder / "rf" / version / "model.pkl"
    place.parent.mkdir(parents=True)
    place.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value))


def test_the_real_index_of_seven_versions():
    if not REAL.exists():
        pytest.skip("the folder shared/data beside the repository is missing: nothing to import")
    registry = a_registry()
    told = import_notebook(registry, REAL, author="bob")
    assert [(each.original, each.version, each.added, each.loadable) for each in told] == [
        (f"v{n}", f"v{n}", True, False) for n in range(1, 8)
    ]
    frame = history_frame(registry.model("rf_direction_classifier").history())
    assert list(frame["author"]) == ["JCLoirat"] * 3 + ["Test"] + ["JCLoirat"] * 2 + ["TestFlask"]
    assert frame["accuracy"][0] == 0.5134397817539919 and frame["param_n_estimators"][1] == 200
    assert str(frame["date"][6]) == "2026-02-12 11:10:29.535801+00:00"
    assert not any(each.added for each in import_notebook(registry, REAL, author="bob"))


def test_every_field_arrives(tmp_path):
    registry = a_registry()
    import_notebook(registry, written(tmp_path), author="bob")
    one, two = registry.model("rf").history()
    assert dict(one.record.metrics) == {"accuracy": 0.5134, "f1_score": None}
    assert dict(one.record.parameters) == {"n_estimators": 50, "missing": "nan"}
    imported = one.record.details["imported"]
    assert imported["timestamp"] == ONE["timestamp"] and imported["author"] == "ann"
    assert imported["published"] == ["2026-02-12T10:38:53"]
    assert imported["extra"] == {"path": "models/rf/v1/model.pkl", "metrics": {"report": {"up": 1}}}
    assert list(two.record.features) == ["rsi_14", "ema_20"]
    assert two.record.details["imported"]["extra"]["algorithm"] == "RandomForest"
    assert two.record.details["imported"]["author"] == "unknown" and two.author == "bob"
    assert two.record.details["imported"]["date"] == "2026-07-11T14:48:58.000000Z"


def test_times_without_a_zone_are_of_the_zone_that_is_given(tmp_path):
    registry = a_registry()
    import_notebook(registry, written(tmp_path), author="bob", options=ImportOptions(zone=ZoneInfo("Europe/Paris")))
    frame = history_frame(registry.model("rf").history())
    assert frame["date"][0].to_pydatetime() == datetime(2026, 2, 11, 15, 48, 58, 825398, tzinfo=UTC)


def test_importing_again_adds_only_what_is_new(tmp_path):
    registry = a_registry()
    import_notebook(registry, written(tmp_path), author="bob")
    before = registry.model("rf").versions.head()
    assert [each.added for each in import_notebook(registry, written(tmp_path), author="bob")] == [False, False]
    assert registry.model("rf").versions.head() == before
    grown = copy.deepcopy(INDEX)
    grown["models"]["rf"].append({**TWO, "version": "v3"})
    told = import_notebook(registry, written(tmp_path, grown), author="bob")
    assert [(each.version, each.added) for each in told] == [("v1", False), ("v2", False), ("v3", True)]


def test_an_import_into_a_model_with_versions_says_what_each_is_called_here(tmp_path):
    registry = a_registry()
    import_notebook(registry, written(tmp_path, {"models": {"rf": [{**TWO, "version": "v9"}]}}), author="bob")
    told = import_notebook(registry, written(tmp_path), author="bob")
    assert [(each.original, each.version) for each in told] == [("v1", "v2"), ("v2", "v3")]


def test_nothing_is_promoted_and_records_cannot_be_loaded(tmp_path):
    registry = a_registry()
    import_notebook(registry, written(tmp_path), author="bob")
    assert registry.model("rf").champion() is None
    with pytest.raises(ArtifactMissing, match="record without artifact"):
        registry.model("rf").load("v1")
    with pytest.raises(ArtifactMissing):
        registry.model("rf").force("v1", author="bob", reason="it was published")


def test_pickles_stay_closed(tmp_path):
    put_pickle(tmp_path, Trap(tmp_path / "sprung"))
    told = import_notebook(a_registry(), written(tmp_path), author="bob")
    assert not (tmp_path / "sprung").exists() and not any(each.loadable for each in told)


def test_a_trusted_pickle_becomes_an_archive_that_runs_no_code(tmp_path):
    model = fitted()
    put_pickle(tmp_path, model)
    registry = a_registry()
    told = import_notebook(registry, written(tmp_path), author="bob", options=ImportOptions(trust_pickles=True))
    assert [each.loadable for each in told] == [False, True], "there is no pickle of v1"
    archive = registry.model("rf").load("v2").archive
    assert archive.signature.features == ("rsi_14", "ema_20")
    assert registry.model("rf").version("v2").record.environment == {"scikit-learn": sklearn.__version__}
    x = np.random.default_rng(4).normal(size=(20, 2))
    np.testing.assert_allclose(archive.up(x), model.predict_proba(x)[:, 1], rtol=0, atol=1e-15)


def test_the_columns_a_model_was_fitted_on_stand_in_for_features_that_the_index_lacks(tmp_path):
    import pandas as pd

    x = pd.DataFrame(np.random.default_rng(3).normal(size=(60, 2)), columns=["rsi_14", "atr_14"])
    put_pickle(tmp_path, LogisticRegression().fit(x, (x["rsi_14"] > 0).astype(int)), "v1")
    registry = a_registry()
    import_notebook(registry, written(tmp_path), author="bob", options=ImportOptions(trust_pickles=True))
    assert registry.model("rf").load("v1").archive.signature.features == ("rsi_14", "atr_14")


def test_a_model_may_follow_its_record_and_is_added_once(tmp_path):
    registry, path = a_registry(), written(tmp_path)
    import_notebook(registry, path, author="bob")
    put_pickle(tmp_path, fitted())
    told = import_notebook(registry, path, author="bob", options=ImportOptions(trust_pickles=True))
    assert [(each.version, each.added) for each in told] == [("v1", False), ("v3", True)]
    for trust in (True, False):
        again = import_notebook(registry, path, author="bob", options=ImportOptions(trust_pickles=trust))
        assert [(each.version, each.added, each.loadable) for each in again] == [
            ("v1", False, False),
            ("v3", False, True),
        ]


def test_a_pickle_of_another_scikit_learn_says_which(tmp_path):
    model = fitted()
    state = {**model.__getstate__(), "_sklearn_version": "1.6.1"}
    model.__class__ = type("Older", (LogisticRegression,), {"__reduce__": lambda self: _older(state)})
    put_pickle(tmp_path, model)
    registry = a_registry()
    import_notebook(registry, written(tmp_path), author="bob", options=ImportOptions(trust_pickles=True))
    assert registry.model("rf").version("v2").record.environment == {"scikit-learn": "1.6.1"}


def _older(state):
    return LogisticRegression, (), state


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"not a pickle", "cannot be opened"),
        (b"", "cannot be opened"),
        (b"cno_such_module\nThing\n.", "cannot be opened"),
        ({"not": "a model"}, "holds dict"),
        (fitted(3), "fitted on 3 features, the index names 2"),
    ],
)
def test_a_pickle_that_is_no_model_is_refused_before_anything_is_written(tmp_path, value, says):
    put_pickle(tmp_path, value)
    registry = a_registry()
    with pytest.raises(InvalidRequest, match=says):
        import_notebook(registry, written(tmp_path), author="bob", options=ImportOptions(trust_pickles=True))
    assert registry.models() == []


def changed(**parts):
    return {"models": {"rf": [{**ONE, **parts}]}}


FAULTS = [
    ([], "needs"),
    ({"models": []}, "needs"),
    ({"models": {"rf": {}}}, "needs"),
    ({"models": {"rf": ["v1"]}}, "version 1 of rf: it is not an object"),
    ({"models": {"rf": [{"version": "v1"}]}}, "it has no timestamp, params, metrics"),
    (changed(params=[1]), "not objects"),
    (changed(timestamp="yesterday"), "'yesterday' is not a moment"),
    (changed(timestamp="0001-01-01T00:00:00+09:00"), "is not a moment"),
    (changed(timestamp="1800-01-01T00:00:00"), "is not between 1900 and 2261"),
    (changed(version=""), "its version must be"),
    (changed(author="two\nlines"), "author must be"),
    ({"models": {"rf": [ONE, ONE]}}, "version 2 of rf: v1 is there twice"),
]


@pytest.mark.parametrize(("index", "says"), FAULTS)
def test_an_index_with_faults_is_refused_before_anything_is_written(tmp_path, index, says):
    registry = a_registry()
    with pytest.raises(InvalidRequest, match=says):
        import_notebook(registry, written(tmp_path, index), author="bob")
    assert registry.models() == []


def test_a_number_too_large_for_a_metric_is_kept_beside_them(tmp_path):
    registry = a_registry()
    import_notebook(registry, written(tmp_path, changed(metrics={"accuracy": 0.5, "count": 10**400})), author="bob")
    (version,) = registry.model("rf").history()
    assert dict(version.record.metrics) == {"accuracy": 0.5}
    assert version.record.details["imported"]["extra"]["metrics"] == {"count": 10**400}


def test_all_faults_are_told_at_once(tmp_path):
    index = {"models": {"rf": [{**ONE, "timestamp": "x"}, TWO, {"version": "v3"}], "other": [5]}}
    with pytest.raises(InvalidRequest) as raised:
        import_notebook(a_registry(), written(tmp_path, index), author="bob")
    assert all(f"version {n} of {model}" in str(raised.value) for n, model in [(1, "rf"), (3, "rf"), (1, "other")])


@pytest.mark.parametrize(
    ("content", "says"), [(b"{", "not JSON"), (b"\xff\xfe\x00", "not JSON"), (None, "cannot be read")]
)
def test_a_file_that_is_no_index_is_refused(tmp_path, content, says):
    path = tmp_path / "registry.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=says):
        import_notebook(a_registry(), path, author="bob")


def test_a_name_that_may_not_stand_in_a_key_needs_another(tmp_path):
    path = written(tmp_path, {"models": {"RF Direction": [ONE], "../etc": [TWO]}})
    registry = a_registry()
    with pytest.raises(InvalidName, match="RF Direction"):
        import_notebook(registry, path, author="bob")
    with pytest.raises(InvalidRequest, match="2 models"):
        import_notebook(registry, path, author="bob", options=ImportOptions(name="rf"))
    with pytest.raises(InvalidRequest, match="has no model 'rf'"):
        import_notebook(registry, path, author="bob", options=ImportOptions(model="rf"))
    import_notebook(registry, path, author="bob", options=ImportOptions(model="RF Direction", name="rf"))
    assert registry.models() == ["rf"]
