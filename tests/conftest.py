"""Fixtures that every test may ask for: real servers, fresh buckets and the sentences a person reads."""

import gc
import os
import re
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.amber import AmberSnapshotExtension

TESTS = Path(__file__).resolve().parent

# Threads of a fit that wait for the others spin, and take the core from whatever else runs here: each of the processes
# that share the cores has a thread for every core. Read when the library is loaded, and by what a test starts.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

pytest_plugins = ["tests.servers.fixtures", "tests.servers.prefect_server"]

# a shell that starts the tests in the background ignores Ctrl-C for them; what a test starts must not inherit that
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# a busy machine may take a second for what usually takes a millisecond: that is no fault of what is tested
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


class Sentences(AmberSnapshotExtension):
    """One file for all tests, so that one person can read all sentences; an entry is named after its test function, and
    the second of a function has a name of its own: ``snapshot(name="retired")``.

    Its folder holds nothing else: with ``--snapshot-update`` syrupy removes other files from it. A test that is skipped
    somewhere may not use it: syrupy would report its entry there as unused.
    """

    @classmethod
    def dirname(cls, *, test_location):
        return str(TESTS / "sentences")

    @classmethod
    def get_file_basename(cls, *, test_location, index):
        return "sentences"

    @classmethod
    def get_snapshot_name(cls, *, test_location, index=0):
        return f"{test_location.methodname}[{index}]" if isinstance(index, str) else test_location.methodname

    @classmethod
    def matches_test_location(cls, *, test_location, snapshot_location):
        return True


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion, tmp_path_factory: pytest.TempPathFactory) -> SnapshotAssertion:
    """The test's sentence in ``sentences/sentences.ambr``, with a placeholder for what differs from run to run."""
    masks = {
        re.escape(str(tmp_path_factory.getbasetemp())) + r"/[^/\s:,'\")]+": "<folder>",
        r"127\.0\.0\.1:\d{2,5}": "127.0.0.1:<port>",
        r"\bbucket-\d+": "<bucket>",
    }

    def masked(data: object, path: object) -> object:
        text = str(data)
        for pattern, placeholder in masks.items():
            text = re.sub(pattern, placeholder, text)
        return text

    return snapshot.with_defaults(extension_class=Sentences, matcher=masked)


def _chosen() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("RETRAIN_", "AWS_", "TEST_"))}


@pytest.fixture(autouse=True)
def _environment_is_left_as_it_was() -> Iterator[None]:
    """What one test sets must not choose the model or the store of the next one in the same process."""
    before = _chosen()
    yield
    after = _chosen()
    for name in {*before, *after}:  # put right, so that one test is named and not all that follow it
        if name in before:
            os.environ[name] = before[name]
        else:
            del os.environ[name]
    assert after == before, "the test has changed variables of this process: set them by monkeypatch"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """As ``--dist loadfile``, but for one Prefect server: its files go to one process, which starts it once."""
    if config.option.dist != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class WholeFiles(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "files that ask the Prefect server" if _asks_prefect(config.rootpath / file) else file

    return WholeFiles(config, log)


@cache
def _asks_prefect(file: Path) -> bool:
    return "import PrefectServer" in file.read_text(encoding="utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _check_names(items)
    allowed = {item.path: 0.0 for item in items}
    for item in items:
        allowed[item.path] = max(allowed[item.path], _seconds_allowed(item))
    # files whose tests may take longest come first: at the end no core is left alone with one of them
    items.sort(key=lambda item: -allowed[item.path])


def _seconds_allowed(item: pytest.Item) -> float:
    """What its mark says; a server takes seconds to start."""
    mark = item.get_closest_marker("timeout")
    return (0.0 if mark is None else float(mark.args[0])) + (item.get_closest_marker("server") is not None)


def _check_names(items: list[pytest.Item]) -> None:
    """Two tests of one name would share an entry."""
    modules: dict[str, Path] = {}
    for item in items:
        if isinstance(item, pytest.Function) and "snapshot" in item.fixturenames:
            name = item.function.__name__
            if modules.setdefault(name, item.path) != item.path:
                raise pytest.UsageError(f"{name} stands in {modules[name]} and in {item.path}: rename one of them")


def pytest_collection_finish() -> None:
    """What was collected lives until the end: the garbage collector looks at it no more, over and over."""
    gc.collect()
    gc.freeze()
