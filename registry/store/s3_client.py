"""The S3 clients of this process: ``boto3``'s, made when a bucket is first connected to, and shared.

Where the server is, who asks, in which region and by which proxy is for ``boto3`` to find out, wherever it looks. Set
here is only what the protocol of :mod:`~.s3` rests on.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Hashable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ConfigParseError, InvalidRegionError, ProfileNotFound
from botocore.loaders import Loader, create_loader

from registry.errors import InvalidRequest, RegistryError, StoreDenied
from registry.store.credentials import CheckedCredentials, check_region, find_credentials
from registry.store.secrets import masked
from registry.store.settings import S3Settings

_KEPT = 8  # clients: a process seldom has more than one store
_VARIABLES = re.compile(r"AWS_.*|BOTO_CONFIG|HOME|USERPROFILE|(?:HTTPS?|ALL|NO)_PROXY", re.IGNORECASE)
_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}
# Services whose hosts are <bucket>.<service>; of another host nobody knows whether its first label is a bucket.
_OF_BUCKETS = re.compile(
    r"^s3[.-](?!svc\.)|\.(?:amazonaws|digitaloceanspaces|linodeobjects|vultrobjects|backblazeb2|wasabisys)\.com$"
    r"|\.r2\.cloudflarestorage\.com$|^storage\.googleapis\.com$"
)

NO_ADDRESS = "the endpoint is no address: write http://host:port or https://host:port in AWS_ENDPOINT_URL"

_lock = threading.Lock()


class SharedClient(NamedTuple):
    """A client of ``boto3``; ``attempts``: how often a request is made at most, if variables or the profile say so."""

    made: Any
    attempts: int | None
    credentials: CheckedCredentials


def shared_client(bucket: str, url: str, settings: S3Settings) -> SharedClient:
    """The client for ``bucket`` of ``url``.

    All threads and stores get the same one, until the settings, the variables or the files of ``boto3`` are others.
    Asks nothing of the server. Raises ``InvalidRequest`` for settings that make no client, ``StoreDenied`` for
    credentials that cannot be used.
    """
    told: RegistryError
    try:
        with _lock:
            client = _client(settings, _environment())
        check_endpoint(client.made.meta.endpoint_url, bucket)
        return client
    except ProfileNotFound as error:
        name = error.kwargs["profile"]
        told = InvalidRequest(
            f"cannot connect to {url}: there is no profile {name!r} in ~/.aws/config or ~/.aws/credentials. Set "
            f"AWS_PROFILE to one that is there, unset it, or make it with `aws configure --profile {name}`"
        )
    except ConfigParseError as error:
        told = InvalidRequest(
            f"cannot connect to {url}: {error.kwargs['path']} cannot be read as a file of profiles. Below a line "
            "[profile name], write one line `key = value` for each setting"
        )
    except InvalidRegionError:
        told = InvalidRequest(
            f"cannot connect to {url}: the region that is set is no region: write one such as eu-west-1 in "
            "AWS_DEFAULT_REGION, or as region in the profile"
        )
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL, attempts that are no number
        if str(error).startswith("Invalid endpoint"):
            raise InvalidRequest(f"cannot connect to {url}: {NO_ADDRESS}") from None
        told = InvalidRequest(
            f"cannot connect to {url}: {masked(str(error)).strip()}. Check AWS_ENDPOINT_URL, AWS_PROFILE, "
            "AWS_DEFAULT_REGION, AWS_MAX_ATTEMPTS and AWS_RETRY_MODE, and the same in the profile"
        )
    except (InvalidRequest, StoreDenied) as error:
        told = type(error)(f"cannot connect to {url}: {error}")
    raise told  # outside of the handler, so that what the client said is not printed as its context


def check_endpoint(endpoint: str, bucket: str) -> None:
    """Raise ``InvalidRequest`` for an endpoint that names ``bucket``, or carries a user, a password or a query."""
    parts = urlsplit(endpoint)
    if parts.username or parts.password or parts.query:
        raise InvalidRequest(
            "the endpoint carries a user, a password or a query, which S3 does not take: write https://host:port alone "
            "in AWS_ENDPOINT_URL, and credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or in a profile"
        )
    host, path = parts.hostname or "", parts.path.strip("/")
    before, _, service = host.partition(".")
    if path == bucket or (before == bucket and _OF_BUCKETS.search(service)):
        address = f"{parts.scheme}://{host if path == bucket else service}"
        raise InvalidRequest(
            f"the endpoint names the bucket {bucket!r} already, and requests add it once more: write "
            f"{address}{f':{parts.port}' if parts.port else ''} in AWS_ENDPOINT_URL"
        )


@functools.lru_cache(_KEPT)
def _client(settings: S3Settings, environment: Hashable) -> SharedClient:
    style = None if settings.addressing is None else {"addressing_style": settings.addressing}
    config = Config(
        # A lost answer must be noticed in time to ask again: boto3 would wait for a minute.
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        # The store itself asks again: it has to know of every attempt whether that may have stored the object, and the
        # client tells of the last one alone. The mode of retries stays the user's, and so does their number, below.
        retries={"total_max_attempts": 1},
        # A log is read by 16 threads: two logs at once, each request on a connection that is kept.
        max_pool_connections=32,
        # MD5 in a header is understood everywhere; checksums in trailers are not (Ceph before 18, Google, old MinIO).
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3=style,
    )
    # Not boto3's default session: that keeps the profile and the credentials which it found first, whatever the
    # variables say later, and is not safe to make clients of in several threads.
    session = botocore.session.get_session()
    session.register_component("data_loader", _descriptions(session.get_config_variable("data_path")))
    region = settings.region or session.get_config_variable("region")
    check_region(region, given=settings.region is not None)
    if not isinstance(session.get_scoped_config().get("s3", {}), dict):  # which botocore would meet with a traceback
        raise InvalidRequest(
            "`s3` in the profile begins a section and has no value of its own: leave the line `s3 =` empty and write "
            "its settings below it, each indented, such as `  addressing_style = path`"
        )
    credentials = find_credentials(session)
    made = boto3.session.Session(botocore_session=session).client(
        "s3", endpoint_url=settings.endpoint_url, region_name=settings.region, config=config
    )
    credentials.check_before_signing(made)
    return SharedClient(made, session.get_config_variable("max_attempts"), credentials)


@functools.lru_cache(_KEPT)
def _descriptions(data_path: str | None) -> Loader:
    """``botocore``'s descriptions of services: a session of its own reads these megabytes anew, for every client."""
    return create_loader(data_path)


def _environment() -> Hashable:
    """What ``boto3`` makes a client of beside arguments: variables, and its files as they are now."""
    variables = frozenset((name, value) for name, value in os.environ.items() if _VARIABLES.fullmatch(name))
    return variables, *(_state(os.environ.get(name, usual)) for name, usual in _FILES.items())


def _state(path: str) -> Hashable:
    try:
        found = Path(path).expanduser().stat()
    except (OSError, RuntimeError):  # RuntimeError: nobody's home, as in a container whose user has no name
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _begin_anew() -> None:
    """In a forked process: it must not talk on its parent's connections, nor wait for a thread that it has not got."""
    global _lock
    _lock = threading.Lock()
    _client.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
