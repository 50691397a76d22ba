"""The as-of is kept at the door: what had not closed is not there, and nothing later can change anything."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.bars import load_bars, prepare
from tests.flows.bars.bar_files import HEADER, bar, rows, write

AS_OF = datetime(2024, 1, 2, 17, 0, tzinfo=UTC)  # 12:00 by the file's clock

PLANTED = {
    "a bar": bar("2024-01-02 12:00:00", 4),
    "a bar that has not closed": bar("2024-01-02 11:50:00", 4),
    "a duplicate": bar("2024-01-02 12:00:00", 4) + "\n" + bar("2024-01-02 12:00:00", 5),
    "an exact duplicate": bar("2024-01-02 12:00:00", 4) + "\n" + bar("2024-01-02 12:00:00", 4),
    "a cut line": "2024-01-02 12:15:00,1.2",
    "a bar of another year": bar("2031-01-02 12:15:00"),
    "a bar of the last year there is": bar("9999-12-31 23:45:00"),
    "a bar off the grid": bar("2024-01-02 12:16:00"),
    "a bar without numbers": "2024-01-02 12:15:00,x,nan,,-1,inf",
    "a bar with a decimal comma": bar("2024-01-02 12:15:00").replace(".", ","),
    "a bar in an unclear hour": bar("2024-03-30 20:30:00"),
    "a line end of another system": bar("2024-01-02 12:15:00") + "\r",
    "a zone on another day": bar("2024-01-05 12:15:00Z"),
}


@pytest.mark.parametrize("first", [True, False], ids=["before the others", "after the others"])
@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_later_row_changes_nothing(tmp_path: Path, planted: str, first: bool) -> None:
    for name, lines in (
        ("plain", rows()),
        ("planted", [PLANTED[planted], *rows()] if first else [*rows(), PLANTED[planted]]),
    ):
        (tmp_path / name).mkdir()
        write(tmp_path / name, lines)
    plain, with_it = (prepare(load_bars(tmp_path / name, as_of=AS_OF)) for name in ("plain", "planted"))
    assert len(plain.bars.frame) == 8
    assert with_it.bars.frame.equals(plain.bars.frame)
    assert with_it.bars.frame.to_numpy().tobytes() == plain.bars.frame.to_numpy().tobytes()
    assert with_it.bars.repairs == plain.bars.repairs == ()
    assert with_it.fingerprint() == plain.fingerprint()
    assert with_it.day_fingerprints() == plain.day_fingerprints()
    assert with_it.label.tobytes() == plain.label.tobytes()
    assert with_it.counted.tobytes() == plain.counted.tobytes()


def test_a_file_of_a_later_year_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "GBPUSD_M15_2025_features.csv").write_bytes(b"\xff\xfe nothing to be read")
    bars = load_bars(write(tmp_path, rows()), as_of=AS_OF)
    assert len(bars.frame) == 8
    assert bars.repairs == ()


def test_a_file_of_later_rows_alone_leaves_no_trace(tmp_path: Path) -> None:
    content = "\ufeff" + HEADER + "\r\n" + bar("2024-01-01 03:00:00") + "\r\n"
    (tmp_path / "GBPUSD_M15_2024_features.csv").write_text(content, newline="")
    write(tmp_path, rows("2023-12-29 10:00:00"), year=2023)
    bars = load_bars(tmp_path, as_of=datetime(2024, 1, 1, 6, tzinfo=UTC))
    assert len(bars.frame) == 12
    assert bars.repairs == ()


def test_a_bar_is_there_the_moment_it_closes_and_not_before(tmp_path: Path) -> None:
    write(tmp_path, rows())
    moments = [AS_OF - timedelta(microseconds=1), AS_OF, AS_OF + timedelta(minutes=14, seconds=59)]
    assert [len(load_bars(tmp_path, as_of=moment).frame) for moment in moments] == [7, 8, 8]


def test_the_label_of_the_newest_bar_is_never_known(tmp_path: Path) -> None:
    write(tmp_path, rows())
    for hours in range(1, 4):
        dataset = prepare(load_bars(tmp_path, as_of=AS_OF - timedelta(hours=2) + timedelta(hours=hours)))
        assert np.isnan(dataset.label[-1])
        assert np.isnan(dataset.move_pips[-1])
        assert dataset.known_at.isna()[-1]
        assert not np.isnan(dataset.label[:-1]).any()


def test_the_default_as_of_is_the_close_of_the_newest_bar(tmp_path: Path) -> None:
    bars = load_bars(write(tmp_path, rows()))
    assert bars.as_of == bars.last_close == pd.Timestamp("2024-01-02 18:00", tz="UTC")
    assert bars.night == date(2024, 1, 2)


def test_an_as_of_in_any_zone_is_the_same_moment(tmp_path: Path) -> None:
    write(tmp_path, rows())
    tokyo = pd.Timestamp(AS_OF).tz_convert("Asia/Tokyo")
    assert load_bars(tmp_path, as_of=tokyo).frame.equals(load_bars(tmp_path, as_of=AS_OF).frame)
    assert load_bars(tmp_path, as_of=tokyo).as_of == AS_OF


def test_a_fault_before_the_as_of_is_still_refused(tmp_path: Path) -> None:
    write(tmp_path, [*rows(), bar("2024-01-02 09:00:00").replace("1.24900", "0")])
    with pytest.raises(Exception, match="row 14: low_15m = '0'"):
        load_bars(tmp_path, as_of=AS_OF)


def test_a_later_as_of_only_adds_bars(real_bars: Path) -> None:
    early = load_bars(real_bars, as_of=datetime(2023, 6, 1, 12, tzinfo=UTC))
    whole = load_bars(real_bars)
    assert whole.frame.iloc[: len(early.frame)].equals(early.frame)
    assert prepare(early).day_fingerprints().items() - prepare(whole).day_fingerprints().items() == {
        (early.night, prepare(early).day_fingerprints()[early.night])
    }
