"""Tonight's version must be the model that the evidence speaks of."""

import numpy as np
import pytest

from flows.errors import GateRefused
from flows.gate.nightly.continuity import continuity

LAST = np.linspace(0.0, 1.0, 1000)


def compared(tonight, last=LAST, **cuts):
    return continuity(tonight, last, **{"tonight_threshold": 0.5, "last_threshold": 0.5, **cuts})


def test_a_version_that_says_the_same_holds():
    found = compared(LAST)
    assert found.agreement == 1.0
    assert found.holds


@pytest.mark.parametrize(("changed", "holds"), [(0, True), (200, True), (201, False), (1000, False)])
def test_it_must_agree_on_four_bars_of_five(changed, holds):
    tonight = LAST.copy()
    tonight[:changed] = 1.0 - tonight[:changed]
    found = compared(tonight)
    assert found.agreement == pytest.approx(1.0 - changed / 1000)
    assert found.holds is holds


@pytest.mark.parametrize("said", [0.1, 0.9])
def test_a_version_that_says_one_class_is_held_even_where_the_last_one_did_too(said):
    found = compared(np.full(1000, said), np.full(1000, said))
    assert found.agreement == 1.0
    assert not found.says_both
    assert not found.holds


def test_each_version_is_read_at_its_own_cut():
    assert compared(LAST + 5.0, tonight_threshold=5.5).agreement == 1.0
    assert compared(LAST + 5.0).agreement == pytest.approx(0.5)


def test_one_bar_cannot_say_both_classes():
    assert not compared([0.9], [0.9]).holds


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: compared([], []), "no bars in the last 20 days"),
        (lambda: compared([0.5], [0.5, 0.5]), "same bars"),
        (lambda: compared([[0.5]], [[0.5]]), "same bars"),
        (lambda: compared([np.nan], [0.5]), "not finite"),
        (lambda: compared([0.5], [np.inf]), "not finite"),
        (lambda: compared([0.5], [0.5], tonight_threshold=np.nan), "not finite"),
        (lambda: compared([0.5], [0.5], last_threshold=np.nan), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(ask, message):
    with pytest.raises(GateRefused, match=message):
        ask()
