"""A night on bars that are well formed and implausible: refused, questioned, or allowed by name and recorded so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.bars import load_bars
from flows.errors import BarsRejected, RequestRefused
from flows.job.request import RetrainRequest, request
from flows.operations.alerts.messages import CONDITIONS
from flows.operations.orchestrator.log_lines import loaded
from tests.flows.nights import YEAR_FILE, Nights, at


@pytest.fixture
def nights(june: Path, tmp_path: Path, quickly_calibrated: None) -> Nights:
    """Nights on bars that may be changed."""
    return Nights(tmp_path, shutil.copytree(june, tmp_path / "bars"))


def slip(nights: Nights, value: str) -> None:
    """One RSI of the first of May is another; the night of 3 June trains on it."""

    def change(row: list[str], place: dict[str, int]) -> list[str]:
        if row[0] == "2024-05-14 10:00:00":
            row[place["rsi_14"]] = value
        return row

    nights.rewrite(change)


def test_bars_that_are_refused_train_nothing_and_name_the_row(nights: Nights) -> None:
    slip(nights, "250.0")
    bars = load_bars(nights.data)
    assert bars.line is not None
    row = bars.line[bars.file_time.astype("datetime64[s]").astype(str).tolist().index("2024-05-14T10:00:00")]
    with pytest.raises(BarsRejected) as refused:
        nights(at(3))
    assert f"{YEAR_FILE} row {row}: 1 values of rsi_14 lie outside 0 to 100" in str(refused.value)
    assert "--allow percentages" in str(refused.value)
    assert not nights.registry.joinpath("models").exists()


def test_a_question_does_not_keep_a_night_by_hand_and_is_in_its_outcome_and_log(nights: Nights) -> None:
    slip(nights, "51.0")
    outcome = nights(at(3))
    assert outcome.action == "promoted"
    (question,) = outcome.questions
    assert question.startswith(f"relative_strength: {YEAR_FILE} row ") and "--allow relative_strength" in question
    assert outcome.to_dict()["questions"] == [question]
    assert f"questioned: {question}" in list(loaded(nights.context(at(3)).bars))
    again = nights(at(3))
    assert again.already_decided and again.questions == (question,)
    assert nights.model.version("v1").record.allowed is None


def test_what_was_allowed_is_recorded_in_the_versions_and_the_decision(nights: Nights) -> None:
    slip(nights, "51.0")
    outcome = nights(at(3), allow=("relative_strength", "clock"))
    assert outcome.questions == ()
    assert [version.record.allowed for version in nights.model.history()] == [["relative_strength"]] * 2
    decision = nights.model.decisions.head()
    assert decision is not None and decision.body["allowed"] == ["relative_strength"], "nothing was found about clocks"
    lines = loaded(nights.context(at(3), allow=("relative_strength",)).bars)
    assert sum(line.startswith("noted: relative_strength: ") for line in lines) == 1


def test_where_nothing_is_found_an_allowance_leaves_no_trace(nights: Nights) -> None:
    nights(at(3), allow=("percentages",))
    with_allowance = nights.content()
    shutil.rmtree(nights.registry)
    other = Nights(nights.registry.parent, nights.data)
    other(at(3))
    assert other.content() == with_allowance
    assert b"allowed" not in b"".join(with_allowance.values())


def test_only_checks_that_there_are_can_be_allowed() -> None:
    with pytest.raises(RequestRefused, match=r"advanced\.allow\.0"):
        request(allow=["everything"])
    with pytest.raises(RequestRefused, match="named twice"):
        request(allow=["clock", "clock"])
    asked = RetrainRequest.model_json_schema()["$defs"]["Advanced"]["properties"]["allow"]
    assert "shut_market" in asked["items"]["enum"]


def test_questions_are_a_condition_with_what_to_do() -> None:
    assert "--allow" in CONDITIONS["data.questioned"]
