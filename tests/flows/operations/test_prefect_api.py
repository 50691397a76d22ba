"""A wrong PREFECT_API_URL is named with what to write; a night by hand goes on where nothing answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.commands.run import _choose_way
from flows.errors import RequestRefused
from flows.operations.api import answers, shown
from flows.operations.doctor.prefect import examine_server
from tests.servers.handlers import EveryVerb, serving
from tests.servers.prefect_server import PrefectServer


@contextmanager
def service(status: int, body: bytes) -> Iterator[str]:
    """The url of a server that gives one answer to everything."""

    class Handler(EveryVerb):
        def answer(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as place:
        yield f"http://{place}"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<!DOCTYPE html><html>Hello</html>"),
        (200, b'{"status": "ok"}'),
        (200, b""),
        (200, b"false"),
        (404, b'{"detail": "Not Found"}'),
        (400, b"<Error><Code>InvalidRequest</Code></Error>"),
    ],
)
def test_another_service_is_no_prefect(status: int, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(status, body) as url:
        with pytest.raises(RequestRefused) as refused:
            answers(f"{url}/api")
        assert f"is not Prefect's API (/health: {status})" in str(refused.value)
        assert "the API's own address, like http://127.0.0.1:4200/api" in str(refused.value)
        monkeypatch.setenv("PREFECT_API_URL", f"{url}/api")
        for prefect in (None, True):
            with pytest.raises(RequestRefused, match="is not Prefect's API"):
                _choose_way(prefect, scheduled=False)
        assert _choose_way(False, scheduled=False)[0] is False
        assert _choose_way(None, scheduled=True)[0] is False


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"true"), (401, b"{}"), (403, b"{}"), (429, b""), (500, b""), (503, b"busy")]
)
def test_a_server_that_refuses_or_is_busy_answers(status: int, body: bytes) -> None:
    with service(status, body) as url:
        assert answers(f"{url}/api") and answers(f"{url}/api/")


@pytest.mark.parametrize("url", ["127.0.0.1:4200/api", "nonsense", "ftp://127.0.0.1/api", "user:canary@host/api"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(RequestRefused, match=r"write http://127.0.0.1:4200/api, or unset it") as refused:
        answers(url)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/api", "http://127.0.0.1:port/api", "http://[::1"])
def test_where_nothing_answers_there_is_no_answer(url: str) -> None:
    assert answers(url) is False


def test_a_password_in_the_url_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown("https://ann:canary@host:4200/api?x=1") == "https://host:4200/api?x=1"
    assert "canary" not in shown("http://ann:canary@[::1/api")
    for url in ("http://ann:canary@127.0.0.1:9/api", "http://ann:canary@[::1/api"):
        monkeypatch.setenv("PREFECT_API_URL", url)
        assert "canary" not in _choose_way(None, scheduled=False)[1]
        assert "canary" not in "".join(map(str, examine_server(url, datetime(2024, 6, 6, tzinfo=UTC))))


@pytest.mark.server
def test_the_address_of_the_pages_is_answered_with_that_of_the_api(
    prefect_server: PrefectServer, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    root = prefect_server.url.removesuffix("/api")
    assert answers(prefect_server.url)
    for wrong in (root, f"{root}/", f"{root}/v2", f"{root}/api/v2"):
        with pytest.raises(RequestRefused) as refused:
            answers(wrong)
        assert f"write PREFECT_API_URL={prefect_server.url}," in str(refused.value)
        (found,) = examine_server(wrong, datetime(2024, 6, 6, tzinfo=UTC))
        assert found.verdict == "wrong" and f"PREFECT_API_URL={prefect_server.url}" in str(found.fix)
    env = {**prefect_server.env, "PREFECT_API_URL": root}
    done = PrefectServer(root, env).run("python", "-m", "flows.cli", "deploy", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr == snapshot
