"""The model's file by the parts of ``skops``: byte for byte what comes of the file that ``skops`` itself writes."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import skops.io
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.preprocessing import FunctionTransformer

from registry.archive import skops_file as module
from registry.archive.skops_file import skops_file
from registry.errors import UnsafeArtifact
from tests.registry.archives import OTHERS, PORTABLE, fitted, lesson

NESTED = {
    "bagging": lambda: BaggingClassifier(n_estimators=3, random_state=7),
    "adaptive boosting": lambda: AdaBoostClassifier(n_estimators=3, random_state=7),
}


def written_by_skops(estimator: Any, monkeypatch: pytest.MonkeyPatch) -> bytes:
    with monkeypatch.context() as patch:
        patch.setattr(module, "_in_parts", lambda estimator: None)
        return skops_file(estimator)


@pytest.mark.parametrize("kind", [*PORTABLE, *OTHERS, *NESTED])
def test_the_parts_of_skops_make_the_file_that_it_writes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = NESTED[kind]().fit(*lesson()) if kind in NESTED else fitted(kind)
    assert module._in_parts(estimator) is not None, "this skops is written the slow way"
    assert skops_file(estimator) == written_by_skops(estimator, monkeypatch)


def test_another_skops_is_asked_for_a_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a later protocol, one that lacks the parts, one whose parts are made otherwise."""
    estimator, expected = fitted("logistic"), skops_file(fitted("logistic"))
    parts = sys.modules["skops.io._utils"]
    dumps, asked = skops.io.dumps, []
    monkeypatch.setattr(skops.io, "dumps", lambda each: asked.append(each) or dumps(each))

    def refuse(**named: Any) -> None:
        raise TypeError("another signature")

    others = [ModuleType("skops.io._utils"), ModuleType("skops.io._utils")]
    others[1].SaveContext, others[1].get_state = refuse, parts.get_state  # type: ignore[attr-defined]  # the library's own parts are exchanged
    for other in others:
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "skops.io._utils", other)
            assert skops_file(estimator) == expected
    with monkeypatch.context() as patch:
        patch.setattr(module, "_PROTOCOL", 1)
        assert skops_file(estimator) == expected
    assert asked == [estimator] * 3


def test_what_skops_cannot_write_is_refused_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = FunctionTransformer(func=print)
    for write in (skops_file, lambda each: written_by_skops(each, monkeypatch)):
        with pytest.raises(UnsafeArtifact, match="not allowed"):
            write(estimator)
