"""Estimators of several steps and of other libraries: stored as arrays alone, which say what the estimator says."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catboost import CatBoostClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from xgboost import XGBClassifier

from registry.archive import portable
from registry.archive.archive import HEAD, MODEL, pack
from registry.archive.portable.converters.registered import OURS, SINGLE, brought
from registry.archive.portable.npy import from_npy, to_npy
from registry.archive.portable.program import MAX_STEPS
from registry.errors import InputMismatch, NotPortable, RegistryError, UnsafeArtifact
from tests.paths import ROOT
from tests.registry.archives import (
    PORTABLE,
    PROGRAMS,
    SIGNATURE,
    WIDTH,
    fitted,
    lesson,
    light,
    members,
    opened,
    packed,
    two,
    zipped,
)

EXACT = [
    *(kind for kind in PROGRAMS if kind.startswith(("LightGBM", "gradient", "exponential", "boosting"))),
    *("CatBoost", "calibrated boosting"),
]
"""Programs that say the very bits: sums in the library's own order, the exponential of C's library."""


def rows(count: int = 3000) -> np.ndarray:
    """Rows inside and far outside of what was trained on."""
    return np.random.default_rng(2).normal(size=(count, WIDTH)) * (30.0, 0.05) + (50.0, 0.02)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_arrays_say_what_the_estimator_says_and_are_all_that_is_stored(kind):
    archive, x = opened(packed(kind)), rows()
    assert not archive.has_estimator and archive.not_portable is None
    difference = np.abs(archive.up(x) - fitted(kind).predict_proba(x)[:, 1]).max()
    assert difference <= (SINGLE if kind == "XGBoost" else 0.0 if kind in EXACT else 1e-14)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_one_row_says_what_it_says_among_many(kind):
    form, x = opened(packed(kind)).form, rows(2100)
    alone = np.concatenate([form.up(x[i : i + 1]) for i in range(2040, 2060)])
    np.testing.assert_allclose(alone, form.up(x)[2040:2060], rtol=0, atol=0 if kind in EXACT else 1e-15)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_equal_fits_give_equal_archives(kind):
    assert pack(PROGRAMS[kind]().fit(*lesson()), SIGNATURE) == packed(kind)


def test_lightgbm_gives_the_same_bytes_on_one_thread_and_on_two():
    assert pack(light(n_jobs=2).fit(*lesson()), SIGNATURE) == packed("LightGBM")


@pytest.mark.parametrize("kind", ["LightGBM", *PORTABLE])
def test_an_archive_of_arrays_alone_has_no_estimator_to_load(kind):
    archive = opened(packed(kind))
    archive.warm()
    assert archive.up(rows(6000)).shape == (6000,)
    assert MODEL not in archive.members
    with pytest.raises(NotPortable, match="arrays and no estimator"):
        archive.estimator()


def test_an_older_reader_is_told_to_upgrade_by_the_number_of_the_format():
    assert json.loads(members(packed("LightGBM"))[HEAD])["format"] == 2
    assert json.loads(members(packed("naive Bayes"))[HEAD])["format"] == 1  # what an older reader reads stays so


@pytest.mark.parametrize("kind", ["LightGBM", "layers", "stack", "normal quantiles"])
@pytest.mark.parametrize("x", [np.full((1, WIDTH), np.nan), np.full((1, WIDTH), np.inf), np.ones((1, 3)), np.ones(2)])
def test_rows_that_are_not_finite_or_not_as_wide_are_refused(kind, x):
    with pytest.raises(InputMismatch, match="the model takes"):
        opened(packed(kind)).up(x)


def test_a_number_too_large_for_float32_is_refused_where_trees_compare_in_it():
    with pytest.raises(InputMismatch, match="float32"):
        opened(packed("XGBoost")).up(np.full((1, WIDTH), 1e300))
    assert opened(packed("LightGBM")).up(np.full((1, WIDTH), 1e300)).shape == (1,)
    assert opened(packed("LightGBM")).up(np.empty((0, WIDTH))).shape == (0,)


def asked_for_categories() -> Any:
    x, label = lesson()
    return light().fit(np.abs(x) // 10, label, categorical_feature=[0])


def with_gaps() -> Any:
    x, label = lesson()
    x[::7, 0] = np.nan
    return light().fit(x, label)


def categories_of_xgboost() -> Any:
    x, label = lesson()
    import pandas as pd

    frame = pd.DataFrame({"a": pd.Categorical((x[:, 0] // 10).astype(int)), "b": x[:, 1]})
    return XGBClassifier(n_estimators=3, enable_categorical=True, max_cat_to_onehot=1).fit(frame, label)


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (asked_for_categories, "splits by category"),
        (with_gaps, "values may be missing"),
        (lambda: light(zero_as_missing=True).fit(*lesson()), "values may be missing"),
        (lambda: light(linear_tree=True).fit(*lesson()), "linear_tree"),
        (lambda: light(boosting_type="rf", subsample=0.5, subsample_freq=1).fit(*lesson()), "boosting_type rf"),
        (lambda: light(objective="cross_entropy").fit(*lesson()), "objective cross_entropy"),
        (lambda: XGBClassifier(n_estimators=3, booster="dart").fit(*lesson()), "by dart"),
        (lambda: XGBClassifier(n_estimators=3, objective="binary:hinge").fit(*lesson()), "binary:hinge"),
        (lambda: XGBClassifier(n_estimators=3, missing=0).fit(*lesson()), "0 is a missing value"),
        (categories_of_xgboost, "splits by category"),
        (
            lambda: XGBClassifier(n_estimators=9, early_stopping_rounds=1).fit(
                *lesson(), eval_set=[(rows(50), np.arange(50) % 2)], verbose=False
            ),
            "stopped early",
        ),
        (
            lambda: CatBoostClassifier(3, grow_policy="Lossguide", verbose=False, allow_writing_files=False).fit(
                *lesson()
            ),
            "grow_policy",
        ),
        (
            lambda: GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()).fit(*lesson()),
            "that begins with LogisticRegression",
        ),
        (lambda: SGDClassifier().fit(*lesson()), "gives no probabilities"),
        (lambda: make_pipeline(MinMaxScaler(), LogisticRegression()).fit(*lesson()), "the step MinMaxScaler"),
        (lambda: VotingClassifier(two()).fit(*lesson()), "a vote of classes"),
        (
            lambda: CalibratedClassifierCV(LogisticRegression(), method="temperature", cv=2).fit(*lesson()),
            "calibration by temperature",
        ),
        (lambda: StackingClassifier([("bayes", GaussianNB())], cv=2).fit(*lesson()), "GaussianNB has no data-only"),
        (
            lambda: StackingClassifier(two(), stack_method="predict", cv=2).fit(*lesson()),
            "is stacked by predict",
        ),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_converted_is_refused_with_the_reason(estimator: Callable[[], Any], why: str):
    with pytest.raises(NotPortable, match=why):
        portable.write(estimator(), WIDTH)
    with pytest.raises(RegistryError, match=why):
        pack(estimator(), SIGNATURE)


def test_arrays_that_say_something_else_are_not_written(monkeypatch):
    model = light().fit(*lesson())
    monkeypatch.setattr(model, "predict_proba", lambda x: np.full((len(x), 2), 0.5))
    with pytest.raises(NotPortable, match=r"differs by up to \d"):
        portable.write(model, WIDTH)


def test_rows_handed_in_are_compared_too():
    with pytest.raises(NotPortable, match="finite"):
        portable.write(fitted("XGBoost"), WIDTH, np.full((1, WIDTH), 1e300))


# --- a form that was made to hurt -----------------------------------------------------------------------------------


def changed(kind: str, name: str, change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """The archive of a program with one array replaced by what ``change`` makes of it."""
    content = members(packed(kind))
    member = f"arrays/{name}.npy"
    return zipped({**content, member: to_npy(change(from_npy(content[member], name).copy()))})


def described(kind: str, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The archive of a program with its description changed in place."""
    content = members(packed(kind))
    head = json.loads(content["arrays/form.json"])
    change(head)
    return zipped({**content, "arrays/form.json": json.dumps(head).encode()})


def put(place: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    def change(head: dict[str, Any]) -> None:
        head["steps"][place].update(values)

    return change


def widening(head: dict[str, Any]) -> None:
    """Each step reads the last three times over: 3 ** 30 columns."""
    head["steps"] = [{"kind": "joined", "reads": [n, n, n], "says": {}} for n in range(30)]


def wide(head: dict[str, Any]) -> None:
    """Forty steps of a thousand columns each."""
    head["steps"] = [{"kind": "joined", "reads": [0] * 500, "says": {}} for _ in range(40)]


def arrayless(data: bytes) -> bytes:
    """An archive without its arrays, of which steps of this kind have none."""
    return zipped({name: content for name, content in members(data).items() if not name.endswith(".npy")})


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a step of another kind": (lambda: described("layers", put(0, kind="eval")), "there is no such kind"),
    "a kind that is no name": (lambda: described("layers", put(0, kind=["dense"])), "there is no such kind"),
    "a step that reads itself": (lambda: described("layers", put(0, reads=[1])), "does not stand before it"),
    "a step that reads the future": (lambda: described("layers", put(0, reads=[9])), "does not stand before it"),
    "a step that reads backwards": (lambda: described("layers", put(1, reads=[-1])), "does not stand before it"),
    "a step that reads a truth": (lambda: described("layers", put(1, reads=[True])), "does not stand before it"),
    "a step that reads nothing": (lambda: described("layers", put(1, reads=[])), "not a list of values"),
    "a step that reads too much": (
        lambda: described("layers", put(1, reads=[0] * (MAX_STEPS + 1))), "not a list of values",
    ),
    "another activation": (lambda: described("layers", put(1, says={"activation": "exec"})), "no such value"),
    "an activation of lists": (lambda: described("layers", put(1, says={"activation": []})), "no such value"),
    "one value more": (lambda: described("layers", put(1, says={"activation": "relu", "x": 1})), "expected"),
    "no steps": (lambda: described("layers", lambda head: head.update(steps=[])), "a list of 1 to"),
    "steps that are none": (lambda: described("layers", lambda head: head.update(steps=[1])), "is unreadable"),
    "too many steps": (
        lambda: described("layers", lambda head: head.update(steps=head["steps"] * MAX_STEPS)), "a list of 1 to",
    ),
    "one step less": (lambda: described("layers", lambda head: head["steps"].pop()), "should hold"),
    "a later format": (lambda: described("layers", lambda head: head.update(format=9)), "format 9: upgrade"),
    "another width": (lambda: described("layers", lambda head: head.update(features=3)), "takes 3 features"),
    "columns without end": (
        lambda: arrayless(described("layers", widening)),
        "columns",
    ),
    "columns of many steps": (lambda: arrayless(described("layers", wide)), "of all steps together"),
    "a layer of another shape": (lambda: changed("layers", "002_weight", lambda a: a[:1]), "arrays do not fit"),
    "a layer of other numbers": (lambda: changed("layers", "002_weight", lambda a: a.astype("<f2")), "is <f2"),
    "a layer that is flat": (lambda: changed("layers", "002_weight", lambda a: a.reshape(-1)), "of shape"),
    "a layer that is not finite": (lambda: changed("layers", "002_bias", lambda a: a + np.inf), "not finite"),
    "more than one probability": (
        lambda: changed("components", "003_weight", lambda a: np.ones((1, 2))), "arrays do not fit",
    ),
    "a scale of zero": (lambda: changed("layers", "001_scale", lambda a: a * 0), "arrays do not fit"),
    "trees over more columns": (
        lambda: described("LightGBM", put(0, says={"trees": 5, "width": 3, "of": "sum"})), "arrays do not fit",
    ),
    "more trees": (
        lambda: described("LightGBM", put(0, says={"trees": 6, "width": 2, "of": "sum"})), "not 6 whole trees",
    ),
    "no trees": (lambda: described("LightGBM", put(0, says={"trees": 0, "width": 2, "of": "sum"})), "no such value"),
    "a node that looks outside": (
        lambda: changed("LightGBM", "001_feature", lambda a: np.where(a == 0, 9, a).astype("<i2")), "outside 0 to 1",
    ),
    "a leaf too few": (lambda: changed("LightGBM", "001_value", lambda a: a[1:]), "inner nodes and"),
    "a leaf that is not finite": (lambda: changed("LightGBM", "001_value", lambda a: a * np.nan), "not finite"),
    "a threshold that is no number": (
        lambda: changed("LightGBM", "001_threshold", lambda a: a * np.nan), "is not a number",
    ),
    "two starts": (lambda: changed("LightGBM", "001_start", lambda a: np.zeros(2)), "arrays do not fit"),
    "quantiles that fall": (lambda: changed("quantiles", "001_quantiles", lambda a: a[::-1]), "arrays do not fit"),
    "references beyond one": (lambda: changed("quantiles", "001_references", lambda a: a * 2), "arrays do not fit"),
    "a map that goes back": (lambda: changed("calibrated forest", "002_known", lambda a: a[::-1]), "do not fit"),
    "a map beyond one": (lambda: changed("calibrated forest", "002_value", lambda a: a + 2), "outside 0 to 1"),
    "weights below zero": (lambda: changed("vote", "005_weight", lambda a: -a), "arrays do not fit"),
    "weights of nothing": (lambda: changed("vote", "005_weight", lambda a: a * 0), "arrays do not fit"),
    "a score for a probability": (
        lambda: described("LightGBM", lambda head: head["steps"].pop()),
        "outside 0 to 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_program_that_was_made_to_hurt_is_refused_by_name(kind):
    make, why = HOSTILE[kind]
    with pytest.raises(RegistryError, match=why):
        opened(make()).warm()


def test_an_archive_with_neither_estimator_nor_arrays_is_refused():
    with pytest.raises(UnsafeArtifact, match=rf"holds no {MODEL}"):
        opened(zipped({HEAD: members(packed("LightGBM"))[HEAD]}))


# --- converters of other packages -----------------------------------------------------------------------------------

TINY = """
    import numpy as np


    class Cut:
        "Up with one probability above the mean of the first feature, with another below."

        def fit(self, x, label):
            self.classes_, self.n_features_in_ = np.array([0, 1]), x.shape[1]
            self.at = float(x[:, 0].mean())
            return self

        def predict_proba(self, x):
            up = 1 / (1 + np.exp(-(x[:, 0] - self.at)))
            return np.stack((1 - up, up), axis=1)


    def convert(writer, model, x):
        from registry.archive.portable.converters.writer import Converted

        weight = np.zeros((x.width, 1))
        weight[0] = 1.0
        score = writer.dense(x, weight, [-model.at])
        return Converted(writer.logistic(score), score)
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder with an installed package that brings an estimator and its converter."""
    (tmp_path / "tinyest.py").write_text(textwrap.dedent(TINY), encoding="utf-8")
    metadata = tmp_path / "tinyest-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tinyest\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(
        "[champion_gate.estimators]\ntinyest.Cut = tinyest:convert\ntinyest.Gone = tinyest:nowhere\n"
        "lightgbm.LGBMClassifier = tinyest:convert\n",
        encoding="utf-8",
    )
    return tmp_path


def run(tiny: Path, code: str) -> subprocess.CompletedProcess[str]:
    path = f"import sys; sys.path[:0] = [{str(tiny)!r}, {str(ROOT)!r}]\n"
    return subprocess.run([sys.executable, "-c", path + textwrap.dedent(code)], capture_output=True, text=True)


def test_an_installed_package_adds_a_converter(tiny: Path):
    done = run(
        tiny,
        """
        import numpy as np, tinyest
        from tests.registry.archives import SIGNATURE, lesson, opened
        from registry.archive.archive import pack

        model = tinyest.Cut().fit(*lesson())
        archive = opened(pack(model, SIGNATURE))
        assert not archive.has_estimator
        print(np.abs(archive.up(lesson()[0]) - model.predict_proba(lesson()[0])[:, 1]).max() <= 1e-12)
        """,
    )
    assert done.stdout.strip() == "True", done.stderr


def test_a_converter_that_cannot_be_loaded_is_named_and_none_replaces_ours(tiny: Path):
    done = run(
        tiny,
        """
        from registry.archive.portable.converters.registered import brought, find
        from registry.errors import NotPortable

        print(sorted(brought()))
        try:
            find(type("Gone", (), {"__module__": "tinyest"})())
        except NotPortable as refused:
            print(refused)
        """,
    )
    first, second = done.stdout.strip().splitlines()
    assert first == "['tinyest.Cut', 'tinyest.Gone']", done.stderr
    assert "the converter of tinyest.Gone cannot be loaded from tinyest:nowhere" in second


def test_nothing_of_programs_is_loaded_by_what_serves_a_forest(tmp_path: Path):
    (tmp_path / "model").write_bytes(packed())
    code = f"""
        import sys
        from pathlib import Path
        from registry.archive.archive import unpack
        from registry.format.entries import digest

        data = Path({str(tmp_path / "model")!r}).read_bytes()
        unpack(data, sha256=digest(data), where="here").warm()
        print([name for name in sys.modules if "converters" in name or "program" in name or name == "statistics"])
    """
    assert run(tmp_path, code).stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["LightGBM", "XGBoost", "CatBoost", "stack", "normal quantiles"])
def test_it_is_served_where_none_of_the_libraries_is_installed(tmp_path: Path, kind: str):
    (tmp_path / "model").write_bytes(packed(kind))
    code = f"""
        import sys
        from pathlib import Path

        sys.modules.update(dict.fromkeys(("lightgbm", "xgboost", "catboost", "sklearn", "scipy", "skops", "pandas")))
        from registry.archive.archive import unpack
        from registry.format.entries import digest
        import numpy as np

        data = Path({str(tmp_path / "model")!r}).read_bytes()
        print(repr(unpack(data, sha256=digest(data), where="here").up(np.array([[55.0, 0.02]]))[0].item()))
    """
    done = run(tmp_path, code)
    expected = fitted(kind).predict_proba(np.array([[55.0, 0.02]]))[0, 1]
    assert float(done.stdout) == pytest.approx(float(expected), abs=SINGLE), done.stderr


def test_every_converter_of_ours_is_tried_above():
    tried = {type(fitted(kind)).__name__ for kind in PROGRAMS}
    inner = {"RandomForestClassifier", "ExtraTreesClassifier", "DecisionTreeClassifier", "ExtraTreeClassifier"}
    lines = {"HistGradientBoostingClassifier", "LogisticRegression", "LogisticRegressionCV"}
    piped = {"SGDClassifier", "MLPClassifier"}
    assert {name.partition(".")[2] for name in OURS} - inner - lines - piped <= tried
    assert not brought()
