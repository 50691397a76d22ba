"""A store in memory whose requests fail on command, one fault at a chosen request, as real stores and networks do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from registry.errors import Exists, OutcomeUnknown, StoreDenied, StoreUnavailable
from registry.store import Stored
from tests.servers.stores import MemoryStore

CREATE_FAULTS = (
    "unreached",  # 409, 429, 503, no connection: nothing was stored
    "denied",
    "answer lost",
    "answer lost, repeated below",  # the store layer asked again and met its own first attempt
    "never lands",  # timed out, and nothing was stored
    "lands after 1",
    "lands after 2",
    "lands after 3",
    "lands at the end",
)
READ_FAULTS = ("unreached", "denied")
LIST_FAULTS = (*READ_FAULTS, "stale")
DELETE_FAULTS = ("unreached", "answer lost")
FAULTS = {
    "create": CREATE_FAULTS,
    "get": READ_FAULTS,
    "list": LIST_FAULTS,
    "folders": READ_FAULTS,
    "stat": READ_FAULTS,
    "delete": DELETE_FAULTS,
}


class FaultyStore(MemoryStore):
    """``faults`` maps the number of a request (0, 1, …) to what befalls it; ``asked`` holds the verbs so far."""

    def __init__(self, objects: Mapping[str, bytes] | None = None, faults: dict[int, str] | None = None) -> None:
        super().__init__()
        self.objects |= dict(objects or {})
        self.faults = {} if faults is None else faults
        self.asked: list[str] = []
        self._late: list[tuple[int, str, bytes]] = []

    def create(self, key: str, data: bytes) -> None:
        fault = self._next("create")
        if fault in ("unreached", "denied"):
            self._refuse(fault, key)
        if fault is None:
            return super().create(key, data)
        if fault == "answer lost":
            self._keep(key, data)
        elif fault == "answer lost, repeated below":
            self._keep(key, data)
            raise Exists(f"{key} exists already")
        elif fault != "never lands":
            after = 10**9 if fault == "lands at the end" else int(fault.split()[-1])
            self._late.append((len(self.asked) + after, key, data))
        raise OutcomeUnknown(f"no answer to {key}", key=key)

    def get(self, key: str) -> bytes:
        self._refuse(self._next("get"), key)
        return super().get(key)

    def folders(self, prefix: str) -> list[str]:
        self._refuse(self._next("folders"), prefix)
        return super().folders(prefix)

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        fault = self._next("list")
        if fault == "stale":  # what was created last is not shown yet
            shown = [key for key in super().list(prefix, after=after) if key != self._last_below(prefix)]
            return shown[:limit]
        self._refuse(fault, prefix)
        return super().list(prefix, limit=limit, after=after)

    def delete(self, key: str) -> None:
        fault = self._next("delete")
        if fault == "answer lost":
            super().delete(key)
            fault = "unreached"
        self._refuse(fault, key)
        super().delete(key)

    def stat(self, prefix: str) -> Iterator[Stored]:
        self._refuse(self._next("stat"), prefix)
        return super().stat(prefix)

    def land(self) -> None:
        """Everything still on its way arrives."""
        for _, key, data in self._late:
            self._keep(key, data)
        self._late.clear()

    def _next(self, verb: str) -> str | None:
        number = len(self.asked)
        self.asked.append(verb)
        due = [late for late in self._late if late[0] <= number]
        self._late = [late for late in self._late if late[0] > number]
        for _, key, data in due:
            self._keep(key, data)
        return self.faults.get(number)

    def _keep(self, key: str, data: bytes) -> None:
        if key not in self.objects:
            MemoryStore.create(self, key, data)

    def _last_below(self, prefix: str) -> str | None:
        return next((key for key in reversed(self.objects) if key.startswith(prefix)), None)

    @staticmethod
    def _refuse(fault: str | None, key: str) -> None:
        if fault is not None:  # a fault of creates befalls a read as no answer
            raise (StoreDenied if fault == "denied" else StoreUnavailable)(f"{fault}: {key}")
