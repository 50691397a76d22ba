"""Where ``boto3`` looks for credentials, region, endpoint, retries, proxy and trust, a store finds them too."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from registry.clock import Clock
from registry.errors import InvalidRequest, StoreUnavailable
from registry.store import S3Settings, connect
from tests.registry.store.aws_places import KEYS, TEMPORARY, Place, Prepare
from tests.servers.recording import Recording, Seen, recording_server

FROM_STS = {"AWS_ENDPOINT_URL_STS": "{moto}", "AWS_DEFAULT_REGION": "eu-west-3"}


@pytest.fixture
def server() -> Iterator[Recording]:
    with recording_server() as found:
        yield found


SOURCES: dict[str, tuple[Place, str, str]] = {
    # where it is said, by which key a request is then signed (or how that begins), and for which region
    "variables": (
        Place({"AWS_ACCESS_KEY_ID": "BYVARIABLE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "eu-west-3"}),
        "BYVARIABLE",
        "eu-west-3",
    ),
    "credentials file": (Place(credentials="[default]\n" + KEYS.format("BYFILE")), "BYFILE", "us-east-1"),
    "a file elsewhere": (
        Place({"AWS_SHARED_CREDENTIALS_FILE": "{folder}/.aws/config"}, "[default]\n" + KEYS.format("ELSEWHERE")),
        "ELSEWHERE",
        "us-east-1",
    ),
    "AWS_PROFILE": (
        Place(
            {"AWS_PROFILE": "models"},
            "[profile models]\nregion = eu-central-1\n",
            "[default]\n" + KEYS.format("NOTTHIS") + "[models]\n" + KEYS.format("MODELS"),
        ),
        "MODELS",
        "eu-central-1",
    ),
    "AWS_DEFAULT_REGION before the profile's": (
        Place(
            {"AWS_DEFAULT_REGION": "sa-east-1"},
            "[default]\nregion = eu-central-1\n",
            "[default]\n" + KEYS.format("KEY"),
        ),
        "KEY",
        "sa-east-1",
    ),
    "credential_process": (
        Place(
            {"AWS_SHARED_CREDENTIALS_FILE": "{folder}/none"},
            "[default]\nregion = eu-north-1\ncredential_process = cat {folder}/.aws/credentials\n",
            json.dumps({**TEMPORARY, "Version": 1, "AccessKeyId": "BYPROGRAM"}),
        ),
        "BYPROGRAM",
        "eu-north-1",
    ),
    "a role that a profile assumes": (
        Place(
            {"AWS_PROFILE": "trainer", **FROM_STS},
            "[profile trainer]\nrole_arn = arn:aws:iam::123456789012:role/trainer\nsource_profile = person\n",
            "[person]\n" + KEYS.format("PERSON"),
        ),
        "ASIA",
        "eu-west-3",
    ),
    "web identity": (
        Place(
            {
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/trainer",
                "AWS_WEB_IDENTITY_TOKEN_FILE": "{folder}/.aws/credentials",
                "AWS_SHARED_CREDENTIALS_FILE": "{folder}/none",
                **FROM_STS,
            },
            credentials="a-token",
        ),
        "ASIA",
        "eu-west-3",
    ),
    "a container's": (Place({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{giver}/container"}), "GIVEN", "us-east-1"),
    "a virtual machine's": (
        Place({"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{giver}/"}),
        "GIVEN",
        "us-east-1",
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_requests_are_signed_with_what_is_found(
    prepare: Prepare, server: Recording, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    place, key, region = SOURCES[source]
    prepare(place)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    assert connect("s3://bucket/root").get("k") == b"data"
    [seen] = server.seen
    found, signed_for = seen.signed
    assert found.startswith(key) and signed_for == region
    assert ("x-amz-security-token" in seen.headers) == (key in ("ASIA", "GIVEN"))


HERE = "{server}"
NOWHERE = "http://127.0.0.1:1"
ENDPOINTS: dict[str, Place] = {
    "AWS_ENDPOINT_URL": Place({"AWS_ENDPOINT_URL": HERE}),
    "AWS_ENDPOINT_URL_S3 before it": Place({"AWS_ENDPOINT_URL": NOWHERE, "AWS_ENDPOINT_URL_S3": HERE}),
    "the profile's": Place(config=f"[default]\nendpoint_url = {HERE}\n"),
    "AWS_ENDPOINT_URL before the profile's": Place(
        {"AWS_ENDPOINT_URL": HERE}, f"[default]\nendpoint_url = {NOWHERE}\n"
    ),
    "the profile's services": Place(
        config=f"[default]\nservices = ours\nendpoint_url = {NOWHERE}\n[services ours]\ns3 =\n  endpoint_url = {HERE}\n"
    ),
    "AWS_PROFILE's": Place({"AWS_PROFILE": "models"}, f"[profile models]\nendpoint_url = {HERE}\n"),
}
OURS = {"AWS_ACCESS_KEY_ID": "OURS", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-3"}


@pytest.fixture
def prepared(prepare: Prepare, server: Recording) -> Prepare:
    """The same, with credentials and a region, and ``{server}`` filled in too."""

    def stand(place: Place) -> None:
        variables = {name: value.replace(HERE, server.url) for name, value in place.variables.items()}
        prepare(Place(OURS | variables, place.config.replace(HERE, server.url), place.credentials))

    return stand


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_endpoint_is_the_one_that_is_found(prepared: Prepare, server: Recording, endpoint: str) -> None:
    prepared(ENDPOINTS[endpoint])
    assert connect("s3://bucket/root").get("k") == b"data"
    assert [(seen.verb, seen.target) for seen in server.seen] == [("GET", "/bucket/root/k")]


def test_an_endpoint_in_the_settings_is_before_all_others(prepared: Prepare, server: Recording) -> None:
    prepared(Place({"AWS_ENDPOINT_URL": NOWHERE, "AWS_ENDPOINT_URL_S3": NOWHERE}))
    assert connect("s3://bucket", s3=S3Settings(endpoint_url=server.url)).get("k") == b"data"


IN_THE_PATH, IN_THE_HOST = "http://store.example/bucket/root/k", "http://bucket.store.example/root/k"
STYLE = "[default]\ns3 =\n  addressing_style = {}\n"
VARIABLE = "RETRAIN_S3_ADDRESSING"
ADDRESSES: dict[str, tuple[Place, str | None, str]] = {
    # what is said where, what the settings say, and for which address a request asks
    "nothing is said": (Place(), None, IN_THE_PATH),
    "the profile's path": (Place(config=STYLE.format("path")), None, IN_THE_PATH),
    "the profile's virtual": (Place(config=STYLE.format("virtual")), None, IN_THE_HOST),
    "the profile's auto": (Place(config=STYLE.format("auto")), None, IN_THE_PATH),
    "AWS_PROFILE's": (
        Place({"AWS_PROFILE": "models"}, STYLE.replace("default", "profile models").format("virtual")),
        None,
        IN_THE_HOST,
    ),
    "a file elsewhere": (
        Place({"AWS_CONFIG_FILE": "{folder}/.aws/credentials"}, credentials=STYLE.format("virtual")),
        None,
        IN_THE_HOST,
    ),
    "the variable": (Place({VARIABLE: "virtual"}), None, IN_THE_HOST),
    "an empty variable": (Place({VARIABLE: ""}, STYLE.format("virtual")), None, IN_THE_HOST),
    "the variable before the profile's": (Place({VARIABLE: "path"}, STYLE.format("virtual")), None, IN_THE_PATH),
    "auto before the profile's": (Place({VARIABLE: "auto"}, STYLE.format("virtual")), None, IN_THE_PATH),
    "the settings before the profile's": (Place(config=STYLE.format("virtual")), "path", IN_THE_PATH),
    "the settings before all": (Place({VARIABLE: "path"}, STYLE.format("path")), "virtual", IN_THE_HOST),
}


@pytest.mark.parametrize("said", ADDRESSES)
def test_a_bucket_is_addressed_as_profile_variable_or_settings_say(
    prepared: Prepare, server: Recording, said: str
) -> None:
    """A proxy is sent whole urls, so that it is seen."""
    place, addressing, target = ADDRESSES[said]
    where = {"AWS_ENDPOINT_URL": "http://store.example", "HTTP_PROXY": HERE}
    prepared(Place(where | place.variables, place.config, place.credentials))
    settings = None if addressing is None else S3Settings(addressing=addressing)
    assert connect("s3://bucket/root", s3=settings).get("k") == b"data"
    [seen] = server.seen
    assert seen.target == target and seen.headers["host"] == target.split("/")[2]


@pytest.mark.parametrize(
    ("place", "named"),
    [
        (Place({VARIABLE: "host"}), "RETRAIN_S3_ADDRESSING 'host': write auto, path, virtual"),
        (Place(config=STYLE.format("host")), "addressing style host is invalid.*'virtual', and 'path'"),
        (Place(config="[default]\ns3 = path\n"), "`s3` in the profile begins a section"),
        (Place(config="[default]\ns3 =\nregion = eu-west-3\n"), "`s3` in the profile begins a section"),
    ],
)
def test_an_addressing_that_is_none_is_refused(prepared: Prepare, server: Recording, place: Place, named: str) -> None:
    prepared(place)
    with pytest.raises(InvalidRequest, match=named):
        connect("s3://bucket/root")
    assert server.seen == []


ATTEMPTS: dict[str, tuple[Place, int | None, int]] = {
    # what is said where, what the settings say, and how often a request is made that never succeeds
    "nothing is said": (Place(), None, 5),
    "AWS_MAX_ATTEMPTS": (Place({"AWS_MAX_ATTEMPTS": "2"}), None, 2),
    "no retry": (Place({"AWS_MAX_ATTEMPTS": "1"}), None, 1),
    "nothing at all is asked for": (Place({"AWS_MAX_ATTEMPTS": "0"}), None, 1),
    "the profile's": (Place(config="[default]\nmax_attempts = 3\n"), None, 3),
    "AWS_MAX_ATTEMPTS before the profile's": (
        Place({"AWS_MAX_ATTEMPTS": "2"}, "[default]\nmax_attempts = 3\n"),
        None,
        2,
    ),
    "the settings before all": (Place({"AWS_MAX_ATTEMPTS": "2"}, "[default]\nmax_attempts = 3\n"), 4, 4),
    **{
        f"AWS_RETRY_MODE {mode}": (Place({"AWS_RETRY_MODE": mode, "AWS_MAX_ATTEMPTS": "2"}), None, 2)
        for mode in ("legacy", "standard", "adaptive")
    },
}


@pytest.mark.parametrize("said", ATTEMPTS)
def test_requests_are_repeated_as_often_as_is_said(prepare: Prepare, clock: Clock, said: str) -> None:
    place, attempts, expected = ATTEMPTS[said]
    with recording_server(lambda _: (500, b"<Error><Code>InternalError</Code></Error>")) as failing:
        prepare(Place(OURS | {"AWS_ENDPOINT_URL": failing.url} | place.variables, place.config))
        with pytest.raises(StoreUnavailable):
            connect("s3://bucket", s3=S3Settings(attempts=attempts), clock=clock).get("k")
        assert len(failing.seen) == expected


def test_the_mode_of_retries_is_the_clients_too(prepared: Prepare) -> None:
    prepared(Place({"AWS_RETRY_MODE": "adaptive"}))  # which keeps a rate that the server can bear
    assert connect("s3://bucket")._bucket.client.meta.config.retries["mode"] == "adaptive"  # type: ignore[attr-defined]  # a double's, or the store's own


@pytest.mark.parametrize(
    ("variable", "wrong"), [("AWS_MAX_ATTEMPTS", "many"), ("AWS_RETRY_MODE", "never"), ("AWS_PROFILE", "nobody")]
)
def test_what_boto3_does_not_understand_is_one_clear_message(prepared: Prepare, variable: str, wrong: str) -> None:
    prepared(Place({variable: wrong}))
    with pytest.raises(InvalidRequest, match=rf"{wrong}.*{variable}"):
        connect("s3://bucket")


PROXIES: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    # variables, and what the proxy is asked for then
    "HTTP_PROXY": (
        {"AWS_ENDPOINT_URL": "http://store.example:9000", "HTTP_PROXY": "{proxy}"},
        [("GET", "http://store.example:9000/bucket/k")],
    ),
    "HTTPS_PROXY": (
        {"AWS_ENDPOINT_URL": "https://store.example", "HTTPS_PROXY": "{proxy}"},
        [("CONNECT", "store.example:443")],
    ),
    "for Amazon, by its region": ({"HTTPS_PROXY": "{proxy}"}, [("CONNECT", "bucket.s3.eu-west-3.amazonaws.com:443")]),
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": (
        {"AWS_ENDPOINT_URL": NOWHERE, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "HTTPS_PROXY": "{proxy}"},
        [("CONNECT", "bucket.s3.eu-west-3.amazonaws.com:443")],
    ),
    "NO_PROXY": ({"AWS_ENDPOINT_URL": HERE, "HTTP_PROXY": "{proxy}", "NO_PROXY": "127.0.0.1"}, []),
}


@pytest.mark.parametrize("said", PROXIES)
def test_requests_go_by_the_proxy_that_is_found(prepared: Prepare, server: Recording, said: str) -> None:
    def answer(seen: Seen) -> tuple[int, bytes]:
        return (502, b"no way there") if seen.verb == "CONNECT" else (200, b"data")

    variables, asked = PROXIES[said]
    with recording_server(answer) as proxy:
        prepared(Place({name: value.replace("{proxy}", proxy.url) for name, value in variables.items()}))
        store = connect("s3://bucket", s3=S3Settings(attempts=1))
        if any(verb == "CONNECT" for verb, _ in asked):
            with pytest.raises(StoreUnavailable, match="proxy"):
                store.get("k")
        else:
            assert store.get("k") == b"data"
        assert [(seen.verb, seen.target) for seen in proxy.seen] == asked
    assert len(server.seen) == (1 if said == "NO_PROXY" else 0)


@pytest.fixture
def trusted(tmp_path: Path) -> Iterator[tuple[Recording, Path]]:
    """A server that speaks TLS, and the file that says it is to be trusted."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    bundle, secret = tmp_path / "bundle.pem", tmp_path / "key.pem"
    bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(bundle, secret)
    with recording_server(tls=tls) as found:
        yield found, bundle


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_server_is_trusted_by_the_bundle_that_is_found(
    prepare: Prepare, trusted: tuple[Recording, Path], by_variable: bool
) -> None:
    server, bundle = trusted
    variables = OURS | {"AWS_ENDPOINT_URL": server.url}
    if by_variable:
        prepare(Place(variables | {"AWS_CA_BUNDLE": str(bundle)}))
    else:
        prepare(Place(variables, f"[default]\nca_bundle = {bundle}\n"))
    assert connect("s3://bucket").get("k") == b"data"


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        (None, "certificate is not trusted: .* let AWS_CA_BUNDLE"),
        ("none.pem", "AWS_CA_BUNDLE .* names is not there"),
        ("empty.pem", "AWS_CA_BUNDLE .* names has no certificate in PEM"),
    ],
)
def test_a_server_that_nothing_says_to_trust_is_told_with_the_variable(
    prepare: Prepare, trusted: tuple[Recording, Path], clock: Clock, tmp_path: Path, bundle: str | None, said: str
) -> None:
    """No bundle, one that is not there, one that holds no certificate: nothing of it gets better by asking again."""
    server, _ = trusted
    (tmp_path / "empty.pem").write_text("")
    named = {} if bundle is None else {"AWS_CA_BUNDLE": str(tmp_path / bundle)}
    prepare(Place(OURS | {"AWS_ENDPOINT_URL": server.url} | named))
    store = connect("s3://bucket", clock=clock)
    for operation in (lambda: store.get("k"), lambda: store.create("k", b"data")):
        with pytest.raises(StoreUnavailable, match=said):
            operation()
    assert clock.waited == [] and server.seen == []  # type: ignore[attr-defined]  # a double's, or the store's own
