"""BLAS threads: one for small steps, put back afterwards, and no need for threadpoolctl."""

import pytest

from gradx.train import OptionError, threads, threads_for


def counts():
    info = threads.threadpoolctl.threadpool_info()
    return {pool["num_threads"] for pool in info if pool["user_api"] == "blas"}


@pytest.fixture
def two():
    controller = pytest.importorskip("threadpoolctl").ThreadpoolController()
    with controller.limit(limits=2, user_api="blas"):
        yield


def test_small_steps_use_one_and_put_the_others_back(two):
    before = counts()
    with threads_for(1) as words:
        assert counts() == {1}
        assert words.startswith("1 thread (")
        assert words.endswith("), in this process only")
    assert counts() == before


def test_large_steps_use_what_is_there(two):
    before = counts()
    with threads_for(threads.MANY_ROWS) as words:
        assert counts() == before
        assert words.endswith(", as found")


def test_without_threadpoolctl(monkeypatch):
    monkeypatch.setattr(threads, "threadpoolctl", None)
    with threads_for(1) as words:
        assert words == (
            "the library's own number of threads (pip install 'gradx[train]' to use one, faster)"
        )


def test_a_blas_that_cannot_be_limited(two, monkeypatch):
    def refuse(count):
        raise threads.gx.BlasThreadsError("held by another thread")

    before = counts()
    monkeypatch.setattr(threads.gx, "blas_threads", refuse)
    with threads_for(1) as words:
        assert counts() == before
        assert words.endswith(", as found")


def test_shared_and_deterministic_steps_use_one(two):
    for how in ({"ranks": 2}, {"same_bits": True}):
        with threads_for(threads.MANY_ROWS, **how) as words:
            assert counts() == {1}
            assert words.endswith("), in this process only")


def test_the_same_bits_need_one(two, monkeypatch):
    def refuse(count):
        raise threads.gx.BlasThreadsError("held by another thread")

    monkeypatch.setattr(threads.gx, "blas_threads", refuse)
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    text = "^--deterministic: the BLAS must use one thread: held by another thread$"
    with pytest.raises(OptionError, match=text), threads_for(1, same_bits=True):
        pytest.fail("it began")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    with threads_for(1, same_bits=True) as words:
        assert words.endswith(", as found")
