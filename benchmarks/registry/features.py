"""Twelve features that look back, served for one bar from the last ones, beside pandas computing them from the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.timing import Work, in_turns
from flows.arrays import Floats
from flows.bars import load_bars
from flows.recipes.threads import one_thread
from registry.archive.archive import pack, unpack
from registry.archive.input_schema import InputSchema
from registry.format.entries import digest
from registry.model.prediction import LoadedModel

TITLE = "Features that look back: one bar served, and a year"

TWELVE: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "lag(rsi_14, 1)": lambda bars: bars.rsi_14.shift(1),
    "diff(close_15m, 4)": lambda bars: bars.close_15m.diff(4),
    "return(close_15m, 16)": lambda bars: bars.close_15m.pct_change(16),
    "mean(rsi_14, 24)": lambda bars: bars.rsi_14.rolling(24).mean(),
    "std(close_15m, 48)": lambda bars: bars.close_15m.rolling(48).std(),
    "zscore(close_15m, 96)": lambda bars: (
        (bars.close_15m - bars.close_15m.rolling(96).mean()) / bars.close_15m.rolling(96).std()
    ),
    "(max(high_15m, 96) - close_15m) / atr_14": lambda bars: (
        (bars.high_15m.rolling(96).max() - bars.close_15m) / bars.atr_14
    ),
    "(close_15m - ema(close_15m, 20)) / atr_14": lambda bars: (
        (bars.close_15m - bars.close_15m.ewm(span=20).mean()) / bars.atr_14
    ),
    "log(high_15m / low_15m)": lambda bars: np.log(bars.high_15m / bars.low_15m),
    "clip(rsi_14, 30, 70) > 50": lambda bars: (bars.rsi_14.clip(30, 70) > 50).astype(float),
    "hour": lambda bars: pd.Series(bars.index.tz_convert("America/New_York").hour, bars.index),
    'at("1h", mean(close_15m, 10))': lambda bars: _hourly(bars),
}
"""Each feature, and pandas' own."""

ROW_BOUND = 300e-6
WINDOW_BY_WINDOW: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "std(close_15m, 48)": lambda bars: bars.close_15m.rolling(48).apply(lambda x: x.std(ddof=1), raw=True),
    "zscore(close_15m, 96)": lambda bars: bars.close_15m.rolling(96).apply(
        lambda x: (x[-1] - x.mean()) / x.std(ddof=1), raw=True
    ),
}
"""Where pandas' running sums have lost digits: over a year its z-scores of a price are off by 10⁻⁸."""

_ROWS = 500


def measure(bench: Bench) -> Iterator[Figure]:
    """The whole answer to one bar by two models, the features of it alone, those of a year, and the difference."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    bars = load_bars(bench.data).frame
    year = bars[bars.index >= pd.Timestamp(f"{bars.index[-1].year}-01-01", tz="UTC")]
    schema = InputSchema(tuple(TWELVE))
    last = bars.iloc[-schema.bars :]
    sent: Mapping[str, Any] = {"timestamp": last.index.tz_convert(None).to_numpy()}
    sent = {**sent, **{name: last[name].to_numpy() for name in schema.columns}}
    rows = schema.matrix(year)
    up = (np.diff(year.close_15m.to_numpy())[schema.bars - 2 :] > 0).astype(int)
    models = {
        "boosting": HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=8, early_stopping=False),
        "logistic": LogisticRegression(max_iter=1000),
    }
    with one_thread():
        for name, model in models.items():
            bench.say(name)
            served = _served(model.fit(rows[: up.size], up), schema)
            for kind, asked in (("arrays", sent), ("a frame", last)):
                seconds = in_turns(_work(lambda m=served, x=asked: m.predict(x, pick=True)), times=_ROWS, warm=20)
                what = f"{name}, the whole answer to one bar, the last {schema.bars} sent as {kind}"
                bound = ROW_BOUND if kind == "arrays" else None  # of a frame pandas takes the columns out
                yield Figure.value_of(what, seconds[:, 0], unit="s", bound=bound)
        one = in_turns(_work(lambda: schema.matrix(sent)), _work(lambda: _pandas(last)), times=_ROWS, warm=20)
        yield Figure.ratio_of("the twelve features of one bar", "pandas", one[:, 0], one[:, 1], bound=None)
        many = in_turns(_work(lambda: schema.matrix(year)), _work(lambda: _pandas(year)), times=bench.times)
        yield Figure.ratio_of(f"of a year of {len(year):,} bars", "pandas", many[:, 0], many[:, 1], bound=None)
    apart = np.abs(rows - _pandas(year, TWELVE | WINDOW_BY_WINDOW)[schema.bars - 1 :]).max()
    yield Figure.value_of("largest difference from pandas, window by window", apart, unit="", bound=None)
    apart = np.abs(rows - _pandas(year)[schema.bars - 1 :]).max()
    yield Figure.value_of("largest difference from pandas and its running sums", apart, unit="", bound=None)


def _served(model: Any, schema: InputSchema) -> LoadedModel:
    data = pack(model, schema)
    loaded = LoadedModel("v1", 0.5, unpack(data, sha256=digest(data), where="v1"))
    assert loaded.archive.form is not None, "it has a data-only form"
    return loaded


def _work(call: Callable[[], Any]) -> Work:
    def run() -> None:
        call()

    return run


def _pandas(bars: pd.DataFrame, features: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = TWELVE) -> Floats:
    return np.stack([of(bars).to_numpy(np.float64) for of in features.values()], axis=1)


def _hourly(bars: pd.DataFrame) -> pd.Series:
    """Of each bar, the mean close of the ten hours that had closed with it."""
    mean = bars.close_15m.resample("1h").last().dropna().rolling(10).mean()
    closes = bars.index + pd.Timedelta("15min")
    place = np.searchsorted(mean.index + pd.Timedelta("1h"), closes, side="right") - 1
    return pd.Series(np.where(place < 0, np.nan, mean.to_numpy()[place]), bars.index)
