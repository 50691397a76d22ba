"""The S3 client of a store: ``botocore`` without ``boto3``, made from as little as will do.

Signing, credentials, connections and the understanding of answers are botocore's. What it reads to make a client is cut
down: all of S3's description to the five operations of :mod:`~.s3_api`, and the endpoints and rules of every AWS region
to two ways of addressing where an endpoint is set.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from registry.errors import InvalidRequest
from registry.store import s3_api
from registry.store.settings import S3Settings

_ADDRESSING = {None: "auto", True: "path", False: "virtual"}  # auto: path for every endpoint that is set


class Descriptions(botocore.loaders.Loader):  # type: ignore[misc]  # botocore carries no types
    """What S3 clients are made from; ``endpoint``: they have one of their own, so that no AWS region matters."""

    def __init__(self, *, endpoint: bool) -> None:
        super().__init__()
        self._endpoint = endpoint

    def list_available_services(self, type_name: str) -> list[str]:
        """S3 alone: botocore looks into hundreds of folders to know."""
        return ["s3"]

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """The operations of a store, the rules of addressing."""
        if type_name == "service-2":
            return s3_api.SERVICE
        if type_name == "endpoint-rule-set-1" and self._endpoint:
            return s3_api.RULES
        return super().load_service_model(service_name, type_name, api_version)

    def load_data_with_path(self, name: str) -> Any:
        """Everything else: lists of regions, of what is asked again."""
        if name == "endpoints" and self._endpoint:
            return s3_api.REGIONS, ""
        return super().load_data_with_path(name)


class _Session(botocore.session.Session):  # type: ignore[misc]  # the same
    """Makes clients of S3; those of other services, which credentials may come from, are made as botocore does."""

    def create_client(self, service_name: str, *args: Any, **named: Any) -> Any:
        """A client of its own for each call."""
        if service_name != "s3":
            return botocore.session.Session().create_client(service_name, *args, **named)
        return super().create_client(service_name, *args, **named)


_descriptions = functools.cache(Descriptions)  # read once, however many clients are made


def new_client(url: str, settings: S3Settings) -> Any:
    """A client for the bucket ``url``; ``InvalidRequest`` for settings that make none. Asks nothing of the server."""
    config = Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        retries={"total_max_attempts": 1},
        max_pool_connections=32,
        # MD5 in a header is understood everywhere; checksums in trailers are not (Ceph before 18, Google, old MinIO).
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": _ADDRESSING[settings.path_style]},
    )
    try:
        session = _Session()
        endpoint = settings.endpoint_url or _endpoint_of_variables(session)
        session.register_component("data_loader", _descriptions(endpoint=endpoint is not None))
        return session.create_client("s3", endpoint_url=endpoint, region_name=settings.region, config=config)
    except (BotoCoreError, ValueError) as error:  # ValueError is what an endpoint that is no URL gives
        raise InvalidRequest(
            f"cannot connect to {url}: {error}. Check AWS_ENDPOINT_URL, AWS_PROFILE and AWS_DEFAULT_REGION"
        ) from error


def _endpoint_of_variables(session: Any) -> str | None:
    """None where the profile may still name one: botocore finds that, by its whole description."""
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
