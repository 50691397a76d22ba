"""What an S3 server or the way to it can answer, and what that means for the request: one table.

Three questions decide: which error tells the caller what to fix, can asking again help, and may the object have been
stored although no good answer came. The client's own repetitions are switched off (they would hide the third).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from botocore import exceptions as client
from botocore.exceptions import BotoCoreError, ClientError

from registry.errors import (
    ClockSkew,
    Exists,
    NotFound,
    ObjectArchived,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from registry.store.secrets import masked


@dataclass(frozen=True)
class StoreFault:
    """One answer understood: ``error`` to raise, what was ``said``, how to ``fix`` it."""

    error: type[StoreError]
    fix: str
    said: str = ""
    again: bool = False
    """Asking again can help."""
    may_be_stored: bool = False
    """A create answered like this may have stored its object, or still be on its way."""


_SECRET = StoreFault(
    StoreDenied, "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN or the AWS_PROFILE used"
)
_RIGHTS = StoreFault(StoreDenied, "these credentials lack the right: ask for it, or use others")
_BUCKET = StoreFault(
    StoreDenied, "check the bucket's name, create it, or set AWS_ENDPOINT_URL to the server that has it"
)
_REGION = StoreFault(StoreDenied, "set AWS_DEFAULT_REGION to the bucket's region")
_ENDPOINT = StoreFault(StoreDenied, "this does not look like S3: check AWS_ENDPOINT_URL and the bucket's name")
_CLOCK = StoreFault(ClockSkew, "this machine's clock differs from the server's: set it (NTP) and try again")
_FULL = StoreFault(StoreFull, "nothing was stored: free some space or raise the quota")
_NO_CONDITION = StoreFault(
    StoreRefused,
    "it does not know conditional writes, so two writers would lose entries: use another store or a folder",
)
_ARCHIVED = StoreFault(
    ObjectArchived,
    "archived: restore it and exempt this prefix from the rule that archives it (`retrain doctor` names the rule)",
)
_KMS_KEY = StoreFault(
    StoreDenied, "the key that encrypts it cannot be used: check RETRAIN_S3_KMS_KEY, and the right to use it"
)
_BUSY = StoreFault(StoreUnavailable, "try again later", again=True)
_DAMAGED = StoreFault(StoreUnavailable, "the bytes were damaged on the way: look at the network, try again", again=True)
_UNREACHABLE = StoreFault(StoreUnavailable, "check the network and AWS_ENDPOINT_URL, then try again", again=True)
_BROKEN = replace(_BUSY, may_be_stored=True)
# Something on the way answered in the store's place, with a status of its own: what the store did is not known.
_NOT_THE_STORE = StoreFault(
    StoreUnavailable,
    "no S3 answers like this: look at what stands between here and the store, and at AWS_ENDPOINT_URL",
    again=True,
    may_be_stored=True,
)
_CUT_OFF = replace(_UNREACHABLE, may_be_stored=True)

_BY_CODE = {
    "NoSuchKey": StoreFault(NotFound, "nothing is stored there"),
    "PreconditionFailed": StoreFault(Exists, "it is never overwritten"),
    "NoSuchBucket": _BUCKET,
    "InvalidBucketName": _BUCKET,
    "AccessDenied": _RIGHTS,
    "InvalidAccessKeyId": _SECRET,
    "SignatureDoesNotMatch": _SECRET,
    "InvalidToken": _SECRET,
    "ExpiredToken": _SECRET,
    "TokenRefreshRequired": _SECRET,
    "RequestTimeTooSkewed": _CLOCK,
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "InvalidObjectState": _ARCHIVED,
    "KMS.DisabledException": _KMS_KEY,
    "KMS.InvalidKeyUsageException": _KMS_KEY,
    "KMS.KMSInvalidStateException": _KMS_KEY,
    "KMS.NotFoundException": _KMS_KEY,
    "QuotaExceeded": _FULL,
    "InsufficientStorage": _FULL,
    "XMinioStorageFull": _FULL,
    "NotImplemented": _NO_CONDITION,
    "BadDigest": _DAMAGED,
    "IncompleteBody": _DAMAGED,
    "RequestTimeout": _DAMAGED,  # the server gave up waiting for the rest of the body: it has not stored it
    "ConditionalRequestConflict": _BUSY,
    "SlowDown": _BUSY,
    "ServiceUnavailable": _BUSY,
}

# Where the server, or something before it, gave no code that is known. A 503 without S3's code may come from a proxy
# that lost the server after it had stored the object; 500, 502 and 504 are no better. 409 and 429 refuse.
_BY_STATUS = {
    301: _REGION,
    401: _SECRET,
    403: _RIGHTS,
    404: _ENDPOINT,
    405: _ENDPOINT,
    409: _BUSY,
    412: _BY_CODE["PreconditionFailed"],
    429: _BUSY,
    500: _BROKEN,
    501: _NO_CONDITION,
    502: _BROKEN,
    503: _BROKEN,
    504: _BROKEN,
    507: _FULL,
}


class NoETag(BotoCoreError):  # type: ignore[misc]  # botocore has no types
    """A ``PUT`` was answered as done, without the ETag that every S3 answers with: it may never have come there."""

    fmt = "the answer to PUT has no ETag"


_REFUSED = StoreFault(
    StoreDenied, "the server refuses the request as it is: check the bucket, the region and AWS_ENDPOINT_URL"
)

# In this order: the first class that fits. What is not a connection's failure happened before anything was sent.
_BY_CLASS: tuple[tuple[tuple[type[Exception], ...], StoreFault], ...] = (
    ((client.NoCredentialsError, client.PartialCredentialsError, client.CredentialRetrievalError), _SECRET),
    ((client.EndpointConnectionError, client.ConnectTimeoutError, client.ProxyConnectionError), _UNREACHABLE),
    ((client.HTTPClientError, client.SSLError, client.IncompleteReadError), _CUT_OFF),
    ((NoETag,), _NOT_THE_STORE),
)

# Of an SSLError: who answers is not to be trusted, or the file that says whom to trust is missing or holds nothing.
_BUNDLES = {
    "certificate verify failed": (
        "the server's certificate is not trusted: check AWS_ENDPOINT_URL, and let AWS_CA_BUNDLE (or ca_bundle in the "
        "profile) name a PEM file with the certificate of who signed it"
    ),
    "no such file": (
        "the file that AWS_CA_BUNDLE (or ca_bundle in the profile) names is not there: correct the name, or unset it"
    ),
    "no_certificate": (
        "the file that AWS_CA_BUNDLE (or ca_bundle in the profile) names has no certificate in PEM: name one that does"
    ),
}

_HEADER = StoreFault(
    StoreDenied,
    "a value of the request breaks its header: look for a blank, a new line or a foreign character in the AWS_* "
    "variables and the profile",
    said="its text is not repeated, for it may hold a secret",
)

_OF_ROLES = ("AssumeRole", "GetRoleCredentials", "CreateToken")

CLIENT_ERRORS = (ClientError, BotoCoreError)
"""What the client raises; anything else is a mistake of ours."""


def understand(error: Exception, secrets: Collection[str] = ()) -> StoreFault:
    """The fault behind one of :data:`CLIENT_ERRORS`; what was ``said`` holds no secret, and none of ``secrets``."""
    if isinstance(error, ClientError):
        fault = _understand_answer(error.response)
        if error.operation_name.startswith(_OF_ROLES):  # asked of another server, to which a token was sent
            fault = replace(fault, fix=f"the role to use is not given: {fault.fix}", said=fault.said.partition(":")[0])
        return replace(fault, said=masked(fault.said, secrets))
    said = str(error)
    if "header" in said.lower():
        return _HEADER
    if isinstance(error, client.SSLError):
        fix = next((fix for text, fix in _BUNDLES.items() if text in said.lower()), None)
        if fix is not None:
            return StoreFault(StoreUnavailable, fix, said=masked(said, secrets))
    fault = next((fault for classes, fault in _BY_CLASS if isinstance(error, classes)), _REFUSED)
    return replace(fault, said=masked(said, secrets))


def _understand_answer(response: dict[str, Any]) -> StoreFault:
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message") or "").strip()
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    of_s3 = code not in ("", str(status))  # the client gives the status as the code of what is no error of S3's
    fault = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if fault is None:
        fault = _BROKEN if of_s3 and status >= 500 else _REFUSED if of_s3 else _NOT_THE_STORE
    said = f"{status} {code}" if of_s3 else code
    return replace(fault, said=f"{said}: {message}" if message else said)
