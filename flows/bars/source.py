"""A source holds bar files: a folder, or a prefix in an S3 bucket. Both list names and give bytes, nothing else.

Credentials, region and endpoint of S3 come from the standard ``AWS_*`` variables and files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from flows.errors import BarsMissing, RequestRefused


class Source(Protocol):
    """Files below one place; both methods raise :class:`BarsMissing` with the cause if it cannot be read."""

    def names(self) -> dict[str, str]:
        """What lies right there, sorted by name: an empty text for a file, for anything else what it is."""

    def read(self, name: str) -> bytes:
        """The content of one of them."""


def open_source(source: str | Path) -> Source:
    """The place ``source`` names; :class:`RequestRefused` if it is neither a folder's path nor ``s3://bucket/prefix``."""
    text = str(source)
    if text.startswith("s3://"):
        bucket, _, prefix = text.removeprefix("s3://").partition("/")
        if not bucket:
            raise RequestRefused(f"{text!r} names no bucket: write s3://bucket/prefix")
        return Bucket(text, bucket, prefix.strip("/"))
    if "://" in text or not text.strip():
        raise RequestRefused(f"{text!r} is not a place for bars: give the path of a folder or s3://bucket/prefix")
    return Folder(Path(text).expanduser())


def _not_a_file(path: Path) -> str:
    """Empty for a file or a link to one, else what lies at ``path``."""
    if path.is_file():
        return ""
    if path.is_dir():
        return "a folder"
    return "a link that leads to nothing" if path.is_symlink() and not path.exists() else "no file"


class Folder:
    """A folder of the local file system."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> dict[str, str]:
        with self._typed_errors():
            return {entry.name: _not_a_file(entry) for entry in sorted(self._path.iterdir())}

    def read(self, name: str) -> bytes:
        with self._typed_errors():
            return (self._path / name).read_bytes()

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BarsMissing(f"{error.filename} is not there: give the folder that holds the yearly files") from error
        except OSError as error:
            raise BarsMissing(f"{error.filename or self._path} cannot be read: {error.strerror}") from error


class Bucket:
    """The objects right below a prefix of an S3 bucket."""

    def __init__(self, url: str, bucket: str, prefix: str) -> None:
        self._url = url
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._s3: Any = None

    def names(self) -> dict[str, str]:
        with self._typed_errors():
            pages = self._client().get_paginator("list_objects_v2")
            listed = pages.paginate(Bucket=self._bucket, Prefix=self._prefix, Delimiter="/")
            found: dict[str, str] = {}
            for page in listed:
                found |= {each["Prefix"].rstrip("/"): "a folder" for each in page.get("CommonPrefixes", ())}
                found |= {each["Key"]: "" for each in page.get("Contents", ()) if each["Key"] != self._prefix}
        return {key.removeprefix(self._prefix): kind for key, kind in sorted(found.items())}

    def read(self, name: str) -> bytes:
        with self._typed_errors():
            content: bytes = self._client().get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()
            return content

    def _client(self) -> Any:
        if self._s3 is None:
            import boto3  # takes a third of a second: only for buckets

            self._s3 = boto3.session.Session().client("s3")
        return self._s3

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: an endpoint that is no address
            raise BarsMissing(
                f"{self._url} cannot be read: {error}. Check the bucket's name, AWS_ENDPOINT_URL and the credentials"
            ) from error
