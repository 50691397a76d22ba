"""The demonstration: a promotion, nights held, a person's mistake, an alarm that no check explains, a rollback."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from flows.bars import MARKER, load_bars
from flows.cli import app
from flows.demo.playing import Event, Played, play
from flows.demo.story import COLUMN, Story
from flows.errors import RequestRefused
from registry import Registry

SHORT = Story(first=date(2024, 5, 1), played=18, by_hand=1, breaks=2, noise=0.7, backfill_days=45, train_days=45)


def played(place: Path, story: Story) -> tuple[Played, list[Event]]:
    events: list[Event] = []
    return play(place, story, events.append, lambda done, of: None), events


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("quickly_calibrated")
def test_a_person_sees_promotion_hold_alarm_and_rollback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRAIN_LABEL", "horizon 16")  # nobody's settings choose what it does
    monkeypatch.setenv("RETRAIN_DATA", "/nowhere")
    done, events = played(tmp_path / "demo", SHORT)
    kinds = [event.kind for event in events]
    order = [kinds.index(kind) for kind in ("promoted", "forced", "planted", "alarm", "rolled back")]
    assert order == sorted(order) and kinds.count("held") == 17 and kinds.count("alarm") == 1
    alarm = events[kinds.index("alarm")]
    assert "has got worse since" in alarm.sentence and events[order[-1]].day == alarm.day
    champion = Registry(str(done.registry)).model("demo_simulated").champion()
    assert champion is not None and champion.version == "v1" and champion.recipe == "prices"
    assert "simulated" in done.report.read_text(encoding="utf-8")
    with pytest.raises(RequestRefused, match="holds a demonstration already"):
        played(tmp_path / "demo", SHORT)


def test_from_the_planted_day_on_the_column_has_the_wrong_sign_and_nothing_else_differs(tmp_path: Path) -> None:
    sound, broken = Story(breaks=60), Story(breaks=20)
    before = load_bars(sound.write_bars(tmp_path / "sound")).frame
    after = load_bars(broken.write_bars(tmp_path / "broken")).frame
    assert after.drop(columns=COLUMN).equals(before.drop(columns=COLUMN))
    ratio = np.sign(after[COLUMN]) * np.sign(before[COLUMN])
    turned = ratio.index[ratio.to_numpy() < 0]
    first, last = broken.days()[19], sound.days()[59]
    assert turned[0].tz_convert("America/New_York").strftime("%H") >= "17"
    assert date(2024, 9, 26) == turned[0].tz_convert("America/New_York").date() < first
    assert (ratio[turned[0] : turned[-1]] < 0).all() and turned[-1].date() < last
    assert str(first) in json.loads((tmp_path / "broken" / MARKER).read_text())["planted"]


@pytest.mark.usefixtures("quickly_calibrated")
def test_every_part_of_what_is_printed_says_simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["demo", "--nights", "2"])
    assert shown.exit_code == 0, shown.output
    (
        first,
        *_,
    ) = shown.output.splitlines()
    assert first.startswith("SIMULATED") and ".retrain/demo" in first
    assert "PROMOTED" in shown.output and "1 night HELD" in shown.output
    assert "SIMULATED, and over: 1 promoted, 1 held." in shown.output
    assert [each.name for each in tmp_path.iterdir()] == [".retrain"]
    assert sorted(each.name for each in (tmp_path / ".retrain").iterdir()) == ["demo"]
