"""One thread for BLAS and OpenMP inside, whoever else is inside, and what was set before afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sklearn.linear_model  # noqa: F401  # brings the numerical libraries
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from flows.recipes.threads import one_thread


def threads(api: str) -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == api}


@pytest.fixture(autouse=True)
def three_threads():
    with threadpool_limits(limits=3):
        yield


def test_inside_there_is_one_thread_and_afterwards_what_was_before():
    with one_thread():
        assert threads("blas") == threads("openmp") == {1}
    assert threads("blas") == threads("openmp") == {3}


def test_an_error_inside_restores_what_was_before():
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert threads("blas") == threads("openmp") == {3}


def test_who_leaves_first_takes_nothing_from_who_is_still_inside():
    first_inside, both_inside, one_left = (Barrier(2, timeout=30) for _ in range(3))

    def leave_first() -> set[int]:
        with ThreadpoolController().select(user_api="openmp").limit(limits=3):
            with one_thread():
                first_inside.wait()
                both_inside.wait()
            afterwards = threads("openmp")
        one_left.wait()
        return afterwards

    def stay() -> tuple[set[int], set[int]]:
        first_inside.wait()
        with one_thread():
            both_inside.wait()
            one_left.wait()
            return threads("blas"), threads("openmp")

    with ThreadPoolExecutor(2) as workers:
        leaves, stays = workers.submit(leave_first), workers.submit(stay)
        assert stays.result() == ({1}, {1})
        assert leaves.result() == {3}
    assert threads("blas") == {3}
