"""A source of credentials that is not there, or gives what cannot be used, is said in a sentence with what to do."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from registry.errors import InvalidRequest, RegistryError, StoreDenied
from registry.store import S3Settings, connect
from registry.store.credentials import unfit
from registry.store.s3_client import check_endpoint
from tests.registry.store.aws_places import Place, Prepare
from tests.servers.recording import Recording, recording_server

CANARY = "CANARY8d1f"
REGION = {"AWS_DEFAULT_REGION": "eu-west-3"}
OURS = REGION | {"AWS_ACCESS_KEY_ID": "OURS", "AWS_SECRET_ACCESS_KEY": "secret"}
WEB_IDENTITY = REGION | {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/trainer"}
TRAINER = (
    "[profile trainer]\nregion = eu-west-3\nrole_arn = arn:aws:iam::123456789012:role/trainer\nsource_profile = me\n"
)
SSO = (
    "[default]\nregion = eu-west-3\nsso_session = ours\nsso_account_id = 123456789012\nsso_role_name = r\n"
    "[sso-session ours]\nsso_region = eu-west-1\nsso_start_url = https://ours.example/start\n"
)


def process(line: str, credentials: str = "") -> Place:
    config = f"[default]\nregion = eu-west-3\ncredential_process = {line}\n"
    return Place({"AWS_SHARED_CREDENTIALS_FILE": "{folder}/none"}, config, credentials)


SOURCES: dict[str, tuple[Place, type[RegistryError], str]] = {
    # what stands where; the error; a word that its message must hold
    "token that ends in a new line": (Place(OURS | {"AWS_SESSION_TOKEN": f"{CANARY}\n"}), StoreDenied, "SESSION_TOKEN"),
    "old variable of a token": (Place(OURS | {"AWS_SECURITY_TOKEN": f"{CANARY}\r"}), StoreDenied, "AWS_SECURITY_TOKEN"),
    "key id that ends in a new line": (
        Place(OURS | {"AWS_ACCESS_KEY_ID": f"{CANARY}\n"}),
        StoreDenied,
        "AWS_ACCESS_KEY_ID",
    ),
    "secret key with a blank": (
        Place(OURS | {"AWS_SECRET_ACCESS_KEY": f" {CANARY}"}),
        StoreDenied,
        "AWS_SECRET_ACCESS_KEY",
    ),
    "token with a foreign letter": (
        Place(OURS | {"AWS_SESSION_TOKEN": f"{CANARY}\u0436"}),
        StoreDenied,
        "AWS_SESSION_TOKEN",
    ),
    "key id of a profile": (
        Place(REGION, credentials=f"[default]\naws_access_key_id = A\x07{CANARY}\naws_secret_access_key = s\n"),
        StoreDenied,
        "aws_access_key_id",
    ),
    "token of a profile": (
        Place(
            REGION | {"AWS_PROFILE": "me"},
            credentials=f"[me]\naws_access_key_id = A\naws_secret_access_key = s\naws_session_token = {CANARY}\u00e9\n",
        ),
        StoreDenied,
        "aws_session_token of the profile 'me'",
    ),
    "half of the credentials": (Place(REGION | {"AWS_ACCESS_KEY_ID": CANARY}), StoreDenied, "AWS_SECRET_ACCESS_KEY"),
    "region that ends in a new line": (
        Place(OURS | {"AWS_DEFAULT_REGION": "eu-west-3\n"}),
        InvalidRequest,
        "AWS_DEFAULT_REGION",
    ),
    "no region": (Place(OURS | {"AWS_DEFAULT_REGION": f"{CANARY} x"}), InvalidRequest, "AWS_DEFAULT_REGION"),
    "program that is not there": (process(f"/no/such/program --token {CANARY}"), StoreDenied, "/no/such/program"),
    "program that fails": (process(f"sh -c 'echo {CANARY} >&2; exit 3'"), StoreDenied, "credential_process"),
    "program that prints no JSON": (process(f"echo {CANARY}"), StoreDenied, "credential_process"),
    "program that prints a list": (process("echo [1]"), StoreDenied, "credential_process"),
    "program of another version": (process('echo {\\"Version\\":2}'), StoreDenied, "credential_process"),
    "program without a key": (process('echo {\\"Version\\":1}'), StoreDenied, "credential_process"),
    "program that says no time": (
        process(
            "cat {folder}/.aws/credentials",
            json.dumps({"Version": 1, "AccessKeyId": CANARY, "SecretAccessKey": CANARY, "Expiration": 12}),
        ),
        StoreDenied,
        "credential_process",
    ),
    "program with an open quotation": (process(f"sh -c '{CANARY}"), StoreDenied, "credential_process"),
    "program whose token has a new line": (
        process(
            "cat {folder}/.aws/credentials",
            json.dumps({"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": f"{CANARY}\n"}),
        ),
        StoreDenied,
        "the credential_process gives",
    ),
    "web identity without its file": (
        Place(WEB_IDENTITY | {"AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such/token"}),
        StoreDenied,
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "web identity of a profile": (
        Place(
            {"AWS_PROFILE": "pod"},
            "[profile pod]\nregion = eu-west-3\nrole_arn = arn:aws:iam::123456789012:role/r\n"
            "web_identity_token_file = /no/such/token\n",
        ),
        StoreDenied,
        "web_identity_token_file",
    ),
    "container without its file": (
        Place(
            REGION
            | {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/no/such/token",
            }
        ),
        StoreDenied,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ),
    "container with a token in two lines": (
        Place(
            REGION
            | {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": f"{CANARY}\n2",
            }
        ),
        StoreDenied,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ),
    "SSO without a login": (Place(config=SSO), StoreDenied, "aws sso login"),
    "profile that asks for a code": (
        Place(
            {"AWS_PROFILE": "trainer"},
            f"{TRAINER}mfa_serial = arn:aws:iam::123456789012:mfa/me\n",
            "[me]\naws_access_key_id = A\naws_secret_access_key = s\n",
        ),
        StoreDenied,
        "mfa_serial",
    ),
    "profile without its source": (Place({"AWS_PROFILE": "trainer"}, TRAINER), InvalidRequest, "source_profile"),
    "profile that is not there": (Place(OURS | {"AWS_PROFILE": "nobody"}), InvalidRequest, "nobody"),
    "config that breaks off": (Place(OURS, f"[default\nregion = {CANARY}\n"), InvalidRequest, ".aws/config"),
    "config of one word": (Place(OURS, f"{CANARY}\n"), InvalidRequest, ".aws/config"),
    "credentials without a sign": (
        Place(REGION, credentials=f"[default]\naws_secret_access_key {CANARY}\n"),
        InvalidRequest,
        ".aws/credentials",
    ),
    "endpoint with a password": (
        Place(OURS | {"AWS_ENDPOINT_URL_S3": f"http://user:{CANARY}@127.0.0.1:1"}),
        InvalidRequest,
        "AWS_ENDPOINT_URL",
    ),
    "endpoint with a query": (
        Place(OURS | {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:1/?token={CANARY}"}),
        InvalidRequest,
        "AWS_ENDPOINT_URL",
    ),
    "endpoint that is none": (
        Place(OURS | {"AWS_ENDPOINT_URL_S3": f"127.0.0.1:{CANARY}"}),
        InvalidRequest,
        "AWS_ENDPOINT_URL",
    ),
    "endpoint that names the bucket": (
        Place(OURS | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1/bucket"}),
        InvalidRequest,
        "names the bucket 'bucket' already",
    ),
}


@pytest.fixture
def server() -> Iterator[Recording]:
    with recording_server() as found:
        yield found


@pytest.mark.parametrize("source", SOURCES)
def test_what_gives_no_credentials_is_named(
    prepare: Prepare,
    server: Recording,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    snapshot: SnapshotAssertion,
    source: str,
) -> None:
    place, error, word = SOURCES[source]
    prepare(place)
    if "AWS_ENDPOINT_URL_S3" not in place.variables:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    with pytest.raises(error) as refused:
        connect("s3://bucket/root").get("k")
    assert server.seen == []
    assert word in str(refused.value)
    assert CANARY not in str(refused.value) + caplog.text
    assert str(refused.value) == snapshot(name=source)


def test_a_login_that_has_expired_is_told_with_the_command(prepare: Prepare, tmp_path: Path) -> None:
    prepare(Place(config=SSO))
    kept = tmp_path / ".aws/sso/cache"
    kept.mkdir(parents=True)
    name = hashlib.sha1(b"ours").hexdigest()
    kept.joinpath(f"{name}.json").write_text(
        json.dumps(
            {"accessToken": CANARY, "expiresAt": "2020-01-01T00:00:00Z", "startUrl": "https://ours.example/start"}
        )
    )
    with pytest.raises(StoreDenied, match="run `aws sso login`") as refused:
        connect("s3://bucket/root").get("k")
    assert CANARY not in str(refused.value)


def test_credentials_that_are_fetched_anew_are_checked_anew(
    prepare: Prepare, server: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The second token that the program gives has the new line of a file at its end."""
    given = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "Expiration": "2100-01-01T00:00:00Z"}
    prepare(process("cat {folder}/.aws/credentials", json.dumps(given | {"SessionToken": "fine"})))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    store = connect("s3://bucket/root")
    assert store.get("k") == b"data"
    (tmp_path / ".aws/credentials").write_text(json.dumps(given | {"SessionToken": f"{CANARY}\n"}))
    refreshable = "botocore.credentials.RefreshableCredentials.refresh_needed"
    monkeypatch.setattr(refreshable, lambda _, refresh_in=None: refresh_in != 0)  # time to refresh, not expired
    with pytest.raises(StoreDenied, match="session token") as refused:
        store.get("k")
    assert len(server.seen) == 1
    assert CANARY not in str(refused.value)


def test_a_failure_to_fetch_credentials_is_logged_without_what_was_said(
    prepare: Prepare, caplog: pytest.LogCaptureFixture
) -> None:
    """The client logs it as a warning with a traceback, in which the file's name and more would stand."""
    prepare(Place(WEB_IDENTITY | {"AWS_WEB_IDENTITY_TOKEN_FILE": f"/no/{CANARY}"}))
    with caplog.at_level(logging.INFO), pytest.raises(StoreDenied):
        connect("s3://bucket/root").get("k")
    assert "Refreshing temporary credentials failed" in caplog.text
    assert CANARY not in caplog.text


def test_a_person_at_the_terminal_is_asked_for_the_code(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(SOURCES["profile that asks for a code"][0])
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", answer)
    with pytest.raises(KeyboardInterrupt):
        connect("s3://bucket/root").get("k")
    assert asked == ["Enter MFA code for arn:aws:iam::123456789012:mfa/me: "]


@pytest.mark.parametrize(
    ("endpoint", "bucket", "written"),
    [
        ("https://models.s3.eu-west-3.amazonaws.com", "models", "https://s3.eu-west-3.amazonaws.com"),
        ("https://models.fra1.digitaloceanspaces.com", "models", "https://fra1.digitaloceanspaces.com"),
        ("https://models.account.r2.cloudflarestorage.com", "models", "https://account.r2.cloudflarestorage.com"),
        ("https://models.s3.example.org:9000", "models", "https://s3.example.org:9000"),
        ("http://127.0.0.1:9000/models/", "models", "http://127.0.0.1:9000"),
        ("https://s3.eu-west-3.amazonaws.com", "models", None),
        ("https://fra1.digitaloceanspaces.com", "fra1", None),
        ("https://account.r2.cloudflarestorage.com", "account", None),
        ("https://models.example.org", "models", None),  # a server may be called like its bucket
        ("http://minio.s3.svc.cluster.local:9000", "minio", None),
        ("http://127.0.0.1:9000", "models", None),
    ],
)
def test_a_bucket_that_the_endpoint_names_too_is_told_with_the_endpoint_to_write(
    endpoint: str, bucket: str, written: str | None
) -> None:
    if written is None:
        check_endpoint(endpoint, bucket)
        return
    with pytest.raises(InvalidRequest) as refused:
        check_endpoint(endpoint, bucket)
    assert f"write {written} in AWS_ENDPOINT_URL" in str(refused.value)


def test_a_region_of_the_settings_is_named_as_such(prepare: Prepare) -> None:
    prepare(Place(OURS))
    with pytest.raises(InvalidRequest, match=r"S3Settings\.region"):
        connect("s3://bucket", s3=S3Settings(region="eu-west-3\n"))


@given(st.text(max_size=20))
def test_what_fits_is_what_a_header_takes(value: str) -> None:
    """Visible ASCII with blanks inside, as RFC 9110 has it for the value of a field."""
    inside = all(" " <= each <= "~" for each in value)
    fits = inside and not value.startswith(" ") and not value.endswith(" ")
    fault = unfit(value)
    assert (fault is None) == fits
    assert fault is None or len(value) < 3 or value not in fault
