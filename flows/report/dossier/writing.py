"""A dossier is put together here, and written as HTML: no network, no script, the same bytes for the same data."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from flows.job.plan import Job
from flows.report.charts.drawing import svg
from flows.report.charts.money import running_result
from flows.report.charts.palette import COLOURS
from flows.report.charts.reliability import reliability_chart
from flows.report.data import Money, Reliability
from flows.report.dossier import measured, recorded
from flows.report.dossier.document import Dossier, DossierSection, Fact, FactTable
from flows.report.dossier.sensitivity import sensitivity
from flows.report.dossier.subject import DossierSubject, dossier_subject
from flows.report.gathering import quality_and_money
from flows.report.page import TEMPLATES, page_environment
from flows.report.reliability import reliability
from registry import Model
from registry.clock import read_time


def make_dossier(job: Job, model: Model, at: datetime | None = None) -> tuple[Dossier, str]:
    """The dossier of the champion, now or at a past moment, and its page.

    Raises :class:`~registry.errors.NoChampion` where production was empty, and what reading bars and registry raises.
    """
    subject = dossier_subject(job, model, at)
    quality, money = quality_and_money(subject.asked, read_time(subject.at))
    assert quality is not None, "a subject has a champion"
    found = reliability(subject.champion, subject.asked.ledger, subject.head.state)
    sections = [
        recorded.purpose(subject),
        recorded.data(subject),
        recorded.training(subject),
        measured.baselines(subject, quality),
        recorded.evidence(subject),
        measured.stability(subject),
        measured.calibration(subject, found),
        sensitivity(subject),
        measured.economics(subject, money),
        recorded.overrides(subject),
        measured.monitoring(subject, quality),
        recorded.change_log(subject),
    ]
    dossier = Dossier(
        model=subject.model,
        version=subject.champion.version,
        at=subject.at,
        decision=subject.head.n,
        simulated=subject.asked.data.bars.simulated,
        sections=(*sections, _again(subject, sections)),
    )
    return dossier, _page(dossier, found, money)


def _again(subject: DossierSubject, sections: list[DossierSection]) -> DossierSection:
    """How each number comes again, and from what: the digest of the newest decision fixes all that was before it."""
    return DossierSection(
        "again",
        "How to reproduce each number",
        subject.again,
        (
            Fact("registry", subject.head.registry),
            Fact("newest decision", subject.head.n),
            Fact("SHA-256 of that entry", subject.head.digest),
            Fact("bars to", subject.head.state.get("as_of")),
        ),
        (FactTable("By section", ("section", "command"), tuple((each.title, each.how) for each in sections)),),
    )


def _page(dossier: Dossier, found: Reliability, money: Money | None) -> str:
    simulated = " (simulated)" if dossier.simulated else ""
    charts = {
        "calibration": (reliability_chart(found), "How often bars of a score went up"),
        "economics": (None if money is None else running_result(money), "Running result before and after costs"),
    }
    drawings = {
        key: Markup(svg(figure, title=title + simulated))
        for key, (figure, title) in charts.items()
        if figure is not None
    }
    style = Markup((TEMPLATES / "report.css").read_text())
    page = page_environment().get_template("dossier.html.j2")
    return page.render(data=dossier, drawings=drawings, colours=COLOURS, style=style) + "\n"
