"""Running one target for some time: what it found is kept by the line of the project where it was raised.

An input that ends in a new way (another line of the project refuses it) is kept in the corpus, and changed further:
that is all the guidance there is, and it costs nothing. The same seed and an empty corpus give the same inputs.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType, TracebackType

from tests.fuzz.target import Target
from tests.paths import ROOT

PROJECT = (f"{ROOT}/registry/", f"{ROOT}/flows/", f"{ROOT}/examples/")
_CORPUS_AT_MOST = 400
_NEWEST_FIRST = 0.5  # of the mutated inputs, the share made of the corpus where there is one


class Hang(BaseException):
    """An input took longer than its target allows. No reader catches this."""


@dataclass
class Campaign:
    """Executions of one target, and what they found: the smallest input for each way to end that is not allowed."""

    target: Target
    folder: Path
    seed: int = 0
    executions: int = 0
    finds: dict[str, bytes] = field(default_factory=dict)
    tracebacks: dict[str, str] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)

    def run(self, seconds: float, *, executions: int | None = None) -> None:
        """Fuzz for some seconds, or for some executions; what is found is written to the folder as it comes."""
        random = Random(self.seed)
        seeds, corpus = [*self.target.seeds()], self._corpus()
        last = self.folder / "last"
        with _limited():
            for data in seeds:  # imports and caches are not timed
                with contextlib.suppress(*self.target.allowed):
                    self.target.run(data)
            stop = time.monotonic() + seconds
            while time.monotonic() < stop and self.executions != executions:
                base = random.choice(corpus if corpus and random.random() < _NEWEST_FIRST else seeds)
                data = self.target.mutate(random, base)
                if self.target.native:
                    last.write_bytes(data)  # kept where the process dies
                new = self.one(data)
                if new and len(corpus) < _CORPUS_AT_MOST and len(data) < 1 << 18:
                    corpus.append(data)
                    self._keep("corpus", data)
        last.unlink(missing_ok=True)

    def one(self, data: bytes) -> bool:
        """Run one input; whether it ended in a way that none did before."""
        self.executions += 1
        signal.setitimer(signal.ITIMER_REAL, self.target.seconds)
        try:
            end = self.target.run(data) or "done"
        except self.target.allowed as refusal:
            end = place(refusal)
        except (Exception, SystemExit, Hang) as error:  # noqa: BLE001  # whatever it is, it is a find
            end = place(error)
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._found(end, data, error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self.ends[end] += 1
        return self.ends[end] == 1

    def _found(self, end: str, data: bytes, error: BaseException) -> None:
        if end in self.finds and len(self.finds[end]) <= len(data):
            return
        self.finds[end] = data
        self.tracebacks[end] = "".join(traceback.format_exception(error))
        name = hashlib.sha256(end.encode()).hexdigest()[:12]
        self._keep("finds", data, name)
        self._keep("finds", f"{end}\n\n{self.tracebacks[end]}".encode(errors="backslashreplace"), f"{name}.txt")

    def _corpus(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self.folder / "corpus").glob("*"))][:_CORPUS_AT_MOST]

    def _keep(self, kind: str, data: bytes, name: str | None = None) -> None:
        path = self.folder / kind / (name or hashlib.sha256(data).hexdigest()[:16])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def place(error: BaseException) -> str:
    """The type of an exception and the innermost line of the project where it passed."""
    line, at = "?", error.__traceback__
    while at is not None:
        name = at.tb_frame.f_code.co_filename
        if name.startswith(PROJECT):
            line = f"{name[len(str(ROOT)) + 1 :]}:{_line(at)}"
        at = at.tb_next
    return f"{type(error).__name__} at {line}"


def _line(at: TracebackType) -> int:
    return at.tb_lineno


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """A timer for hangs in the place of another's, and no warning printed."""
    before, left = signal.signal(signal.SIGALRM, _hang), signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *left)
