"""Reading many objects at once: results in the order of the requests, a bounded number of them under way."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

AT_ONCE = 16
"""Requests under way at once; an S3 client keeps 32 connections."""

_ONE_BY_ONE = 8  # few are not worth threads, and who stops after a few has asked for nothing in vain

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

Progress = Callable[[str, int, int], None]
"""Called as work goes on, with what is done, how many of it are done, and how many there are in all."""


def quiet(what: str, done: int, of: int) -> None:
    """A :data:`Progress` that shows nothing."""


@contextmanager
def threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """``count`` threads. Where the block is left by an error, what waits is dropped; where by Ctrl-C, what is under way
    is not waited for either."""
    workers = ThreadPoolExecutor(count)
    try:
        yield workers
    except BaseException as error:  # Ctrl-C too: it is raised on, once nothing new begins
        workers.shutdown(wait=not isinstance(error, KeyboardInterrupt), cancel_futures=True)
        raise
    workers.shutdown()


def in_order(
    ask: Callable[[Asked], Answer], questions: Iterable[Asked], *, at_once: int | None = None
) -> Iterator[Answer]:
    """``ask`` of every question, in order, up to ``at_once`` (:data:`AT_ONCE`) of them asked ahead by threads.

    The first few are asked one by one, and all of them where ``at_once`` is 1. ``questions`` is iterated by the
    caller's thread, and only as far as is asked ahead; what ``ask`` raises is raised where its answer would stand.
    Closing the iterator asks nothing further.
    """
    left, ahead = iter(questions), min(at_once or AT_ONCE, AT_ONCE)
    for question in itertools.islice(left, None if ahead == 1 else _ONE_BY_ONE if at_once is None else 1):
        yield ask(question)
    with threads(ahead) as workers:
        pending: deque[Future[Answer]] = deque()
        try:
            while True:
                further = itertools.islice(left, ahead - len(pending))
                pending.extend(workers.submit(ask, question) for question in further)
                if not pending:
                    return
                yield pending.popleft().result()
        finally:
            for waiting in pending:
                waiting.cancel()
