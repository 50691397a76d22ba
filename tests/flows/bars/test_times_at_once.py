"""The times of a file are read at once where all are in the usual form: they mean what each means read alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flows.bars.rows import Rows, read_rows

USUAL = (
    st.datetimes()
    .map(lambda time: f"{time:%m-%d %H:%M:%S}")
    .flatmap(
        lambda rest: st.sampled_from(["0001", "1677", "1899", "2024", "2200", "2262", "9999"]).map(
            lambda y: f"{y}-{rest}"
        )
    )
)
TEXTS = st.one_of(
    USUAL,
    USUAL.map(lambda text: text.replace(" ", "T")),
    st.sampled_from(
        [
            *("0000-01-01 00:00:00", "2024-02-30 00:00:00", "2024-13-01 00:00:00", "2024-01-00 00:00:00"),
            *("2024-01-01 24:00:00", "2024-01-01 23:60:00", "2024-01-01 23:59:60", "2023-02-29 10:00:00"),
        ]
    ),
)


def read(*texts: str) -> Rows:
    return read_rows("f.csv", 2024, "\n".join(["timestamp,x", *(f"{text},1" for text in texts), ""]).encode())


def shown(rows: Rows) -> list[tuple[int, np.datetime64, bool]]:
    return list(zip(rows.number.tolist(), rows.time.tolist(), rows.zoned.tolist(), strict=True))


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_a_time_in_an_unusual_form_changes_no_other(texts: list[str]) -> None:
    at_once, one_by_one = read(*texts), read(*texts, "2024-01-01 10:00Z")
    assert shown(one_by_one)[-1][2], "the last has a zone, so that each is read for itself"
    assert shown(at_once) == shown(one_by_one)[:-1] and at_once.time.dtype == one_by_one.time.dtype
    assert at_once.faults == one_by_one.faults and at_once.text == one_by_one.text[:-1]
