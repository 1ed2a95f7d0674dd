"""`gx.blas_threads`: at most so many in the block, what was before afterwards, and no silence."""

import sys
import threading

import numpy as np
import pytest
import threadpoolctl

import gradx as gx


def counts():
    info = threadpoolctl.threadpool_info()
    return {pool["num_threads"] for pool in info if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two():
    """Two threads to begin with, even on a machine of one core."""
    with threadpoolctl.ThreadpoolController().limit(limits=2, user_api="blas"):
        assert counts() == {2}
        yield


def test_it_holds_in_the_block_and_not_after():
    with gx.blas_threads(1):
        assert counts() == {1}
    assert counts() == {2}


def test_an_exception_puts_the_number_back():
    with pytest.raises(ZeroDivisionError), gx.blas_threads(1):
        raise ZeroDivisionError
    assert counts() == {2}


def test_the_inner_block_holds():
    with gx.blas_threads(1):
        with gx.blas_threads(2):
            assert counts() == {2}
        assert counts() == {1}
    assert counts() == {2}


def test_it_decorates():
    @gx.blas_threads(1)
    def inside():
        return counts()

    assert inside() == {1}
    assert inside() == {1}
    assert counts() == {2}


def test_threads_that_are_started_inside_are_limited_too():
    found = []
    with gx.blas_threads(1):
        thread = threading.Thread(target=lambda: found.append(counts()))
        thread.start()
        thread.join()
    assert found == [{1}]


def test_gradients_are_the_same():
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(300, 300)), rng.normal(size=(300, 300))
    wanted = gx.grad(lambda w: np.sum((w @ x) ** 2))(w)
    with gx.blas_threads(1):
        np.testing.assert_allclose(gx.grad(lambda w: np.sum((w @ x) ** 2))(w), wanted)


@pytest.mark.parametrize("count", [0, -1, 1.0, True, None, "1"])
def test_an_invalid_number(count):
    with pytest.raises(ValueError, match="give a number of threads, 1 or more"):
        gx.blas_threads(count).__enter__()


def test_without_threadpoolctl(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with (
        pytest.raises(gx.BlasThreadsError, match=r"not installed; write pip install 'gradx\[train"),
        gx.blas_threads(1),
    ):
        pass


class Pool:
    """A BLAS that another thread holds: setting its number does nothing."""

    internal_api = "openblas"
    num_threads = 4


class Controller:
    """What threadpoolctl finds, given by the test."""

    def __init__(self, pools):
        self.lib_controllers = pools

    def select(self, user_api):
        return self


def test_an_unknown_blas(monkeypatch):
    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", lambda: Controller([]))
    with pytest.raises(gx.BlasThreadsError, match="knows no BLAS"), gx.blas_threads(1):
        pass


def test_a_blas_that_another_thread_holds():
    real = threadpoolctl.ThreadpoolController
    with pytest.MonkeyPatch.context() as patch:
        held = Controller([Pool()])
        held.limit = lambda limits: real().limit(limits=limits, user_api="blas")
        patch.setattr(threadpoolctl, "ThreadpoolController", lambda: held)
        with (
            pytest.raises(gx.BlasThreadsError, match="still uses 4 threads and not 1, because"),
            gx.blas_threads(1),
        ):
            pass
    assert counts() == {2}
