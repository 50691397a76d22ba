"""Following the champion: predictions from the version in production, whatever happens to it or to the store.

::

    with registry.follow("gbpusd_m15_direction", url="s3://models/registry") as champion:
        prediction = champion.predict(bars, pick=True)
        prediction.says, prediction.score, prediction.version, prediction.expected, prediction.stale_seconds

A thread of its own asks the store every minute who is champion: one request where nothing is new. A new champion is
loaded and checked beside the old one and takes its place in one assignment, so every call is answered by one version,
whole. Where the store does not answer, or what it names cannot be loaded, the old one goes on and says how stale it
is. What a person suspended is not served: :class:`~registry.errors.Suspended` until it is resumed.
"""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from registry.clock import Clock
from registry.errors import InvalidRequest, NoChampion, Suspended
from registry.model.prediction import LoadedModel, Prediction
from registry.model.reader import ModelReader
from registry.store.forking import begin_anew_in_forks

if TYPE_CHECKING:
    from registry.archive.input_schema import Columns


@dataclass(frozen=True)
class FollowerStatus:
    """What a follower serves at the moment, for a health check.

    ``state``: ``serving``; ``stale`` (serving, but the store does not confirm it; ``problem`` says why);
    ``suspended`` or ``no champion`` (``predict`` raises, ``problem`` says what). ``stale_seconds`` as in
    :class:`Prediction`.
    """

    state: Literal["serving", "stale", "suspended", "no champion"]
    version: str | None
    stale_seconds: float
    problem: str | None


@dataclass(frozen=True)
class _View:
    """What was last learnt, replaced as a whole: a call that began with one ends with it."""

    loaded: LoadedModel | None
    halt: Suspended | NoChampion | None
    confirmed: float
    problem: str | None = None


class Follower:
    """Serves the champion of one model. Safe to use from many threads; :meth:`close` ends its own.

    ``every``: seconds between two looks at the store, once :meth:`start` was called. The first look is made here:
    raises what :meth:`ModelReader.load` raises, but for a model that is suspended or has no champion yet.
    """

    def __init__(self, model: ModelReader, *, clock: Clock, every: float = 60.0) -> None:
        if not every > 0:
            raise InvalidRequest(f"every must be a number of seconds above 0, not {every}")
        self._model = model
        self._clock = clock
        self._every = every
        self._looking = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._view = self._look(None)
        begin_anew_in_forks(self)

    def predict(self, frame: Columns, *, pick: bool = False) -> Prediction:
        """What the champion says about the rows of ``frame``.

        A frame whose columns, order or dtypes are not the version's is refused; with ``pick`` its columns are taken
        by name from a wider one, so that a caller who sends whole bars need not know what the champion reads.
        Raises :class:`InputMismatch`, :class:`Suspended`, :class:`NoChampion`.
        """
        view = self._view
        if view.halt is not None:
            raise type(view.halt)(*view.halt.args)
        assert view.loaded is not None, "a view without champion says why"
        prediction = view.loaded.predict(frame, pick=pick)
        return dataclasses.replace(prediction, stale_seconds=self._stale(view))

    @property
    def loaded(self) -> LoadedModel | None:
        """The version that is served; None while there is none to serve."""
        view = self._view
        return view.loaded if view.halt is None else None

    def status(self) -> FollowerStatus:
        """What is served, and how stale it is; asks nobody."""
        view = self._view
        stale = self._stale(view)
        version = None if view.loaded is None else view.loaded.version
        if view.halt is not None:
            halted: Literal["suspended", "no champion"] = (
                "suspended" if isinstance(view.halt, Suspended) else "no champion"
            )
            return FollowerStatus(halted, version, stale, str(view.halt))
        return FollowerStatus("stale" if stale or view.problem else "serving", version, stale, view.problem)

    def refresh(self) -> FollowerStatus:
        """Look at the store now. What goes wrong is in the status; the version served before goes on."""
        with self._looking:
            try:
                self._view = self._look(self._view)
            except Exception as error:  # noqa: BLE001  # whatever an entry holds, the thread looks again
                self._view = dataclasses.replace(self._view, problem=f"{type(error).__name__}: {error}")
        return self.status()

    def start(self) -> Self:
        """Look every so often from a thread of its own, until :meth:`close`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"follow {self._model.name}", daemon=True)
            self._thread.start()
        return self

    def begin_anew(self) -> None:
        """In a forked process, where no thread of the parent runs: a lock and, if it was started, a thread of its own.

        What a person suspended would else be served there for ever.
        """
        followed = self._thread is not None and not self._closing.is_set()
        self._looking, self._closing, self._thread = threading.Lock(), threading.Event(), None
        if followed:
            self.start()

    def close(self) -> None:
        """End the thread, after the look that it is at; what was loaded goes on being served."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._closing.wait(self._every):
            self.refresh()

    def _look(self, before: _View | None) -> _View:
        now = self._clock.monotonic()
        old = None if before is None else before.loaded
        try:
            champion, calibration = self._model.calibrated()
        except (Suspended, NoChampion) as halt:
            return _View(old, halt, now)
        if old is None or old.champion is None or old.champion.identity != champion.identity:
            old = self._model.load_champion(champion, calibration, instead_of=old)
            old.warm()
        elif old.calibration != calibration:
            old = old.calibrated_by(calibration)
        return _View(old, None, now)

    def _stale(self, view: _View) -> float:
        age = self._clock.monotonic() - view.confirmed
        return age if view.problem is not None or age > 2 * self._every else 0.0
