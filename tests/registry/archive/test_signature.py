"""The input contract of a served version: what it computes, and everything it refuses."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.archive.input_schema import InputSchema
from registry.archive.plain_features import WORDS, Feature
from registry.errors import InputMismatch, InvalidRequest
from registry.features import grammar

COLUMNS = {
    "close_15m": np.array([1.25, 1.5, 1.75]),
    "ema_20": np.array([1.0, 1.25, 2.0]),
    "atr_14": np.array([0.5, 0.25, 0.125]),
    "volume": np.array([3, 4, 5]),
}


@pytest.mark.parametrize(
    ("text", "canonical", "values"),
    [
        ("atr_14", "atr_14", [0.5, 0.25, 0.125]),
        ("  atr_14 ", "atr_14", [0.5, 0.25, 0.125]),
        ("close_15m-ema_20", "close_15m - ema_20", [0.25, 0.25, -0.25]),
        ("close_15m/ema_20", "close_15m / ema_20", [1.25, 1.2, 0.875]),
        ("( close_15m-ema_20 )/ atr_14", "(close_15m - ema_20) / atr_14", [0.5, 1.0, -2.0]),
        ("volume", "volume", [3.0, 4.0, 5.0]),
    ],
)
def test_a_feature_is_a_column_a_difference_a_ratio_or_a_difference_over_a_column(text, canonical, values):
    signature = InputSchema((text,))
    assert signature.features == (canonical,)
    assert signature.matrix(COLUMNS).tolist() == [[value] for value in values]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a[0]",
        "__import__('os').system('true')",
        "a\n- b",
        "é",
        "a" * 65,
        "a - a",
        "a / a",
        "(a - a) / b",
    ],
)
def test_what_is_no_expression_is_refused_naming_it(text):
    with pytest.raises(InvalidRequest, match="feature"):
        InputSchema(("rsi_14", text))


@pytest.mark.parametrize("features", [(), ("a", "a"), ("a - b", "a-b"), "ab", ("a", 3), None, 5])
def test_a_list_of_features_that_makes_no_sense_is_refused(features):
    with pytest.raises(InvalidRequest):
        InputSchema(features)


def test_the_columns_needed_are_named_once_in_order_of_first_use():
    signature = InputSchema(("rsi_14", "(close_15m - ema_20) / atr_14", "close_15m / ema_50"))
    assert signature.columns == ("rsi_14", "close_15m", "ema_20", "atr_14", "ema_50")
    assert signature.dtypes == ("float64",) * 5


def test_a_frame_and_a_mapping_give_the_same_contiguous_float64_matrix():
    signature = InputSchema(("(close_15m - ema_20) / atr_14", "atr_14", "volume"))
    from_mapping = signature.matrix(COLUMNS)
    from_frame = signature.matrix(pd.DataFrame(COLUMNS).assign(other="not needed"))
    assert from_mapping.tobytes() == from_frame.tobytes()
    assert from_frame.dtype == np.float64
    assert from_frame.flags.c_contiguous
    assert from_frame.shape == (3, 3)


def test_no_rows_give_an_empty_matrix():
    assert InputSchema(("a / b", "a")).matrix({"a": np.array([]), "b": np.array([])}).shape == (0, 2)


def test_every_fault_of_the_columns_is_named_at_once():
    signature = InputSchema(("a", "b", "c", "d", "e"))
    columns = {
        "b": np.array(["1", "2"]),
        "c": np.array([1.0, np.nan]),
        "d": np.array([True, False]),
        "e": np.ones((2, 2)),
    }
    with pytest.raises(InputMismatch) as refused:
        signature.matrix(columns)
    for fault in ("column a is missing", "column b is <U1", "column c is nan at row 1", "column d is bool", "(2, 2)"):
        assert fault in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        np.array([1.0, np.inf]),
        np.array([1.0, None]),
        np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"),
        np.array([1.0 + 1j, 2.0]),
        np.array([1.0, 2.0], dtype=np.longdouble),
        np.float64(1.0),
        pd.array([1.0, None], dtype="Float64"),
    ],
)
def test_a_column_that_is_not_finite_numbers_is_refused_by_name(values):
    with pytest.raises(InputMismatch, match="column a "):
        InputSchema(("a",)).matrix({"a": values})


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(InputMismatch, match="differ in length: a 2, b 3"):
        InputSchema(("a - b",)).matrix({"a": np.ones(2), "b": np.ones(3)})


@pytest.mark.parametrize(
    ("feature", "columns", "message"),
    [
        ("a / b", {"a": [1.0, 1.0], "b": [1.0, 0.0]}, "feature a / b cannot be computed at row 1: b is 0"),
        ("a / b", {"a": [0.0, 1.0], "b": [0.0, 1.0]}, "feature a / b cannot be computed at row 0: b is 0"),
        ("(a - b) / c", {"a": [2.0], "b": [1.0], "c": [-0.0]}, r"\(a - b\) / c cannot be computed at row 0: c is 0"),
        ("a - b", {"a": [1e308], "b": [-1e308]}, "row 0: the result overflows"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_division_by_zero_is_refused_naming_feature_and_row(feature, columns, message):
    with pytest.raises(InputMismatch, match=message):
        InputSchema((feature, "a")).matrix({name: np.array(values) for name, values in columns.items()})


@pytest.mark.parametrize(
    "change",
    [
        {"columns": ["ema_20", "close_15m"]},
        {"dtypes": ["float32", "float64"]},
        {"features": ["close_15m - ema_50"]},
        {"features": "close_15m"},
        {"features": ["close_15m -- ema_20"]},
        {"impute": "mean"},
    ],
)
def test_a_stored_signature_that_was_edited_is_refused(change):
    stored = InputSchema(("close_15m - ema_20",)).to_dict()
    with pytest.raises(InvalidRequest):
        InputSchema.from_dict({**stored, **change})


def test_a_stored_signature_without_features_is_refused():
    with pytest.raises(InvalidRequest, match="features"):
        InputSchema.from_dict({})


names = st.from_regex(r"\A[a-z_][a-z0-9_]{0,8}\Z")
features = st.builds(Feature, names, st.none() | names, st.none() | names).filter(
    lambda f: f.column != f.subtracted and (f.subtracted is not None or f.column != f.divisor)
)


@given(features)
def test_a_feature_is_read_back_from_how_it_is_written(feature):
    assert Feature.parse(str(feature)) == feature


@given(st.lists(features, min_size=1, max_size=6, unique=True))
def test_a_signature_is_read_back_from_its_stored_form(parts):
    signature = InputSchema(tuple(str(part) for part in parts))
    assert InputSchema.from_dict(signature.to_dict()) == signature


@given(st.text(max_size=40))
def test_no_text_whatever_ends_in_anything_but_a_feature_or_a_refusal(text):
    try:
        feature = Feature.parse(text)
    except InvalidRequest:
        return
    assert str(feature).replace(" ", "") == text.replace(" ", "")


LOOKING_BACK = ("rsi_14", "lag(rsi_14, 1)", "hour", 'at("1h", mean(close_15m, 3))')


def test_a_signature_with_expressions_is_read_back_with_its_trees_its_clock_and_the_bars_it_takes():
    signature = InputSchema(LOOKING_BACK)
    stored = json.loads(json.dumps(signature.to_dict()))
    assert stored["trees"] == ["rsi_14", ["lag", "rsi_14", 1], ["hour"], ["at", "1h", ["mean", "close_15m", 3]]]
    assert stored["clock"] == {"bar_minutes": 15, "zone": "America/New_York", "close": 1020}
    assert stored["bars"] == signature.bars == 15
    again = InputSchema.from_dict(stored)
    assert again == signature
    assert (again.columns, again.bars) == (("rsi_14", "close_15m"), 15)


@pytest.mark.parametrize(
    "change",
    [
        {"trees": ["rsi_14", ["lag", "rsi_14", 2], ["hour"], "close_15m"]},
        {"trees": ["rsi_14"]},
        {"trees": "rsi_14"},
        {"trees": [["system", "rsi_14"]]},
        {"trees": None},
        {"features": ["rsi_14", "lag(rsi_14, 2)", "hour", 'at("1h", mean(close_15m, 3))']},
        {"bars": 14},
        {"clock": None},
        {"clock": {"bar_minutes": 60, "zone": "America/New_York", "close": 1020}},
        {"clock": {"bar_minutes": 15, "zone": "America/New_York", "close": 1020, "holidays": []}},
        {"clock": {"bar_minutes": 15, "zone": ["UTC"], "close": 1020}},
    ],
)
def test_a_stored_signature_with_expressions_that_was_edited_is_refused(change):
    with pytest.raises(InvalidRequest):
        InputSchema.from_dict({**InputSchema(LOOKING_BACK).to_dict(), **change})


def test_a_version_from_before_the_clock_keeps_its_column_of_that_name():
    stored = {"features": ["hour", "rsi_14 - hour"], "columns": ["hour", "rsi_14"], "dtypes": ["float64", "float64"]}
    columns = {"hour": np.array([3.0]), "rsi_14": np.array([5.0])}
    assert InputSchema.from_dict(stored).matrix(columns).tolist() == [[3.0, 2.0]]
    assert InputSchema.stored(stored["features"], stored["columns"]).matrix(columns).tolist() == [[3.0, 2.0]]
    assert InputSchema(("hour",)).columns == ()


def test_an_expression_that_is_a_plain_form_is_stored_as_one():
    assert (
        InputSchema(("((close_15m) - ema_20)/(atr_14)",)).to_dict()
        == InputSchema(("(close_15m - ema_20) / atr_14",)).to_dict()
    )


def test_the_words_of_the_clock_are_those_of_the_grammar():
    """They stand twice, since plain forms load nothing of it."""
    assert frozenset(grammar.WORDS) == WORDS


def test_plain_forms_load_nothing_of_the_grammar():
    code = (
        "import sys, registry; from registry.archive.input_schema import InputSchema;"
        "schema = InputSchema.from_dict(InputSchema(('rsi_14', '(a - b) / c')).to_dict());"
        "schema.matrix({name: [1.0] for name in schema.columns} | {'b': [3.0]});"
        "print([name for name in sys.modules if name.startswith('registry.features') or name == 'zoneinfo'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_signature_needs_neither_pandas_nor_scikit_learn():
    code = (
        "import registry.archive.input_schema, sys; print(sorted({'pandas', 'sklearn', 'prefect'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
