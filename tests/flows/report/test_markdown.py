"""The decision as markdown: its figures are the registry's, its charts are real pictures, typed text stays text."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest

from flows.gate.nightly.decision import NightlyDecision
from flows.report.charts.evidence import earned_tonight
from flows.report.decisions import DecisionSummary, newest_decisions, proposal_summary
from flows.report.front import front
from flows.report.markdown import champion_markdown, decision_markdown, escaped, proposal_markdown
from flows.report.writing import night_report
from tests.flows.report.lived import HOSTILE, Lived

PNG = b"\x89PNG\r\n\x1a\n"


def pictures(text: str) -> list[bytes]:
    return [base64.b64decode(found) for found in re.findall(r"\(data:image/png;base64,([^)]+)\)", text)]


def rows_of(text: str, recipe: str) -> list[str]:
    """The rows of the table: the champion's and tonight's version may be of one recipe."""
    return [line for line in text.splitlines() if line.startswith("|") and f"| {recipe} | " in line]


def test_it_tells_the_sentence_and_every_row(lived: Lived) -> None:
    text = decision_markdown(lived.outcome, lived.model)
    assert text.count(escaped(lived.outcome.sentence)) == 1
    for row in lived.outcome.rows:
        assert row.accuracy is not None and row.auc is not None and row.since_accuracy is not None
        mine = "" if row.served else f"{row.accuracy:.2%}", "" if row.served else f"{row.auc:.4f}"
        wanted = f" | {' | '.join((*mine, f'{row.since_accuracy:.2%}'))} |"  # the champion stands on its own days alone
        assert any(line.endswith(wanted) for line in rows_of(text, escaped(row.name))), wanted
    champion = lived.outcome.champion
    assert champion is not None
    assert f"**In production:** {champion.version} " in text


def test_it_says_when_a_promotion_can_be_expected(lived: Lived) -> None:
    tonight = newest_decisions(lived.model)[-1]
    assert f"**What to expect.** {tonight.expected}" in decision_markdown(lived.outcome, lived.model)
    young = replace(tonight, standings=tuple(replace(each, z=None, days=3) for each in tonight.standings))
    assert replace(young, shortest_window=40).expected == "The first comparison comes in 37 trading days."
    assert replace(tonight, more_nights=12).expected == (
        "A lead of the size seen would be promoted in about 12 nights."
    )
    assert replace(tonight, more_nights=None).expected.startswith("No promotion is in sight")
    assert replace(tonight, kind="promoted").expected == ""


def test_what_was_earned_is_drawn_beside_the_baselines(lived: Lived) -> None:
    _, told = night_report(replace(lived.job(), reports=lived.registry + "-reports"), lived.outcome)
    assert told is not None and told.money is not None
    text = decision_markdown(lived.outcome, lived.model, told)
    assert len(pictures(text)) == 3 and escaped(told.money.words) in text
    figure = earned_tonight((told.money.total, *told.money.references))
    assert figure is not None
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == [told.money.total.name, *(each.name for each in told.money.references)]
    assert earned_tonight(()) is None


def test_the_page_of_the_champion_says_since_when_why_how_it_does_and_how_to_load_it(lived: Lived) -> None:
    _, told = night_report(replace(lived.job(), reports=lived.registry + "-reports"), lived.outcome)
    assert told is not None
    text = champion_markdown(lived.outcome, told)
    first = front(told)
    assert text.startswith("# v1 (line) is in production\n\n**m** (simulated)\n\nSince 2022-06-01 21:00 UTC. Promoted")
    for line in (first.headline, first.lead, *(card.text for card in first.cards)):
        assert escaped(line) in text
    assert f"Registry({lived.registry!r}).model('m').load()" in text
    assert "How it does" not in champion_markdown(lived.outcome)
    empty = champion_markdown(replace(lived.outcome, champion=None))
    assert empty.startswith("# Nothing is in production\n") and "load()" not in empty


def test_it_says_simulated_first(lived: Lived) -> None:
    text = decision_markdown(lived.outcome, lived.model)
    assert text.splitlines()[2] == "**m** (simulated)"
    assert "simulated" not in decision_markdown(replace(lived.outcome, simulated=False), lived.model).lower()


def test_a_long_name_stays_out_of_the_heading_and_the_status_stands_before_the_figures(lived: Lived) -> None:
    text = decision_markdown(replace(lived.outcome, model="gbpusd_m15_direction_simulated"), lived.model)
    assert text.startswith("# Held, night of 2022-06-14\n\n**gbpusd\\_m15\\_direction\\_simulated**")
    row = next(each for each in lived.outcome.rows if each.version is not None)
    assert any(each.startswith(f"| {row.version} | {row.name} | {row.status} | ") for each in rows_of(text, row.name))


def test_the_charts_are_pictures(lived: Lived) -> None:
    found = pictures(decision_markdown(lived.outcome, lived.model))
    assert len(found) == 2
    assert all(each.startswith(PNG) for each in found)


def test_the_same_registry_gives_the_same_text(lived: Lived) -> None:
    assert decision_markdown(lived.outcome, lived.model) == decision_markdown(lived.outcome, lived.model)


def test_a_dry_run_has_no_evidence_of_its_own(lived: Lived) -> None:
    text = decision_markdown(replace(lived.outcome, decision=None, dry_run=True), lived.model)
    assert "Dry run" in text.splitlines()[0]
    assert "Recorded as" not in text
    assert len(pictures(text)) == 1


def test_a_first_night_says_that_there_is_no_evidence(lived: Lived) -> None:
    first = lived.model.decisions.read(2)
    text = decision_markdown(replace(lived.outcome, decision=2, sentence=str(first)), lived.model, nights=0)
    assert pictures(text) == []
    assert "No challenger has evidence yet" in text


def told_of(lived: Lived, number: int) -> DecisionSummary:
    record = lived.model.decision_record(lived.model.decisions.read(number))
    return proposal_summary(NightlyDecision.from_dict(dict(record or {})), "2024-06-03")


def test_a_first_night_draws_what_the_recipes_scored(lived: Lived) -> None:
    text = decision_markdown(replace(lived.outcome, decision=2), lived.model)
    assert "a champion](data:" in text and "Nothing was in production" in text
    assert "beside the threshold](data:" not in text


@pytest.mark.parametrize(("newest", "drawn"), [(True, "beside the threshold"), (False, "before there was a champion")])
def test_who_is_asked_to_approve_sees_the_evidence(lived: Lived, newest: bool, drawn: str) -> None:
    head = lived.model.decisions.head()
    assert head is not None
    text = proposal_markdown(lived.outcome, told_of(lived, head.n if newest else 2))
    (picture,) = pictures(text)
    assert picture.startswith(PNG) and f"{drawn}](data:" in text and "stands below the chart" in text


def test_a_night_that_waits_says_so_first_and_shows_the_command_to_type(lived: Lived) -> None:
    command = "registry approve m_1 v3 --registry /srv/<r> --author NAME --reason WHY"
    text = decision_markdown(replace(lived.outcome, waiting=command), lived.model)
    assert text.startswith("# Held for approval, night of ")
    assert f"\n\n    {command}\n\n" in text, "as code: to be copied as it is"
    assert "To approve it" not in decision_markdown(lived.outcome, lived.model)


def test_without_evidence_the_one_who_approves_sees_the_table_alone(lived: Lived) -> None:
    bare = replace(told_of(lived, 2), standings=())
    for told in (None, bare):
        text = proposal_markdown(lived.outcome, told)
        assert pictures(text) == [] and "stands below the table" in text


def test_typed_text_is_shown_and_not_obeyed(lived: Lived) -> None:
    text = decision_markdown(replace(lived.outcome, sentence=HOSTILE, repairs=(HOSTILE,)), lived.model)
    for mark in ("<script>", "**bold**", "[link](", " | **"):
        assert mark not in text
    assert r"\<script\>" in text


def test_decisions_are_told_as_they_were_recorded(lived: Lived) -> None:
    told = newest_decisions(lived.model)
    entries = list(lived.model.acts())[::-1]
    assert [each.number for each in told] == [entry.n for entry in entries]
    assert [each.sentence for each in told] == [str(entry) for entry in entries]
    last = NightlyDecision.from_dict(dict(lived.model.decision_record(entries[-1]) or {}))
    assert told[-1].threshold == last.threshold
    assert [(each.name, each.z) for each in told[-1].standings] == [(row.name, row.largest_z) for row in last.rows]
    assert told[1].kind == "policy"
    assert told[1].night is None


def test_only_the_newest_decisions_are_read(lived: Lived) -> None:
    assert [each.number for each in newest_decisions(lived.model, at_most=3)] == [17, 19, 21]
