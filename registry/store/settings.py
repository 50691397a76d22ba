"""What can be set about an S3 connection beyond the standard ``AWS_*`` variables.

::

    RETRAIN_S3_ENCRYPTION=aws:kms          how objects are encrypted: AES256, aws:kms, aws:kms:dsse; none: as the bucket
    RETRAIN_S3_KMS_KEY=arn:aws:kms:…       by which key; it means aws:kms where nothing else is said
    RETRAIN_S3_REQUESTER_PAYS=true         who asks pays for the requests, as such a bucket demands
    RETRAIN_S3_ADDRESSING=path             where the bucket stands in a request: path, virtual, auto; none: as boto3
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from registry.errors import InvalidRequest

ENCRYPTION = "RETRAIN_S3_ENCRYPTION"
KMS_KEY = "RETRAIN_S3_KMS_KEY"
REQUESTER_PAYS = "RETRAIN_S3_REQUESTER_PAYS"
ADDRESSING = "RETRAIN_S3_ADDRESSING"

ADDRESSINGS = ("auto", "path", "virtual")
ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
_YES_OR_NO = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}

DEFAULT_ATTEMPTS = 5
"""How often a request is made where neither settings nor ``AWS_MAX_ATTEMPTS`` nor the profile say."""


@dataclass(frozen=True)
class S3Settings:
    """Where the server is and how long to be patient with it.

    ``endpoint_url`` and ``region`` left at None are what ``boto3`` finds in the ``AWS_*`` variables and the profile,
    ``addressing`` what it finds in the profile (``addressing_style``): ``path`` asks for ``endpoint/bucket/key``,
    ``virtual`` for ``bucket.host/key``, and ``auto``, as where nothing is said, for the first when an endpoint is set
    and for the second otherwise. One request takes at most ``connect_timeout`` + ``read_timeout`` seconds and is made
    at most ``attempts`` times (None: ``AWS_MAX_ATTEMPTS``, else the profile's ``max_attempts``, else 5); the waits
    between begin at ``first_wait`` seconds and double up to ``longest_wait``, each shortened by up to half at random.
    ``encryption`` (``AES256``, ``aws:kms`` or ``aws:kms:dsse``; None: as the bucket does by default) and ``kms_key``
    stand in every write, ``requester_pays`` in every request; :meth:`configured` reads these three and ``addressing``
    from variables.
    """

    endpoint_url: str | None = None
    region: str | None = None
    addressing: str | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    attempts: int | None = None
    first_wait: float = 0.2
    longest_wait: float = 5.0
    encryption: str | None = None
    kms_key: str | None = None
    requester_pays: bool = False

    def __post_init__(self) -> None:
        too_few = self.attempts is not None and self.attempts < 1
        if too_few or min(self.connect_timeout, self.read_timeout) <= 0 or self.first_wait < 0:
            raise InvalidRequest(f"attempts must be at least 1, timeouts above zero and waits not negative: {self}")
        if self.addressing is not None and self.addressing not in ADDRESSINGS:
            raise InvalidRequest(f"{ADDRESSING} {self.addressing!r}: write {', '.join(ADDRESSINGS)}, or unset it")
        if self.encryption is not None and self.encryption not in ENCRYPTIONS:
            raise InvalidRequest(f"{ENCRYPTION} {self.encryption!r}: write {', '.join(ENCRYPTIONS)}, or unset it")
        if self.kms_key is not None and self.encryption == "AES256":
            raise InvalidRequest(f"{KMS_KEY} names a key, which {ENCRYPTION}=AES256 does not use: drop one of them")
        if self.kms_key is not None and not (self.kms_key.isascii() and self.kms_key.isprintable()):
            raise InvalidRequest(f"{KMS_KEY} holds a character that no key's id or ARN has: write it anew")

    @classmethod
    def configured(cls, environ: Mapping[str, str] | None = None) -> Self:
        """What the variables of the module's head say; :class:`InvalidRequest` for what makes no sense."""
        variables = os.environ if environ is None else environ
        pays = variables.get(REQUESTER_PAYS, "")
        if pays.lower() not in _YES_OR_NO:
            raise InvalidRequest(f"{REQUESTER_PAYS} {pays!r}: write true or false")
        return cls(
            addressing=variables.get(ADDRESSING) or None,
            encryption=variables.get(ENCRYPTION) or None,
            kms_key=variables.get(KMS_KEY) or None,
            requester_pays=_YES_OR_NO[pays.lower()],
        )

    @property
    def of_requests(self) -> dict[str, Any]:
        """Arguments that every request takes."""
        return {"RequestPayer": "requester"} if self.requester_pays else {}

    @property
    def of_puts(self) -> dict[str, Any]:
        """Arguments of a write."""
        encryption = self.encryption or ("aws:kms" if self.kms_key else None)
        return {
            **self.of_requests,
            **({"ServerSideEncryption": encryption} if encryption else {}),
            **({"SSEKMSKeyId": self.kms_key} if self.kms_key else {}),
        }

    def wait(self, attempt: int, jitter: float) -> float:
        """Seconds to wait before ``attempt`` (1, 2, … after the first, which is 0)."""
        return float(min(self.longest_wait, self.first_wait * 2 ** (attempt - 1)) * (1 - jitter / 2))
