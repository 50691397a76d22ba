"""Sections of a dossier that the registry holds as they are: purpose, data, training, decisions, overrides, changes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from flows.gate.nightly.decision import NightlyDecision
from flows.job.plan import policy_of
from flows.report.dossier.document import DossierSection, Fact, FactTable, Value, facts
from flows.report.dossier.subject import DossierSubject
from registry.clock import write_time
from registry.exchange.export import limits_of, purpose_of
from registry.format.entries import Entry
from registry.format.phrases import listed
from registry.model.version import author_of, dated

CHANGES = ("promoted", "returned", "rolled_back", "policy")
"""Kinds of decisions that change what is served, or how it is judged."""

_BY_PERSON = ("approval", "release", "accept_unskilled", "allowed", "vouched")
"""Fields of a night's decision that say what a person did in it."""


def purpose(subject: DossierSubject) -> DossierSection:
    """What it is for and where it ends: what it gives, the ranges it knows, what cannot be seen."""
    record, last = subject.version.record, subject.last_night
    ranges = record.ranges or ()
    rows = tuple((name, *map(float, pair)) for name, pair in zip_longest(record.features, ranges) if name and pair)
    return DossierSection(
        "purpose",
        "Purpose and limits",
        f"registry show {subject.model} {subject.champion.version}",
        (
            Fact("purpose", purpose_of(record)),
            Fact("limits", " ".join(limits_of(subject.version)).replace("`", "")),  # a page is no Markdown
            *facts(
                version=subject.champion.version,
                champion_since=subject.champion.since,
                says_up_above_a_score_of=record.cut,
            ),
            Fact("smallest lead a bar seen in a year", None if last is None else last[1].smallest_visible),
            Fact("suspended", _since(subject.head.state.get("suspended"))),
            Fact("frozen", _since(subject.head.state.get("frozen"))),
        ),
        (
            FactTable(
                "Ranges of the features in training; a row outside them is called unlike",
                ("feature", "lowest", "highest"),
                rows,
            ),
        ),
    )


def data(subject: DossierSubject) -> DossierSection:
    """Which data, by their fingerprints, and what the checks of the bars and the tripwires found in them."""
    record, ledger = subject.version.record, subject.asked.ledger
    rescored = sorted({str(day) for entry in subject.acts for day in _evidence(entry).get("rescored", ())})
    wires = tuple(
        (entry.n, entry.state.get("night"), wire["name"], wire.get("words"))
        for entry in subject.acts
        for wire in entry.body.get("suspicious", ())
    )
    allowed = tuple(
        (entry.n, entry.state.get("night"), listed(entry.body["allowed"]))
        for entry in subject.acts
        if entry.body.get("allowed")
    )
    return DossierSection(
        "data",
        "Data and what was found in them",
        f"registry show {subject.model} {subject.champion.version}",
        (
            *facts(
                fingerprint_of_the_training_data=record.dataset_fingerprint,
                trained_from=record.trained_from,
                trained_to=record.trained_to,
                training_bars=record.rows,
            ),
            Fact("findings allowed for this version", listed(record.allowed) if record.allowed else "none"),
            Fact("trading days scored", len(ledger.days) or None),
            Fact("first and last day scored", f"{min(ledger.days)} to {max(ledger.days)}" if ledger.days else None),
            Fact("days corrected after they were scored", listed(rescored) if rescored else "none"),
        ),
        (
            FactTable(
                "Findings of the bars' checks that a person allowed",
                ("decision", "night", "checks"),
                allowed,
                "none: a night with a finding that nobody allows is refused",
            ),
            FactTable("Tripwires that tripped", ("decision", "night", "wire", "what it found"), wires, "none"),
        ),
    )


def training(subject: DossierSubject) -> DossierSection:
    """Recipe, parameters, features and environment: enough to fit the same bytes again."""
    record, version = subject.version.record, subject.version
    return DossierSection(
        "training",
        "Training",
        f"registry show {subject.model} {subject.champion.version}",
        facts(
            recipe=record.recipe,
            fingerprint_of_the_recipe=record.recipe_fingerprint,
            features=listed(record.features) if record.features else None,
            seed=record.seed,
            night=record.night,
            registered=write_time(dated(version)),
            registered_by=author_of(version),
            source_revision=record.source_revision,
            SHA_256_of_the_archive=record.sha256,
            bytes_of_the_archive=record.size,
        ),
        (
            FactTable("Parameters", ("parameter", "value"), _pairs(record.parameters)),
            FactTable("Environment", ("package", "version"), _pairs(record.environment or {})),
        ),
    )


def evidence(subject: DossierSubject) -> DossierSection:
    """Why it became champion, with the error rate that the decision held, and what the newest night found."""
    promoted, last = subject.promoted_by, subject.last_night
    policy = policy_of(subject.asked.job, subject.head)
    tables = [FactTable("Policy in force", ("setting", "value"), _pairs(policy.to_dict()))]
    newest = None if last is None else last[0].n
    judged = newest if promoted is None else subject.promotion.n  # a person's act cannot be judged again
    if promoted is not None:
        tables.insert(0, _standings(f"Candidates of decision {subject.promotion.n}", promoted))
    if last is not None and last[0].n != subject.promotion.n:
        tables.insert(1, _standings(f"Candidates of decision {last[0].n}, the newest", last[1]))
    return DossierSection(
        "evidence",
        "Evidence and its error rates",
        f"registry log {subject.model}" if judged is None else f"retrain replay-decision {subject.model} {judged}",
        (
            Fact("decision", subject.promotion.n),
            Fact("decided", write_time(subject.promotion.time)),
            Fact("decided by", subject.promotion.author),
            Fact("sentence", str(subject.promotion)),
            Fact("forced by a person", bool(subject.champion.forced)),
            *_decision_facts(promoted),
            Fact("probability of a false promotion in a year that the policy allows", policy.budget),
            Fact("newest decision", newest),
            Fact("its sentence", None if last is None else str(last[0])),
        ),
        tuple(tables),
    )


def overrides(subject: DossierSubject) -> DossierSection:
    """What people did to the model, and in its nights."""
    rows = tuple(_act(entry) for entry in subject.acts if _by_person(entry))
    columns = ("decision", "time", "kind", "by", "what was done")
    return DossierSection(
        "overrides",
        "Overrides by people",
        f"registry log {subject.model}",
        (Fact("acts of people", len(rows)),),
        (FactTable("Acts of people, newest first", columns, rows, "none"),),
    )


def change_log(subject: DossierSubject) -> DossierSection:
    """Every change of the champion and of the policy."""
    rows = tuple(_act(entry) for entry in subject.acts if entry.kind in CHANGES)
    columns = ("decision", "time", "kind", "by", "what was decided")
    return DossierSection(
        "changes",
        "Change log",
        f"registry log {subject.model}",
        (Fact("decisions in all", len(subject.acts)), Fact("changes of champion or policy", len(rows))),
        (FactTable("Changes of champion and policy, newest first", columns, rows),),
    )


def _decision_facts(decision: NightlyDecision | None) -> tuple[Fact, ...]:
    winner = None
    if decision is not None:
        winner = next((row for row in decision.rows if row.name == decision.winner), None)
    best = None if winner is None else winner.skill or winner.best
    return (
        Fact("recipes tried", None if decision is None else decision.tried),
        Fact("threshold of z", None if decision is None else decision.threshold),
        Fact("z", None if best is None else best.z),
        Fact("lead a bar", None if best is None else best.mean),
        Fact("its standard error", None if best is None else best.standard_error),
        Fact("trading days of evidence", None if decision is None else decision.days),
        Fact("correlation of neighbouring days", None if decision is None else decision.autocorrelation),
    )


def _standings(title: str, decision: NightlyDecision) -> FactTable:
    """One row a candidate: its lead in the window of its largest z, or its skill where there was no champion."""
    rows = []
    for row in decision.rows:
        best = row.skill or row.best
        failed = listed(f"{guard.name}: {guard.words}" for guard in row.failed)
        rows.append(
            (
                row.name,
                row.version,
                row.days,
                row.accuracy,
                row.champion_accuracy,
                row.majority_accuracy,
                None if best is None else best.mean,
                None if best is None else best.z,
                failed or None,
            )
        )
    columns = (
        "candidate",
        "version",
        "days",
        "accuracy",
        "champion's",
        "majority's",
        "lead a bar",
        "z",
        "held back by",
    )
    return FactTable(title, columns, tuple(rows))


def _by_person(entry: Entry) -> bool:
    by_gate = entry.kind in ("promoted", "held", "returned") and not entry.body.get("forced")
    return not by_gate or any(entry.body.get(name) for name in _BY_PERSON)


def _act(entry: Entry) -> tuple[Value, ...]:
    return entry.n, write_time(entry.time), entry.kind.replace("_", " "), entry.author, str(entry)


def _evidence(entry: Entry) -> Mapping[str, Any]:
    return entry.body.get("evidence") or {}


def _since(found: Mapping[str, Any] | None) -> str:
    return "no" if found is None else f"since {found.get('since')}: {found.get('reason')}"


def _pairs(values: Mapping[str, Any]) -> tuple[tuple[Value, ...], ...]:
    return tuple((name, _plain(value)) for name, value in values.items())


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, int | float):
        return value
    return listed(map(str, value)) if isinstance(value, list | tuple) else str(value)
