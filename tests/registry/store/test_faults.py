"""What the S3 client can raise before or instead of an answer, and what that says about a create."""

from __future__ import annotations

import pytest
from botocore import exceptions as client

from registry.errors import StoreDenied, StoreError, StoreUnavailable
from registry.store.faults import understand

URL = "https://store.example"


@pytest.mark.parametrize(
    ("raised", "error", "again", "may_be_stored"),
    [
        (client.NoCredentialsError(), StoreDenied, False, False),
        (client.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), StoreDenied, False, False),
        (client.CredentialRetrievalError(provider="sso", error_msg="expired"), StoreDenied, False, False),
        (client.EndpointConnectionError(endpoint_url=URL), StoreUnavailable, True, False),
        (client.ConnectTimeoutError(endpoint_url=URL), StoreUnavailable, True, False),
        (client.ProxyConnectionError(proxy_url=URL), StoreUnavailable, True, False),
        (client.SSLError(endpoint_url=URL, error="certificate verify failed: expired"), StoreUnavailable, False, False),
        (client.SSLError(endpoint_url=URL, error="decryption failed or bad record mac"), StoreUnavailable, True, True),
        (client.ReadTimeoutError(endpoint_url=URL), StoreUnavailable, True, True),
        (client.ConnectionClosedError(endpoint_url=URL), StoreUnavailable, True, True),
        (client.HTTPClientError(error="broken"), StoreUnavailable, True, True),
        (client.IncompleteReadError(actual_bytes=1, expected_bytes=2), StoreUnavailable, True, True),
        (client.ParamValidationError(report="Body"), StoreDenied, False, False),
    ],
)
def test_a_failed_request_is_understood(
    raised: client.BotoCoreError, error: type[StoreError], again: bool, may_be_stored: bool
) -> None:
    fault = understand(raised)
    assert (fault.error, fault.again, fault.may_be_stored) == (error, again, may_be_stored)
    assert fault.said == str(raised)


def test_missing_credentials_name_the_variables_and_a_bad_certificate_the_bundle() -> None:
    partial = client.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY")
    assert "AWS_ACCESS_KEY_ID" in understand(partial).fix
    assert "AWS_CA_BUNDLE" in understand(client.SSLError(endpoint_url=URL, error="certificate verify failed")).fix
