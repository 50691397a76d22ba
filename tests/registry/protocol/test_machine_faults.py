"""What a machine gets wrong: one clear typed error for each, nothing half written, and the same call works once mended.

On real mounts, rights and servers where the test may have them; file systems without hard links are told apart in
``store/test_folder_faults.py``, wrong credentials on a server that checks them in ``store/test_rgw.py``.
"""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from registry import Model, Version, errors
from registry.maintenance.verify import verify
from registry.store import S3Settings, Store, connect
from tests.registry.actors import NAME, HandClock, a_model, promote, register
from tests.registry.auditing import audit
from tests.servers.fixtures import new_bucket
from tests.servers.processes import free_ports

NOBODY = 65534
Fault = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def full_disk(root: Path) -> Iterator[None]:
    """Not one more block."""
    filler = root.parent / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)
    yield
    filler.unlink()


@contextmanager
def read_only_mount(root: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(root.parent)], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(root.parent)], check=True)


@contextmanager
def no_permission(root: Path) -> Iterator[None]:
    """Another user, who may read all and write nothing."""
    for path in (root.parent, root, *root.rglob("*")):
        path.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def no_hard_links(root: Path) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "link", refuse)
        yield


@pytest.fixture
def disk() -> Iterator[Path]:
    """A file system of its own, a quarter of a megabyte."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", folder]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting a small disk needs root and an environment that allows it")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def as_seen(store: Store, *, who: int) -> tuple[Model, Version]:
    """The model as a new process sees it that looked before the fault came, and the version that waits."""
    model = a_model(store, who=who)
    return model, model.version("latest")


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (full_disk, errors.StoreFull, "No space left.*nothing was stored.*Free some space"),
        (read_only_mount, errors.StoreDenied, "Read-only file system.*not mounted read-only"),
        (no_permission, errors.StoreDenied, "Permission denied.*owner and permissions"),
        (no_hard_links, errors.StoreRefused, "no hard links.*local disk or a bucket"),
    ],
    ids=["disk full", "read-only", "no permission", "no hard links"],
)
@pytest.mark.parametrize("act", ["register", "promote"])
def test_a_folder_that_cannot_be_written_is_one_error_and_nothing_is_half_written(
    disk: Path, fault: Fault, error: type[errors.RegistryError], says: str, act: str
) -> None:
    root = disk / "registry"
    register(a_model(connect(root)))
    model, version = as_seen(connect(root), who=2)

    def again() -> object:
        if act == "register":
            return register(model, "b", key="tonight")
        return promote(model, version, expected=None, key="tonight")

    before, files_before = stored(root), files(root)
    with fault(root):
        with pytest.raises(error, match=says) as raised:
            again()
        assert raised.type is error
        assert (stored(root), model.champion()) == (before, None), "production reads on, and nothing is there"
    assert files(root) == files_before, "nor any temporary file"
    again()
    assert len(stored(root)) == len(before) + (2 if act == "register" else 1)
    audit(stored(root))
    assert verify(a_model(connect(root))).clean


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


def stored(root: Path) -> dict[str, bytes]:
    store = connect(root)
    return {key: store.get(key) for key in store.list("")}


def nowhere(aws: Callable[[str], None], request: pytest.FixtureRequest) -> str:
    aws(f"http://127.0.0.1:{free_ports(1)[0]}")
    return "s3://models"


def wrong_bucket(aws: Callable[[str], None], request: pytest.FixtureRequest) -> str:
    aws(request.getfixturevalue("moto_server"))
    return f"{new_bucket()}-not-there"


@pytest.mark.parametrize(
    ("place", "error", "says"),
    [
        (nowhere, errors.StoreUnavailable, "check the network and AWS_ENDPOINT_URL"),
        (wrong_bucket, errors.StoreDenied, "bucket's name.*NoSuchBucket"),
    ],
    ids=["no network", "wrong bucket"],
)
def test_a_bucket_that_is_not_reached_is_one_error(
    place: Callable[..., str], error: type[errors.RegistryError], says: str, aws, request: pytest.FixtureRequest
) -> None:
    model = a_model(connect(place(aws, request), s3=S3Settings(first_wait=0.001)))
    for act in (lambda: register(model), model.champion, model.history):
        with pytest.raises(error, match=says) as raised:
            act()
        assert raised.type is error


@pytest.mark.parametrize("act", ["register", "promote"])
def test_a_clock_two_years_behind_is_refused_and_the_right_one_goes_on(tmp_path: Path, act: str) -> None:
    now = HandClock()
    model = a_model(connect(tmp_path), clock=now)
    version = register(model)
    promote(model, register(model, "b"))
    champion = model.champion()
    past = HandClock()
    past.pass_time(days=-730)
    behind = a_model(connect(tmp_path), clock=past, who=2)
    before = stored(tmp_path)
    with pytest.raises(errors.ClockSkew, match=r"clock says 2022-07-02.*set the clock"):
        register(behind, "c") if act == "register" else promote(behind, version, expected=champion)
    logs = {key: data for key, data in stored(tmp_path).items() if f"{NAME}/artifacts" not in key}
    assert logs == {key: data for key, data in before.items() if f"{NAME}/artifacts" not in key}
    register(model, "c")
    promote(model, version, expected=champion)
    audit(stored(tmp_path))
