"""What a type checker sees of the roles. Never run: ``mypy`` checks it with the packages (``files`` in pyproject.toml).

Each ``type: ignore`` says what must be an error. Were it none, ``mypy --strict`` would find the comment unused.
"""

from __future__ import annotations

from registry import Model, Registry, VersionRecord
from registry.model.evidence import ScoredNight
from registry.model.reader import ModelReader
from registry.model.roles import ModelKeeper
from registry.model.trainer import ModelTrainer


def every_right(registry: Registry) -> Model:
    model = registry.model("gbpusd")
    model.register(None, VersionRecord(), author="job")
    model.hold(expected=None, author="gate", body={})
    model.rollback(author="ann", reason="the feed was wrong")
    model.fold()
    return model


def a_trainer_cannot_promote(registry: Registry) -> ModelTrainer:
    trainer = registry.model("gbpusd", role="trainer")
    version = trainer.register(None, VersionRecord(), author="job")
    trainer.promote(version, expected=None, author="job", body={})  # type: ignore[attr-defined]  # the role has no such act: mypy must say so
    trainer.hold(expected=None, author="job", body={})  # type: ignore[attr-defined]  # the role has no such act: mypy must say so
    trainer.force(version, author="job", reason="in a hurry")  # type: ignore[attr-defined]  # the role has no such act: mypy must say so
    trainer.rollback(author="job", reason="in a hurry")  # type: ignore[attr-defined]  # the role has no such act: mypy must say so
    trainer.fold()  # type: ignore[attr-defined]  # the role has no such act: mypy must say so
    trainer.score(ScoredNight(b"", "2024-05-01", "2024-05-01", 0), fold=b"".join, author="job")  # type: ignore[attr-defined]  # that is tested
    return trainer


def a_gate_decides_and_registers_nothing(registry: Registry) -> None:
    gate = registry.model("gbpusd", role="promoter")
    gate.promote(gate.version(1), expected=gate.champion(), author="gate", body={})
    gate.register(None, VersionRecord(), author="gate")  # type: ignore[attr-defined]  # the role has no such act: mypy must say so
    gate.force(1, author="gate", reason="in a hurry")  # type: ignore[attr-defined]  # the role has no such act: mypy must say so


def a_reader_writes_nothing(registry: Registry) -> ModelReader:
    reader = registry.model("gbpusd", role="reader")
    reader.register(None, VersionRecord(), author="job")  # type: ignore[attr-defined]  # that is tested
    reader.suspend(author="job", reason="in a hurry")  # type: ignore[attr-defined]  # the role has no such act: mypy must say so
    return reader


def a_keeper_folds(registry: Registry) -> ModelKeeper:
    keeper = registry.model("gbpusd", role="keeper")
    keeper.fold()
    keeper.retire([1], author="job", reason="in a hurry")  # type: ignore[attr-defined]  # the role has no such act: mypy must say so
    return keeper


def roles_are_named(registry: Registry) -> None:
    registry.model("gbpusd", role="admin")  # type: ignore[call-overload]  # the role has no such act: mypy must say so
