"""What can be set about an S3 connection beyond the standard ``AWS_*`` variables."""

from __future__ import annotations

from dataclasses import dataclass

from registry.errors import InvalidRequest

DEFAULT_ATTEMPTS = 5
"""How often a request is made where neither settings nor ``AWS_MAX_ATTEMPTS`` nor the profile say."""


@dataclass(frozen=True)
class S3Settings:
    """Where the server is and how long to be patient with it.

    ``endpoint_url``, ``region`` and ``path_style`` left at None are what ``boto3`` finds in the ``AWS_*`` variables and
    the profile; where nothing there says, a bucket is addressed ``endpoint/bucket/key`` when an endpoint is set and
    ``bucket.host/key`` otherwise. One request takes at most ``connect_timeout`` + ``read_timeout`` seconds and is made
    at most ``attempts`` times (None: ``AWS_MAX_ATTEMPTS``, else the profile's ``max_attempts``, else 5); the waits
    between begin at ``first_wait`` seconds and double up to ``longest_wait``, each shortened by up to half at random.
    """

    endpoint_url: str | None = None
    region: str | None = None
    path_style: bool | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    attempts: int | None = None
    first_wait: float = 0.2
    longest_wait: float = 5.0

    def __post_init__(self) -> None:
        too_few = self.attempts is not None and self.attempts < 1
        if too_few or min(self.connect_timeout, self.read_timeout) <= 0 or self.first_wait < 0:
            raise InvalidRequest(f"attempts must be at least 1, timeouts above zero and waits not negative: {self}")

    def wait(self, attempt: int, jitter: float) -> float:
        """Seconds to wait before ``attempt`` (1, 2, … after the first, which is 0)."""
        return float(min(self.longest_wait, self.first_wait * 2 ** (attempt - 1)) * (1 - jitter / 2))
