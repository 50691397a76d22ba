"""The history of a model as a table."""

from __future__ import annotations

import pandas as pd
import pytest

import registry
from registry import Registry, VersionRecord
from registry.analysis.history import history_frame, read_history
from registry.errors import InvalidRequest, ModelNotFound
from registry.log.cache import Cache
from tests.registry.actors import NAME, NOON, HandClock, a_model, register
from tests.servers.stores import CountingStore, MemoryStore


def add(model, *, details=None, recipe=None, **parts):
    record = VersionRecord(recipe=recipe, details=details, **parts)
    return model.register(None, record, author="trainer")


def frame_of(*rows):
    model = a_model()
    for row in rows:
        add(model, **row)
    return history_frame(model.history())


def test_one_row_a_version_oldest_first():
    frame = frame_of({"recipe": "rf", "metrics": {"accuracy": 0.51}}, {"recipe": "logistic"})
    assert list(frame.columns) == ["version", "date", "author", "recipe", "accuracy"]
    assert list(frame["version"]) == ["v1", "v2"] and list(frame["recipe"]) == ["rf", "logistic"]
    assert list(frame["date"]) == [pd.Timestamp(NOON)] * 2
    assert frame["accuracy"][0] == 0.51 and pd.isna(frame["accuracy"][1])


def test_whole_numbers_stay_whole_where_a_version_lacks_the_parameter():
    frame = frame_of({"parameters": {"min_samples_leaf": 5}}, {"parameters": {}})
    assert frame["param_min_samples_leaf"][0] == 5 and frame["param_min_samples_leaf"].dtype == "Int64"
    assert frame["param_min_samples_leaf"][1] is pd.NA


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2.5], "float64"),
        ([True, None], "boolean"),
        ([True, 1], "object"),
        (["sqrt", 3], "object"),
        ([[1, 2], None], "object"),
        ([2**70, 1], "object"),
        ([None, None], "object"),
    ],
)
def test_a_parameter_keeps_its_kind(values, dtype):
    frame = frame_of(*({"parameters": {"p": value}} for value in values))
    assert frame["param_p"].dtype == dtype
    assert [None if pd.api.types.is_scalar(v) and pd.isna(v) else v for v in frame["param_p"]] == values


def test_a_metric_that_nobody_measured_is_missing_and_not_zero():
    frame = frame_of({"metrics": {"auc": None}}, {"metrics": {"auc": 0.52}})
    assert frame["auc"].dtype == "float64" and frame["auc"].isna().tolist() == [True, False]


@pytest.mark.parametrize("name", ["version", "date", "author", "recipe", "param_depth"])
def test_a_metric_named_like_a_column_does_not_overwrite_it(name):
    frame = frame_of({"metrics": {name: 0.5}, "parameters": {"depth": 3}})
    assert frame[f"metric_{name}"][0] == 0.5 and frame["version"][0] == "v1" and frame["param_depth"][0] == 3


def test_an_imported_version_shows_who_made_it_and_when():
    frame = frame_of({"details": {"imported": {"date": "2020-02-01T10:00:00.000000Z", "author": "ann"}}})
    assert frame["author"][0] == "ann" and frame["date"][0] == pd.Timestamp("2020-02-01T10:00Z")


def test_a_date_of_an_import_that_is_none_is_not_written():
    with pytest.raises(InvalidRequest, match=r"details\.imported\.date is 'yesterday'"):
        frame_of({"details": {"imported": {"date": "yesterday", "author": "ann"}}})


def test_the_table_of_no_versions_has_the_columns_and_no_row():
    assert history_frame([]).empty and list(history_frame([]).columns) == ["version", "date", "author", "recipe"]


def test_history_by_name_from_a_folder(tmp_path, monkeypatch):
    register(Registry(tmp_path).model(NAME))
    assert list(registry.history(NAME, url=str(tmp_path))["version"]) == ["v1"]
    monkeypatch.setenv("RETRAIN_REGISTRY", str(tmp_path))
    assert list(registry.history(NAME)["accuracy"]) == [0.51]


def test_history_of_what_is_not_there_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv("RETRAIN_REGISTRY", raising=False)
    with pytest.raises(ModelNotFound, match="there is no model nobody"):
        registry.history("nobody", url=str(tmp_path))
    with pytest.raises(InvalidRequest, match="RETRAIN_REGISTRY"):
        registry.history(NAME)


def test_reading_history_tells_how_far_it_is():
    model = a_model()
    for _ in range(3):
        add(model)
    told = []
    model.history(progress=lambda *said: told.append(said))
    assert told == [("reading versions", 0, 3), ("reading versions", 1, 3), ("reading versions", 2, 3)]


# --- with a local cache ---------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path):
    """A store with six versions and a cache; reading gives the table and the keys that were asked for."""
    store, cache = MemoryStore(), Cache(tmp_path / "cache")
    model = a_model(store)
    for n in range(6):
        add(model, metrics={"accuracy": n / 10}, parameters={"depth": n})

    def read(place=store):
        counting = CountingStore(place)
        model = Registry(counting, clock=HandClock(), cache=cache).model(NAME)
        return read_history(model), counting

    return store, read


def test_a_history_read_again_is_one_look_at_the_newest_entry(kept):
    store, read = kept
    first, _ = read()
    again, asked = read()
    pd.testing.assert_frame_equal(first, again)
    pd.testing.assert_frame_equal(first, history_frame(a_model(store).history()))
    assert asked.total == 2


def test_only_what_was_added_since_is_read(kept):
    store, read = kept
    read()
    model = a_model(store, who=2)
    model.tag("best", 2, author="trainer")
    add(model, metrics={"f1": 0.5}, parameters={"C": "new"}, recipe="logistic")
    found, asked = read()
    pd.testing.assert_frame_equal(found, history_frame(a_model(store).history()))
    assert asked.total <= 5 and list(found["recipe"])[-1] == "logistic"


def test_columns_of_another_registry_at_the_same_address_are_not_believed(kept):
    store, read = kept
    read()
    store.objects.clear()
    other = a_model(store, who=7)
    for _ in range(8):
        add(other, metrics={"accuracy": 0.9})
    found, _ = read()
    assert list(found["accuracy"]) == [0.9] * 8 and "param_depth" not in found


def test_columns_that_reach_beyond_the_log_are_not_used(kept):
    store, read = kept
    read()
    store.objects.clear()
    add(a_model(store, who=7), metrics={"accuracy": 0.9})
    assert list(read()[0]["accuracy"]) == [0.9]


def test_damaged_columns_cost_requests_and_nothing_else(kept, tmp_path):
    _, read = kept
    first, _ = read()
    [path] = (tmp_path / "cache" / "history").rglob("*-*")
    path.write_bytes(path.read_bytes().replace(b"0.3", b"0.9"))
    pd.testing.assert_frame_equal(read()[0], first)


def test_an_empty_model_has_an_empty_table(tmp_path):
    assert read_history(Registry(MemoryStore(), cache=tmp_path).model(NAME)).empty
