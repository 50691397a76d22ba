"""The archive of one version: equal models give equal bytes, and reading one runs no code of its writer's.

A zip file whose members are sorted, dated 1980-01-01 and deflated at one level:

- ``archive.json``: format and input contract (:class:`~registry.archive.input_schema.InputSchema`);
- ``arrays/...``: the data-only form, from which numpy predicts: :mod:`registry.archive.portable`;
- ``model.skops``: the estimator (:mod:`registry.archive.skops_file`), only where it has no data-only form; what it may
  hold: :mod:`registry.archive.vetting`. Archives of format 1 have it beside their arrays too.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from registry.archive import portable
from registry.archive.canonical_zip import canonical_zip
from registry.archive.input_schema import InputSchema
from registry.archive.probe import ask, check_answer, probe_estimator, probe_form, up_column
from registry.archive.skops_file import skops_file
from registry.archive.vetting import TRUSTED, hold_to_one_process, vet_estimator, vet_file
from registry.errors import Corrupt, FormatTooNew, InvalidRequest, NotPortable, UnsafeArtifact
from registry.format.entries import canonical, digest

if TYPE_CHECKING:
    from registry.archive.portable.program import Program

FORMAT = 2
"""The latest that is read. Written is 2 without an estimator, or with features that look back, so that a reader that
knows of neither refuses by number; 1 else: an estimator without a data-only form, of features that do not look back."""
WITH_ESTIMATOR = 1
MODEL = "model.skops"
HEAD = "archive.json"
ARRAYS = "arrays/"
MAX_UNPACKED_BYTES = 1 << 30
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted member, nesting without end
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    ImportError,
    ArithmeticError,
)
"""What the readers of zip, JSON and skops raise for bytes that are not what they expect."""


class Members(Mapping[str, bytes]):
    """The members of a zip file whose names and claimed sizes were checked; each is unpacked when it is asked for."""

    def __init__(self, archive: zipfile.ZipFile, where: str) -> None:
        self._archive = archive
        self._where = where

    def __contains__(self, name: object) -> bool:
        return name in self._archive.NameToInfo  # Mapping's own would unpack the member to know

    def __getitem__(self, name: str) -> bytes:
        if name not in self:
            raise KeyError(name)
        try:
            return self._archive.read(name)
        except _UNREADABLE as error:
            raise UnsafeArtifact(f"{self._where} is damaged in {name} ({error}); not loaded") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._archive.namelist())

    def __len__(self) -> int:
        return len(self._archive.namelist())


@dataclass(frozen=True, eq=False)
class Archive:
    """An archive whose digest was checked. Nothing is unpacked or parsed further until it is asked for.

    ``not_portable``: why there is no data-only form, so that it is served from ``skops``; None where there is one.
    """

    members: Mapping[str, bytes]
    signature: InputSchema
    not_portable: str | None = None

    @cached_property
    def form(self) -> portable.PortableModel | Program | None:
        """The data-only form, every bound checked and probed; None where there is none. :class:`UnsafeArtifact`."""
        names = [name for name in self.members if name.startswith(ARRAYS)]
        if not names:
            return None
        arrays = {name.removeprefix(ARRAYS): self.members[name] for name in names}
        form = portable.read(arrays, len(self.signature.features))
        probe_form(form.up, form.features)
        return form

    @property
    def has_estimator(self) -> bool:
        """Whether the estimator is stored beside the data-only form, or instead of one."""
        return MODEL in self.members

    def estimator(self) -> Any:
        """The scikit-learn estimator, made anew; :class:`UnsafeArtifact` for what :mod:`registry.archive.vetting` or
        :mod:`registry.archive.probe` refuses.

        Raises :class:`NotPortable` where scikit-learn or skops is not installed, or where no estimator is stored.
        """
        if not self.has_estimator:
            raise NotPortable("the archive holds arrays and no estimator: predict from its data-only form")
        try:
            import skops.io
        except ImportError as missing:
            raise NotPortable(
                f"the estimator needs scikit-learn and skops, which are not installed here ({missing}: pip install "
                f"'champion-gate[nights]'); its data-only form: {self.not_portable or 'is there, predict from it'}"
            ) from missing
        data = self.members[MODEL]
        inner = _members(data, MODEL, allowed=lambda name: True)  # skops would unpack a bomb
        vet_file(dict(inner))
        try:
            estimator = skops.io.loads(data, trusted=TRUSTED)
            vet_estimator(estimator, len(self.signature.features))
            hold_to_one_process(estimator)
        except _UNREADABLE as error:
            raise UnsafeArtifact(f"{MODEL} cannot be read ({type(error).__name__}: {error}); not loaded") from error
        probe_estimator(estimator, len(self.signature.features))
        return estimator

    def up(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The scores, shape (n,), of the input ``x`` (n, features), by the data-only form where there is one."""
        if self.form is not None:
            return check_answer(self.form.up(x), len(x))
        if not len(x):
            return np.empty(0)
        estimator, column = self._estimator
        return ask(estimator, column, x)

    def warm(self) -> None:
        """Parse and check now what :meth:`up` needs."""
        if self.form is None:
            _ = self._estimator

    @cached_property
    def _estimator(self) -> tuple[Any, int]:
        estimator = self.estimator()
        return estimator, up_column(estimator)


def pack(estimator: Any, signature: InputSchema, rows: npt.NDArray[np.float64] | None = None) -> bytes:
    """The archive of a fitted estimator: the same bytes for equal models, in any process.

    Holds the data-only form if there is one, which is compared with the estimator on rows made for it and on ``rows``
    (n, features), and then nothing else; where there is none, why, and scikit-learn's estimator as a ``skops`` file.
    Raises :class:`UnsafeArtifact` for an estimator that could not be loaded again, because it holds a type that
    :mod:`registry.archive.vetting` does not allow, :class:`NotPortable` for one of another library without a form.
    """
    head: dict[str, Any] = {"format": FORMAT, "signature": signature.to_dict()}
    try:
        form = portable.write(estimator, len(signature.features), rows)
    except NotPortable as without:
        return _pack_estimator(estimator, signature, str(without))
    return canonical_zip({ARRAYS + name: data for name, data in form.items()} | {HEAD: canonical(head)})


def _pack_estimator(estimator: Any, signature: InputSchema, reason: str) -> bytes:
    number = WITH_ESTIMATOR if signature.inputs is None else FORMAT
    head = {"format": number, "signature": signature.to_dict(), "not_portable": reason}
    if type(estimator).__module__.partition(".")[0] != "sklearn":
        raise NotPortable(f"{type(estimator).__name__} cannot be stored: {reason}")
    try:
        return canonical_zip({MODEL: skops_file(estimator), HEAD: canonical(head)})
    except UnsafeArtifact as unsafe:
        raise UnsafeArtifact(f"{unsafe}; and as arrays: {reason}") from unsafe


def unpack(data: bytes, *, sha256: str, where: str) -> Archive:
    """The archive in ``data`` after its SHA-256 was compared; :class:`Corrupt` or :class:`UnsafeArtifact` else."""
    actual = digest(data)
    if actual != sha256:
        raise Corrupt(
            f"{where} has SHA-256 {actual[:12]}…, its entry says {sha256[:12]}…: damaged or replaced, not loaded"
        )
    members = _members(data, where, allowed=lambda name: name in (HEAD, MODEL) or _is_array(name))
    try:
        head = json.loads(members[HEAD])
        if head["format"] > FORMAT:
            raise FormatTooNew(f"{where} is an archive of format {head['format']}: upgrade this package")
        signature = InputSchema.from_dict(head["signature"])
        reason = str(head.get("not_portable", "it was written without a data-only form"))
    except (*_UNREADABLE, InvalidRequest) as error:
        raise UnsafeArtifact(f"{where}: {HEAD} is missing or unreadable ({error}); not loaded") from error
    if MODEL not in members and (head["format"] == WITH_ESTIMATOR or ARRAYS + portable.HEAD not in members):
        raise UnsafeArtifact(f"{where} holds no {MODEL}; not loaded")
    return Archive(members, signature, None if any(name.startswith(ARRAYS) for name in members) else reason)


def _members(data: bytes, where: str, *, allowed: Callable[[str], bool]) -> Members:
    if not data:
        raise UnsafeArtifact(f"{where} is empty; not loaded")
    if not data.startswith(b"PK"):
        raise UnsafeArtifact(f"{where} is not an archive: it begins with {data[:8]!r}; not loaded")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _UNREADABLE as error:
        raise UnsafeArtifact(f"{where} is cut short or damaged ({error}); not loaded") from error
    infos = archive.infolist()
    names = [info.filename for info in infos]
    stray = [name for name in names if not allowed(name)]
    if stray:
        raise UnsafeArtifact(f"{where} holds members that do not belong in it: {stray}; not loaded")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) != len(names) else []
    if twice:
        raise UnsafeArtifact(f"{where} holds members that do not belong in it: {twice} more than once; not loaded")
    if sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES:
        raise UnsafeArtifact(f"{where} would unpack to more than {MAX_UNPACKED_BYTES >> 20} MiB; not loaded")
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise UnsafeArtifact(f"{where} is packed by another method than deflate; not loaded")
    return Members(archive, where)


def _is_array(name: str) -> bool:
    rest = name.removeprefix(ARRAYS)
    return rest != name and rest.replace("_", "").replace(".", "").isalnum() and ".." not in rest
