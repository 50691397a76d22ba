"""What an operation does before its entry: it uploads objects, and looks at artifacts that the entry will name."""

from __future__ import annotations

from datetime import datetime

from registry.errors import Exists, OutcomeUnknown, StoreUnavailable, UploadTooOld
from registry.format.entries import Entry
from registry.log.access import Access
from registry.log.log import Build, Draft

_UPLOAD_TRIES = 5


class Preparation:
    """One operation on a model, from its first upload or look to its entry. Made when that begins."""

    def __init__(self, access: Access, model: str) -> None:
        self._access = access
        self._model = model
        self._began = access.clock.monotonic()

    def upload(self, key: str, data: bytes) -> None:
        """Store an object under a key that no other operation uses; asked again until it is known to be there.

        While that is not known nothing names the object, so the operation as a whole did not happen.
        """
        store = self._access.store
        for attempt in range(_UPLOAD_TRIES):
            if attempt:
                self._access.clock.sleep(0.2 * 2**attempt)
            try:
                return store.create(key, data)
            except Exists:
                return None  # ours: the answer to an earlier try was lost
            except OutcomeUnknown as error:
                unknown = error
        raise StoreUnavailable(
            f"{store.url} did not answer the upload of {key}: nothing was added to the log; repeat the operation"
        ) from unknown

    def in_time(self, build: Build) -> Build:
        """``build``, refused where it is so late that ``gc`` might take what the entry names for garbage."""

        def checked(head: Entry | None, n: int, time: datetime) -> Draft:
            limit = self._access.grace / 2
            if self._access.clock.monotonic() - self._began > limit.total_seconds():
                raise UploadTooOld(
                    f"{self._model}: what was uploaded waited over {limit} for its log entry; nothing was "
                    "written; repeat the operation"
                )
            return build(head, n, time)

        return checked
