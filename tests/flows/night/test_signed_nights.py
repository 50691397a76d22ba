"""Nights where keys are trusted: who may promote is who holds a promoter's key, whatever was clicked or typed."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from flows.errors import NightRefused, RequestRefused
from flows.night.outcome import Outcome
from flows.night.state import Answer
from registry import Registry, cli
from registry.errors import KeyRefused, StaleDecision, UntrustedSignature
from registry.maintenance.verify import verify
from registry.model import transitions
from registry.trust.keyring import Keyring, write_new_key
from tests.clocks import FixedClock
from tests.flows.night.test_overrides import force, settled
from tests.flows.night.test_rogue_trainer import forge_as_a_judge, nudged
from tests.flows.nights import Nights, at

Sign = Callable[[str | None], None]


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The approver's and the night's keys; both are trusted, for what each may do."""
    for name, variable in (("approver", "PROMOTERS"), ("night", "TRAINERS")):
        monkeypatch.setenv(f"RETRAIN_TRUSTED_{variable}", write_new_key(tmp_path / f"{name}.pem"))
    monkeypatch.delenv("RETRAIN_APPROVAL_HOURS", raising=False)
    return tmp_path


@pytest.fixture
def sign(keys: Path, monkeypatch: pytest.MonkeyPatch) -> Sign:
    """Nights sign with this key from now on."""

    def chosen(name: str | None) -> None:
        if name is None:
            monkeypatch.delenv("RETRAIN_SIGNING_KEY", raising=False)
        else:
            monkeypatch.setenv("RETRAIN_SIGNING_KEY", str(keys / f"{name}.pem"))

    return chosen


@pytest.fixture
def nights(keys: Path, june: Path, quickly_calibrated: None) -> Nights:
    nights = Nights(keys / "nights", june)
    nights.clock = FixedClock(datetime.now(UTC))  # the approver's command looks at the clock on the wall
    return nights


def in_production(nights: Nights) -> str:
    """The version that a serving process which trusts the keys would load."""
    trusted = Keyring.configured().trusted
    return Registry(nights.registry, trusted=trusted).model("m").in_production().version


def typed(command: str | None, key: Path) -> Any:
    """What comes of the command that a held night gives, typed by the approver."""
    assert command is not None, "a promotion waits"
    words = [{"NAME": "ada", "WHY": "looks right", "FILE": str(key)}.get(word, word) for word in shlex.split(command)]
    return CliRunner().invoke(cli.app, words[1:])


@pytest.mark.parametrize("hours", [None, "0", "2"])
@pytest.mark.parametrize("key", ["night", None])
def test_a_night_without_an_approvers_key_is_held_until_the_approver_signs(
    nights: Nights, keys: Path, sign: Sign, key: str | None, hours: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(key)
    if hours is not None:
        monkeypatch.setenv("RETRAIN_APPROVAL_HOURS", hours)
    if key is None:
        monkeypatch.delenv("RETRAIN_TRUSTED_TRAINERS")
    outcome = nights(at(3))
    assert (outcome.action, outcome.champion) == ("held", None)
    assert "promote line (v1)" in outcome.sentence and "signature" in outcome.sentence
    assert nights.decision().action == "promoted", "the record says what the gate said"

    sign(None)
    done = typed(outcome.waiting, keys / "approver.pem")
    assert done.exit_code == 0, done.exception
    assert in_production(nights) == "v1"
    assert "by ada: looks right" in done.stdout
    sign(key)
    assert nights(at(4)).action == "held" and nights.decision().after == "2024-06-03", "evidence goes on from its night"
    assert in_production(nights) == "v1"


def test_every_entry_of_signed_nights_is_by_a_key_that_may_write_it(nights: Nights, keys: Path, sign: Sign) -> None:
    sign("night")
    typed(nights(at(3)).waiting, keys / "approver.pem")
    nights(at(4))
    trusted = Keyring.configured().trusted
    assert trusted is not None
    entries = [*nights.model.log()]
    for entry in entries:
        trusted.check_entry(entry)
    assert {entry.signature["role"] for entry in entries if entry.signature is not None} == {"trainer", "promoter"}


def test_a_click_is_not_enough(nights: Nights, sign: Sign, monkeypatch: pytest.MonkeyPatch) -> None:
    sign("night")
    monkeypatch.setenv("RETRAIN_APPROVAL_HOURS", "2")
    outcome = settled(nights, Answer(True, "whoever clicked", "why not"))
    assert outcome is not None and (outcome.action, outcome.champion) == ("held", None)
    assert "whoever clicked" not in outcome.sentence


def test_the_nights_own_key_does_not_approve(
    nights: Nights, keys: Path, sign: Sign, snapshot: SnapshotAssertion
) -> None:
    sign("night")
    refused = typed(nights(at(3)).waiting, keys / "night.pem")
    assert isinstance(refused.exception, KeyRefused) and str(refused.exception) == snapshot
    assert nights.model.champion() is None


def test_an_approval_after_the_next_night_is_stale(
    nights: Nights, keys: Path, sign: Sign, snapshot: SnapshotAssertion
) -> None:
    sign("night")
    first = nights(at(3)).waiting
    second = nights(at(4))
    assert second.waiting and "approve m v3" in second.detail, "it proposes tonight's version"
    refused = typed(first, keys / "approver.pem")
    assert isinstance(refused.exception, StaleDecision) and "is v3" in str(refused.exception)
    assert str(refused.exception) == snapshot
    assert typed(second.waiting, keys / "approver.pem").exit_code == 0 and in_production(nights) == "v3"


def test_a_night_that_could_promote_without_the_approval_it_is_to_ask_for_does_not_begin(
    nights: Nights, sign: Sign, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    sign("approver")
    monkeypatch.setenv("RETRAIN_APPROVAL_HOURS", "2")
    with pytest.raises(RequestRefused) as refused:
        nights(at(3))
    assert str(refused.value) == snapshot
    assert not nights.registry.exists()


def test_with_a_promoters_key_and_no_approval_a_night_promotes_by_itself(nights: Nights, sign: Sign) -> None:
    sign("approver")
    outcome = nights(at(3))
    assert (outcome.action, outcome.waiting) == ("promoted", None) and in_production(nights) == "v1"


def test_forcing_needs_a_promoters_key_and_is_refused_before_anything_is_trained(
    nights: Nights, sign: Sign, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    for name in ("night", None):
        sign(name)
        with pytest.raises(RequestRefused) as refused:
            nights(at(3), force=force("bayes"))
        assert str(refused.value) == snapshot(name=name)
    assert not nights.registry.exists()
    sign("approver")
    monkeypatch.setenv("RETRAIN_APPROVAL_HOURS", "2")  # a person forces with their own key: nobody else is asked
    assert nights(at(3), force=force("bayes")).action == "promoted" and in_production(nights) == "v2"


def test_a_dry_run_needs_no_key(nights: Nights, sign: Sign, monkeypatch: pytest.MonkeyPatch) -> None:
    sign("approver")
    monkeypatch.setenv("RETRAIN_APPROVAL_HOURS", "2")
    assert nights(at(3), dry_run=True).action == "promoted"


def test_a_key_that_cannot_be_used_stops_the_night_before_it_begins(nights: Nights, keys: Path, sign: Sign) -> None:
    sign("night")
    (keys / "night.pem").chmod(0o644)
    with pytest.raises(KeyRefused, match="open to others"):
        nights(at(3))
    (keys / "night.pem").unlink()
    with pytest.raises(KeyRefused, match="cannot be read"):
        nights(at(3))
    assert not nights.registry.exists()


def test_a_champion_from_before_the_keys_is_judged_against_but_not_served(
    nights: Nights, keys: Path, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_unsigned(nights, monkeypatch)
    sign("night")
    assert vouched(nights, at(4)).action == "held"
    with pytest.raises(UntrustedSignature, match="is not signed"):
        in_production(nights)


def begin_unsigned(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first night, from before there were keys."""
    with monkeypatch.context() as before:
        before.delenv("RETRAIN_TRUSTED_PROMOTERS")
        before.delenv("RETRAIN_TRUSTED_TRAINERS")
        nights(at(3))


def vouched(nights: Nights, as_of: datetime) -> Outcome:
    """The night, begun by a person who vouches for every entry that it would not use."""
    with pytest.raises(NightRefused) as refused:
        nights(as_of)
    words = shlex.split(str(refused.value).rpartition("goes on with ")[2])
    names = [word for before, word in itertools.pairwise(words) if before == "--release"]
    release = {"wires": ",".join(names), "author": "ada", "reason": "older than the keys"}
    return nights(as_of, release=release)


def test_a_registry_that_began_unsigned_goes_on_after_a_person_vouched_for_it_once(
    nights: Nights, sign: Sign, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    begin_unsigned(nights, monkeypatch)
    sign("night")
    entries = len([*nights.model.log()])
    with pytest.raises(NightRefused, match="entry 1 of m/decisions is not signed") as refused:
        nights(at(4))
    assert str(refused.value) == snapshot and len([*nights.model.log()]) == entries, "nothing was trained or written"
    vouched(nights, at(4))
    told = next(nights.model.acts())
    expected = ["entry:decisions/1", "entry:versions/1", "entry:versions/2"]
    assert told.body["vouched"] == {"entries": expected, "author": "ada", "reason": "older than the keys"}
    assert told.state["vouched"] == [told.n]
    assert nights(at(5)).action == "held" and "vouched" not in next(nights.model.acts()).body
    about_keys = {"untrusted champion", "untrusted entry", "unsigned beginning"}
    assert {finding.kind for finding in verify(nights.model).findings} <= about_keys


def test_evidence_that_no_trusted_key_signed_is_not_judged_by(nights: Nights, sign: Sign) -> None:
    sign("night")
    nights(at(3))
    forged = forge_as_a_judge(nights, nudged(nights.sheets, nights.stream("bayes")))
    entries = len([*nights.model.log()])
    with pytest.raises(NightRefused, match=f"entry {forged.n} of m/decisions is not signed"):
        nights(at(4))
    assert len([*nights.model.log()]) == entries


def test_a_version_that_no_trusted_key_signed_scores_no_bar(nights: Nights, sign: Sign) -> None:
    """Who may write decisions names it as the one that scores for a recipe."""
    sign("night")
    nights(at(3))
    model = nights.model
    planted = model.register(b"archive", model.version("v2").record, author="night")
    streams = {str(planted.record.recipe_fingerprint)[:16]: planted.entry}
    model.decisions.append(
        transitions.held({"streams": streams}, expected=model.champion(), night=None), author="night"
    )
    with pytest.raises(NightRefused, match=f"entry {planted.entry} of m/versions is not signed"):
        nights(at(4))


def test_who_vouches_without_a_trusted_key_vouches_for_nothing(nights: Nights, sign: Sign) -> None:
    sign("night")
    nights(at(3))
    forged = forge_as_a_judge(nights, nudged(nights.sheets, nights.stream("bayes")))
    model = nights.model
    body = {"vouched": {"entries": [f"entry:decisions/{forged.n}"], "author": "eve", "reason": "trust me"}}
    model.decisions.append(transitions.held(body, expected=model.champion(), night=None), author="night")
    with pytest.raises(NightRefused, match=f"entry {forged.n} of m/decisions is not signed"):
        nights(at(4))
