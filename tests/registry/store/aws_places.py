"""What a machine says to ``boto3``: variables and the files of profiles, as a test would have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

KEYS = "aws_access_key_id = {0}\naws_secret_access_key = secret\n"
TEMPORARY = {"AccessKeyId": "GIVEN", "SecretAccessKey": "secret", "Expiration": "2100-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Place:
    """What stands where; ``{moto}``, ``{giver}`` and ``{folder}`` in it are filled in by the test."""

    variables: dict[str, str] = field(default_factory=dict)
    config: str = ""
    credentials: str = ""


Prepare = Callable[[Place], None]
