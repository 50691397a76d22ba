"""A secret that is put where it belongs, or where it does not, is found in nothing that a person or a store is given.

Each case puts a canary somewhere and makes a scheduled night, `retrain doctor` and `registry log` fail or go on with
it. It is searched in what they print and log, in the errors with their whole chain, in the alerts, and in every file.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import flows.cli
import registry.cli
from registry.store import connect
from tests.flows.nights import RECIPES
from tests.flows.operations.receiver import Receiver, receiving
from tests.servers.fixtures import new_bucket
from tests.servers.recording import Recording, Seen, recording_server

CANARY = "CANARY8d1f0b"
REGION = {"AWS_DEFAULT_REGION": "eu-west-3"}
OURS = REGION | {"AWS_ACCESS_KEY_ID": "OURS", "AWS_SECRET_ACCESS_KEY": "a-secret-key"}
BUCKET = {"RETRAIN_REGISTRY": "s3://bucket/registry"}
SIGNED = {"RETRAIN_TRUSTED_PROMOTERS": "ab" * 32}
PEM = f"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE{CANARY}\n-----END PRIVATE KEY-----\n"
ROLE = {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/trainer", "AWS_ENDPOINT_URL_STS": "{echo}"}


@dataclass(frozen=True)
class Put:
    """Where the canary is put: variables, and the files of profiles; ``{echo}`` and ``{folder}`` are filled in.

    ``{echo}`` is a server that refuses everything and repeats what it was sent.
    """

    variables: dict[str, str] = field(default_factory=dict)
    config: str = ""
    credentials: str = ""


def bucket(*, config: str = "", credentials: str = "", **variables: str) -> Put:
    """The registry is in a bucket, and these say who asks for it."""
    return Put(OURS | BUCKET | variables, config, credentials)


def profile(config: str = "", credentials: str = "", **variables: str) -> Put:
    """The same, with nothing but the files of profiles and these variables."""
    return Put(REGION | BUCKET | variables, config, credentials)


def process(line: str, credentials: str = "") -> Put:
    return profile(
        f"[default]\ncredential_process = {line}\n", credentials, AWS_SHARED_CREDENTIALS_FILE="{folder}/home/none"
    )


def printed(**values: object) -> Put:
    given = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "a-secret-key"} | values
    return process("cat {folder}/home/.aws/credentials", json.dumps(given))


KEYS = "[default]\naws_access_key_id = A\naws_secret_access_key = s\n"

PLACES: dict[str, Put] = {
    # credentials in variables
    "token, new line": bucket(AWS_SESSION_TOKEN=f"{CANARY}\n"),
    "token, carriage return inside": bucket(AWS_SESSION_TOKEN=f"{CANARY}\rx"),
    "token, tab": bucket(AWS_SESSION_TOKEN=f"\t{CANARY}"),
    "token, foreign letter": bucket(AWS_SESSION_TOKEN=f"{CANARY}\u0436"),
    "token, old variable": bucket(AWS_SECURITY_TOKEN=f"{CANARY}\n"),
    "key id, new line": bucket(AWS_ACCESS_KEY_ID=f"{CANARY}\n"),
    "key id, foreign letter": bucket(AWS_ACCESS_KEY_ID=f"{CANARY}\u00e9"),
    "secret key, new line": bucket(AWS_SECRET_ACCESS_KEY=f"{CANARY}\n"),
    "secret key as region": bucket(AWS_DEFAULT_REGION=f"{CANARY}\n"),
    "secret key as region, no new line": bucket(AWS_DEFAULT_REGION=f"{CANARY} x"),
    "secret key as endpoint": bucket(AWS_ENDPOINT_URL=CANARY),
    "half of the credentials": profile(AWS_SECRET_ACCESS_KEY=CANARY),
    "token that the server repeats": bucket(AWS_SESSION_TOKEN=CANARY, AWS_ENDPOINT_URL="{echo}"),
    "secret key that is right": bucket(AWS_SECRET_ACCESS_KEY=CANARY, AWS_ENDPOINT_URL="{echo}"),
    "key id that the server repeats in a signature": bucket(AWS_ACCESS_KEY_ID=CANARY, AWS_ENDPOINT_URL="{echo}"),
    # credentials in files, of programs, of servers
    "token in a profile": profile(credentials=f"{KEYS}aws_session_token = {CANARY}\u00e9\n"),
    "key in a profile": profile(credentials=KEYS.replace("= s", f"= {CANARY}\x07")),
    "profile without a sign": profile(credentials=f"[default]\naws_secret_access_key {CANARY}\n"),
    "config that breaks off": profile(f"[default\naws_secret_access_key = {CANARY}\n"),
    "config with a nested word": profile(f"[default]\ns3 =\n  {CANARY}\n"),
    "argument of a program that is not there": process(f"/no/such/program --token {CANARY}"),
    "argument of a program that fails": process(f"false {CANARY}"),
    "what a program says when it fails": process(f"sh -c 'echo {CANARY} >&2; exit 3'"),
    "what a program prints": process(f"echo {CANARY}"),
    "token of a program": printed(SessionToken=f"{CANARY}\n"),
    "time of a program": printed(SessionToken=CANARY, Expiration=CANARY),
    "token for a container": profile(
        AWS_CONTAINER_CREDENTIALS_FULL_URI="{echo}/c", AWS_CONTAINER_AUTHORIZATION_TOKEN=f"{CANARY}\nx"
    ),
    "token that the container's server repeats": profile(
        AWS_CONTAINER_CREDENTIALS_FULL_URI="{echo}/c", AWS_CONTAINER_AUTHORIZATION_TOKEN=CANARY
    ),
    "web identity that the server repeats": profile(
        AWS_WEB_IDENTITY_TOKEN_FILE="{folder}/home/.aws/credentials", credentials=CANARY, **ROLE
    ),
    # addresses
    "endpoint, password": bucket(AWS_ENDPOINT_URL=f"http://user:{CANARY}@127.0.0.1:1"),
    "endpoint, user alone": bucket(AWS_ENDPOINT_URL=f"http://{CANARY}@127.0.0.1:1"),
    "endpoint, query": bucket(AWS_ENDPOINT_URL=f"http://127.0.0.1:1/?token={CANARY}"),
    "endpoint, no scheme": bucket(AWS_ENDPOINT_URL=f"user:{CANARY}@127.0.0.1:1"),
    "endpoint in a profile": bucket(
        config=f"[default]\nendpoint_url = http://user:{CANARY}@127.0.0.1:1\n", AWS_ENDPOINT_URL=""
    ),
    "proxy, password": bucket(AWS_ENDPOINT_URL="http://store.example", HTTP_PROXY=f"http://u:{CANARY}@127.0.0.1:1"),
    "proxy of TLS": bucket(AWS_ENDPOINT_URL="https://store.example", HTTPS_PROXY=f"http://u:{CANARY}@127.0.0.1:1"),
    "key of encryption": bucket(RETRAIN_S3_KMS_KEY=f"{CANARY}\n", AWS_ENDPOINT_URL="{echo}"),
    **{
        f"{what}, {form}": Put({f"RETRAIN_{what.upper()}": address})
        for what in ("registry", "data")
        for form, address in {
            "password": f"s3://user:{CANARY}@bucket/place",
            "password with a slash": f"s3://user:{CANARY}/x@bucket/place",
            "user alone": f"s3://{CANARY}@bucket/place",
            "query": f"s3://bucket/place?token={CANARY}",
            "of another kind": f"https://user:{CANARY}@host/place",
            "one slash": f"s3:/user:{CANARY}@bucket/place",
        }.items()
    },
    "cache, password": Put({"RETRAIN_CACHE": f"s3://user:{CANARY}@bucket/cache"}),
    "conditions, password": Put({"RETRAIN_CONDITIONS": f"s3://user:{CANARY}@bucket/conditions"}),
    "reports, password": Put({"RETRAIN_REPORTS": f"s3://user:{CANARY}@bucket/reports"}),
    "recipes, password": Put({"RETRAIN_RECIPES_FILE": f"s3://user:{CANARY}@bucket/recipes.toml"}),
    # who is told, who is asked
    "alert address, refused": Put({"RETRAIN_ALERT_URL": f"http://127.0.0.1:1/{CANARY}"}),
    "alert address, answers an error": Put({"RETRAIN_ALERT_URL": f"{{echo}}/{CANARY}?token={CANARY}"}),
    "alert address, password": Put({"RETRAIN_ALERT_URL": f"http://user:{CANARY}@127.0.0.1:1/hook"}),
    "alert address, no host": Put({"RETRAIN_ALERT_URL": f"http://[{CANARY}"}),
    "alert address, new line": Put({"RETRAIN_ALERT_URL": f"http://127.0.0.1:1/{CANARY}\n"}),
    "alert address, unknown kind": Put({"RETRAIN_ALERT_URL": f"no-such-kind://{CANARY}"}),
    "alert address of Apprise": Put({"RETRAIN_ALERT_URL": f"json://user:{CANARY}@127.0.0.1:1/"}),
    "sign of life": Put({"RETRAIN_PING_URL": f"http://127.0.0.1:1/{CANARY}"}),
    "feed, argument": Put({"RETRAIN_FEED": f"false {CANARY}"}),
    "feed, address that it prints": Put({"RETRAIN_FEED": f"echo https://user:{CANARY}@host/x; exit 3"}),
    "feed, header that it prints": Put({"RETRAIN_FEED": f"echo 'Authorization: Bearer {CANARY}'; exit 3"}),
    "Prefect, password": Put({"PREFECT_API_URL": f"http://user:{CANARY}@127.0.0.1:1/api"}),
    "Prefect, key": Put({"PREFECT_API_URL": "http://127.0.0.1:1/api", "PREFECT_API_AUTH_STRING": f"user:{CANARY}"}),
    # the key that signs
    "signing key in PEM": Put(SIGNED | {"RETRAIN_SIGNING_KEY": PEM}),
    "signing key in hexadecimal": Put(SIGNED | {"RETRAIN_SIGNING_KEY": CANARY.lower() * 5}),
    "signing key in base64": Put(SIGNED | {"RETRAIN_SIGNING_KEY": f"MC4CAQAwBQ/DK2VwBCIE{CANARY}="}),
    "signing key in a file that is none": Put(
        SIGNED | {"RETRAIN_SIGNING_KEY": "{folder}/home/.aws/credentials"}, "", PEM
    ),
    "signing key among those that are trusted": Put({"RETRAIN_TRUSTED_PROMOTERS": f"MC4CAQAwBQYDK2Vw{CANARY}"}),
}


def echo(seen: Seen) -> tuple[int, bytes]:
    """A server that refuses, and repeats address and headers in its message."""
    said = f"{seen.target} {seen.headers}".replace("&", "").replace("<", "").replace(">", "")
    return 403, f"<Error><Code>AccessDenied</Code><Message>refused: {said}</Message></Error>".encode()


@pytest.fixture
def echoing() -> Iterator[Recording]:
    with recording_server(echo) as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


Prepare = Callable[[Put], None]


@pytest.fixture
def prepare(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, echoing: Recording, receiver: Receiver, june: Path
) -> Prepare:
    """Everything that these commands read of the machine."""

    def stand(put: Put) -> None:
        for name in list(os.environ):
            if name.startswith(("AWS_", "RETRAIN_", "PREFECT_API")) or name.upper().endswith("_PROXY"):
                monkeypatch.delenv(name)
        home = tmp_path / "home"
        (home / ".aws").mkdir(parents=True)
        filled = {"{echo}": echoing.url, "{folder}": str(tmp_path)}

        def fill(text: str) -> str:
            for name, value in filled.items():
                text = text.replace(name, value)
            return text

        (home / ".aws/config").write_text(fill(put.config))
        (home / ".aws/credentials").write_text(fill(put.credentials))
        (tmp_path / "work").mkdir()
        (tmp_path / "work/recipes.toml").write_text(RECIPES)
        usual = {
            "HOME": str(home),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "NO_PROXY": "127.0.0.1",
            "PREFECT_API_URL": "",
            "RETRAIN_DATA": str(june),
            "RETRAIN_MODEL": "m",
            "RETRAIN_WAIT_MINUTES": "0",
            "RETRAIN_ALERT_URL": receiver.url,
            "RETRAIN_REGISTRY": str(tmp_path / "work/registry"),
            "RETRAIN_CONDITIONS": str(tmp_path / "work/conditions"),
        }
        for name, value in (usual | put.variables).items():
            monkeypatch.setenv(name, fill(value))
        monkeypatch.chdir(tmp_path / "work")

    return stand


def told(program: Callable[[], None], *arguments: str) -> str:
    """How a command failed, in the way that the interpreter would print it: the whole chain of the errors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["command", *arguments])
        try:
            program()
        except SystemExit as ended:
            return "".join(traceback.format_exception(ended)) if ended.code else ""
    return ""


def files(folder: Path) -> dict[str, str]:
    """Name and content of every file that a command wrote."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes().decode("latin-1") for path in found}


def test_a_night_that_succeeds_keeps_the_secrets_that_it_uses(
    prepare: Prepare,
    receiver: Receiver,
    moto_server: str,
    aws: Callable[[str], None],
    quickly_calibrated: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Keys, alert, sign of life and feed all hold the canary, and are used: registry and bars are in a bucket."""
    aws(moto_server)
    place = new_bucket()
    put = {"AWS_ENDPOINT_URL": moto_server, "AWS_SECRET_ACCESS_KEY": CANARY, "AWS_SESSION_TOKEN": CANARY}
    put |= {"RETRAIN_REGISTRY": f"{place}/registry", "RETRAIN_REPORTS": "report", "RETRAIN_ALERT_HELD": "true"}
    put |= {"RETRAIN_ALERT_URL": f"{receiver.url}/{CANARY}?token={CANARY}", "RETRAIN_RECIPES_FILE": "recipes.toml"}
    put |= {"RETRAIN_PING_URL": f"{receiver.url}/ping/{CANARY}", "RETRAIN_FEED": f"echo https://u:{CANARY}@h/x"}
    prepare(Put(OURS | put))
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "flows")
    command = ("run", "--no-prefect", "--recipe", "line", "--as-of", "2024-06-03T21:00Z", "--no-backfill")
    assert told(flows.cli.main, *command) == ""
    for program, *arguments in (
        (flows.cli.main, "status"),
        (flows.cli.main, "explain", "m"),
        (registry.cli.main, "log", "m", "--json"),
        (registry.cli.main, "show", "m", "v1"),
        (registry.cli.main, "verify", "m"),
    ):
        assert told(program, *arguments) == "", arguments
    out = capsys.readouterr()
    store = connect(f"{place}/registry")
    searched = {
        "output": out.out + out.err,
        "log": caplog.text,
        "alerts": json.dumps(receiver.everything, default=str),
        **{f"object {key}": store.get(key).decode("latin-1") for key in store.list("")},
        **files(tmp_path / "work"),
    }
    assert [name for name, text in searched.items() if CANARY in text] == []
    assert "report/m.html" in searched and len(store.list("")) > 5
    assert receiver.subjects == ["retrain: candidate.held (m)"]
    assert receiver.pings == [f"/hook/ping/{CANARY}"]
    assert "https://***@h/x" in searched["output"]


@pytest.mark.parametrize("where", PLACES)
def test_a_secret_is_told_to_nobody(
    where: str,
    prepare: Prepare,
    receiver: Receiver,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    prepare(PLACES[where])
    caplog.set_level(logging.INFO)
    for logger in ("flows", "registry"):
        caplog.set_level(logging.DEBUG, logger)
    runs = [
        told(flows.cli.main, "run", "--scheduled", "--recipe", "logistic"),
        told(flows.cli.main, "doctor"),
        told(registry.cli.main, "log", "m"),
    ]
    assert runs[0], "a scheduled night ends with an error: its bars are of another year"
    out = capsys.readouterr()
    searched = {
        "output": out.out + out.err,
        "log": caplog.text,
        "errors": "\n".join(runs),
        "alerts": json.dumps(receiver.everything, default=str) + str(receiver.pings),
        **files(tmp_path / "work"),
    }
    holding = [name for name, text in searched.items() if CANARY.lower() in text.lower()]
    assert holding == []
    assert "Traceback" not in out.out + out.err
    assert [path.name for path in tmp_path.rglob("s3:*")] == []
    assert len(searched["output"]) > 100 and (receiver.everything or "RETRAIN_ALERT_URL" in PLACES[where].variables)
