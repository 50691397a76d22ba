"""A table never sets figures of different bars beside each other without saying so."""

from __future__ import annotations

from dataclasses import replace

from flows.night.outcome import bars_in_words
from flows.night.state import OutcomeRow

OTHER = OutcomeRow("line", "held", 0.5102, 0.51, 0.51, 22_715, "v8")
CHAMPION = replace(OTHER, name="bayes", status="champion", accuracy=0.4689, bars=273, served=True)


def test_a_champion_on_fewer_bars_is_told_apart() -> None:
    words = bars_in_words([CHAMPION, OTHER])
    assert words.startswith(
        "scored on 22,715 bars that none was trained on; the champion on the 273 since its promotion"
    )
    assert words.endswith("not to be compared with theirs")
    assert bars_in_words([replace(CHAMPION, status="held"), OTHER]) == words  # another took its place tonight


def test_the_same_bars_need_no_word() -> None:
    same = "scored on 22,715 bars that none was trained on"
    assert bars_in_words([OTHER]) == bars_in_words([replace(CHAMPION, bars=22_715), OTHER]) == same


def test_without_scored_bars_there_is_nothing_to_say() -> None:
    assert bars_in_words([]) == bars_in_words([replace(OTHER, bars=None)]) == ""
    assert bars_in_words([CHAMPION]) == "scored on 273 bars that none was trained on"
