"""The grammar of features: what may be written, its one spelling, its stored form, and everything that is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import InvalidRequest
from registry.features.grammar import LONGER, MOST_WINDOW, WINDOWS, WORDS, Expression, ema_bars
from registry.features.parsing import parse


@pytest.mark.parametrize(
    ("text", "spelled", "stored", "bars"),
    [
        ("lag(rsi_14,1)", "lag(rsi_14, 1)", ["lag", "rsi_14", 1], 2),
        ("diff(close_15m)", "diff(close_15m)", ["diff", "close_15m", 1], 2),
        ("diff(close_15m, 1)", "diff(close_15m)", ["diff", "close_15m", 1], 2),
        ("return(close_15m, 4) * 1e4", "return(close_15m, 4) * 10000", ["*", ["return", "close_15m", 4], 10000], 5),
        ("zscore(diff(a), 48)", "zscore(diff(a), 48)", ["zscore", ["diff", "a", 1], 48], 49),
        ("hour", "hour", ["hour"], 1),
        ("hour>=8", "hour >= 8", [">=", ["hour"], 8], 1),
        ("clip((a-b)/c,-3,3)", "clip((a - b) / c, -3, 3)", ["clip", ["/", ["-", "a", "b"], "c"], -3, 3], 1),
        ("a - (b - c)", "a - (b - c)", ["-", "a", ["-", "b", "c"]], 1),
        ("(a - b) - c", "a - b - c", ["-", ["-", "a", "b"], "c"], 1),
        ("-a * 2", "-a * 2", ["*", ["negative", "a"], 2], 1),
        ("-(a * 2)", "-(a * 2)", ["negative", ["*", "a", 2]], 1),
        ("(a > b) * (c > 0.5)", "(a > b) * (c > 0.5)", ["*", [">", "a", "b"], [">", "c", 0.5]], 1),
        ('at("1h", mean(close_15m, 10))', 'at("1h", mean(close_15m, 10))', ["at", "1h", ["mean", "close_15m", 10]], 43),
        ('lag(at("4h", a), 2)', 'lag(at("4h", a), 2)', ["lag", ["at", "4h", "a"], 2], 33),
        ("ema(a, 1)", "ema(a, 1)", ["ema", "a", 1], 1),
        ("mean", "mean", "mean", 1),
        ("EURUSD.close_15m", "EURUSD.close_15m", "EURUSD.close_15m", 1),
        ("return(EURUSD.close_15m, 4)", "return(EURUSD.close_15m, 4)", ["return", "EURUSD.close_15m", 4], 5),
    ],
)
def test_an_expression_has_one_spelling_one_stored_form_and_says_how_far_it_looks_back(text, spelled, stored, bars):
    tree = parse(text)
    assert (str(tree), tree.to_json(), tree.bars) == (spelled, stored, bars)
    assert parse(spelled) == tree == Expression.from_json(json.loads(json.dumps(stored)))


def test_an_exponential_average_looks_back_until_a_billionth_of_a_thousandth_of_its_weight_is_left():
    assert [ema_bars(span) for span in (2, 14, 20, 50)] == [26, 194, 277, 691]
    for span in (2, 14, 20, 50):
        assert (1 - 2 / (span + 1)) ** ema_bars(span) <= 1e-12 < (1 - 2 / (span + 1)) ** (ema_bars(span) - 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it ends where a column"),
        ("lag(rsi_14, -1)", "whole number of bars from 1"),
        ("lag(rsi_14, 0)", "what is to come cannot be read"),
        ("lag(rsi_14, 1.5)", "whole number of bars"),
        ("lag(rsi_14)", "a comma and a number of bars"),
        ("lag(rsi_14, n)", "a number of bars"),
        ("std(a, 1)", "from 2 to 5,000"),
        ("mean(a, 1e9)", "from 1 to 5,000"),
        ("mean(a, 1e999)", "finite"),
        ("lag(" * 15 + "a" + ", 5000)" * 15, "looks back on"),
        ("a +", "it ends where"),
        ("a b", "stands where the end is expected"),
        ("(a", "it ends where '\\)' is expected"),
        ("a < b < c", "stands where the end is expected"),
        ("exp(a)", "there is no function exp"),
        ("lead(a, 1)", "there is no function lead"),
        ("__import__('os')", "no part of one"),
        ("a.b", "no part of one"),
        ("a[0]", "no part of one"),
        ("eurusd.close_15m", "no part of one"),
        ("EURUSD.GBPUSD.close_15m", "no part of one"),
        ("EURUSD.", "no part of one"),
        ("EURUSD.mean(a, 3)", "there is no function EURUSD.mean"),
        ("a ** 2", "stands where a column"),
        ("é", "no part of one"),
        ("a\n- b", "no part of one"),
        ("1a", "no part of one"),
        ("a" * 65, "no part of one"),
        ("a" + " + a" * 200, "characters"),
        ("(" * 30 + "a" + ")" * 30, "levels deep"),
        ("-" * 300 + "a", "levels deep"),
        ("+".join(["a"] * 60), "parts"),
        ('at("90m", a)', "names no longer bar"),
        ("at(1h, a)", "no part of one"),
        ("at(a)", "in double quotes"),
        ('at("1h", at("4h", a))', "inside another"),
        ("clip(a, 3, -3)", "lower one first"),
        ("clip(a, 1)", "a comma and a bound"),
        ("1 + 2", "the same for every bar"),
        ("mean(3, 5)", "the same for every bar"),
    ],
)
def test_what_is_no_expression_is_refused_and_says_why(text, why):
    with pytest.raises(InvalidRequest, match=why):
        parse(text)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        True,
        [],
        {},
        ["lag", "a"],
        ["lag", "a", -1],
        ["lag", "a", True],
        ["lag", "a", "1"],
        ["lag", 1, "a"],
        ["lag", "a", 10**30],
        ["lag", "a", float("nan")],
        ["eval", "a"],
        ["column", "a"],
        ["at", 1, "a"],
        ["at", "5m", "a"],
        ["clip", "a", 1, 0],
        [["lag"], "a", 1],
        "a b",
        "a" * 65,
        ["+", "a"],
        ["hour", "a"],
    ],
)
def test_a_stored_form_that_is_no_tree_is_refused(stored):
    with pytest.raises(InvalidRequest):
        Expression.from_json(stored)


def test_a_stored_form_without_end_is_refused():
    stored: object = "a"
    for _ in range(900):
        stored = ["log", stored]
    with pytest.raises(InvalidRequest):
        Expression.from_json(stored)


@settings(max_examples=300)
@given(st.text(max_size=60) | st.text(alphabet='ab19(),.+-*/<>=!" hourlagmenti', max_size=60))
def test_no_text_whatever_ends_in_anything_but_a_tree_or_a_refusal(text):
    try:
        tree = parse(text)
    except InvalidRequest:
        return
    assert parse(str(tree)) == tree


columns = st.sampled_from(["a", "b", "close_15m", "lag", "EURUSD.close_15m"]).map(
    lambda name: Expression("column", name=name)
)
numbers = st.sampled_from([0.0, 1.0, -1.0, 0.25, 1e-9, 12345.678, 1e300]).map(
    lambda number: Expression("number", numbers=(number,))
)
words = st.sampled_from(WORDS).map(Expression)


def larger(parts):
    signs = st.sampled_from(["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!="])
    not_number = parts.filter(lambda part: part.operation != "number")
    return st.one_of(
        st.builds(lambda sign, left, right: Expression(sign, (left, right)), signs, parts, parts),
        st.builds(lambda inner: Expression("negative", (inner,)), not_number),
        st.builds(lambda inner: Expression("log", (inner,)), parts),
        st.builds(lambda inner: Expression("clip", (inner,), (-1.5, 2.0)), parts),
        st.builds(
            lambda name, inner, count: Expression(name, (inner,), (float(count),)),
            st.sampled_from(sorted(WINDOWS)),
            parts,
            st.integers(2, 9),
        ),
        st.builds(
            lambda length, inner: Expression("at", (inner,), name=length),
            st.sampled_from(sorted(LONGER)),
            parts.filter(lambda part: all(inner.operation != "at" for inner in part.parts)),
        ),
    )


trees = st.recursive(columns | numbers | words, larger, max_leaves=6)


@settings(max_examples=300)
@given(trees.filter(lambda tree: tree.columns))
def test_a_tree_is_read_back_from_its_spelling_and_from_its_stored_form(tree):
    assert parse(str(tree)) == tree
    assert Expression.from_json(json.loads(json.dumps(tree.to_json()))) == tree


def test_a_window_may_be_as_large_as_is_said():
    assert parse(f"max(a, {MOST_WINDOW})").bars == MOST_WINDOW
