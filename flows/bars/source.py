"""A source holds bar files: a folder, or a prefix in an S3 bucket. Both list names and give bytes, nothing else.

Credentials, region and endpoint of S3 come from the standard ``AWS_*`` variables and files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flows.errors import BarsMissing, RequestRefused, SourceRefused
from registry.errors import InvalidRequest, NotFound, StoreError, StoreUnavailable
from registry.store.place import is_bucket

if TYPE_CHECKING:
    from registry.store.bucket import BucketClient


class Source(Protocol):
    """Files below one place; both methods raise :class:`BarsMissing` with the cause if it cannot be read."""

    def names(self) -> dict[str, str]:
        """What lies right there, sorted by name: an empty text for a file, for anything else what it is."""

    def read(self, name: str) -> bytes:
        """The content of one of them."""


def open_source(source: str | Path) -> Source:
    """The place ``source`` names; :class:`RequestRefused` if it is neither a folder's path nor ``s3://bucket/prefix``."""
    text = str(source)
    try:
        is_a_bucket = is_bucket(text, "a place for bars")
    except InvalidRequest as error:
        raise RequestRefused(str(error)) from error
    if not is_a_bucket:
        return Folder(Path(text).expanduser())
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not bucket:
        raise RequestRefused(f"{text!r} names no bucket: write s3://bucket/prefix")
    return Bucket(text, bucket, prefix.strip("/"))


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
    """The objects right below a prefix of an S3 bucket, asked for as the registry asks for its own.

    Its :class:`BarsMissing` is a :class:`SourceRefused` where the settings, credentials or rights are wrong.
    """

    def __init__(self, url: str, bucket: str, prefix: str) -> None:
        self._url = url
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._s3: BucketClient | None = None

    def names(self) -> dict[str, str]:
        with _store_errors():
            found: dict[str, str] = {}
            for page in self._client().pages(self._prefix, about="the files", Delimiter="/"):
                found |= {each["Prefix"].rstrip("/"): "a folder" for each in page.get("CommonPrefixes", ())}
                found |= {each["Key"]: "" for each in page.get("Contents", ()) if each["Key"] != self._prefix}
        return {key.removeprefix(self._prefix): kind for key, kind in sorted(found.items())}

    def read(self, name: str) -> bytes:
        with _store_errors():
            return self._client().get(self._prefix + name, about=name)

    def _client(self) -> BucketClient:
        if self._s3 is None:
            from registry.store.bucket import BucketClient  # takes a third of a second: only for buckets

            self._s3 = BucketClient(self._bucket, self._url)
        return self._s3


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except (StoreUnavailable, NotFound) as error:
        raise BarsMissing(str(error)) from error
    except (InvalidRequest, StoreError) as error:
        raise SourceRefused(str(error)) from error
