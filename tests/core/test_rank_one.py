"""Outer products: by SciPy's BLAS if all pools of threads have one thread, else by NumPy."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import gradx as gx
from gradx import rank_one

COLUMN, ROW = np.linspace(-1.0, 1.0, 130), np.linspace(0.0, 2.0, 140)


class Pretended:
    """A BLAS of SciPy's that does it with NumPy and says what was asked of it."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        def dgemm(alpha, a, b, beta, c, *_):
            self.asked.append(name)
            c[...] = alpha * (a @ b)

        def dger(alpha, x, y, a, overwrite_a):
            self.asked.append(name)
            a += alpha * np.outer(x, y)

        return {"gemm": dgemm, "ger": dger}[name[1:]]


@pytest.fixture
def pretended(monkeypatch):
    blas = Pretended()
    pools = [SimpleNamespace(num_threads=1), SimpleNamespace(num_threads=1)]
    monkeypatch.setitem(sys.modules, "scipy.linalg.blas", blas)
    monkeypatch.setattr(rank_one, "_pools", lambda _: pools)
    return blas, pools


def test_it_is_used_while_every_pool_has_one_thread(pretended):
    blas, pools = pretended
    np.testing.assert_array_equal(rank_one.outer(COLUMN, ROW), np.outer(COLUMN, ROW))
    x = np.ones((130, 140))
    assert rank_one.subtract_outer(x, 0.5, COLUMN, ROW)
    np.testing.assert_allclose(x, 1 - 0.5 * np.outer(COLUMN, ROW), rtol=1e-14)
    assert blas.asked == ["dgemm", "dger"]
    pools[1].num_threads = 2
    np.testing.assert_array_equal(rank_one.outer(COLUMN, ROW), np.outer(COLUMN, ROW))
    assert not rank_one.subtract_outer(x, 0.5, COLUMN, ROW)
    assert blas.asked == ["dgemm", "dger"]


def test_it_is_not_used_while_another_thread_imports_it(pretended, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.linalg.blas", SimpleNamespace())
    np.testing.assert_array_equal(rank_one.outer(COLUMN, ROW), np.outer(COLUMN, ROW))
    assert not rank_one.subtract_outer(np.ones((130, 140)), 0.5, COLUMN, ROW)


def test_it_is_not_used_for_what_is_small_or_of_another_order_or_dtype(pretended):
    blas, _ = pretended
    assert not rank_one.subtract_outer(np.ones((130, 140)).T, 0.5, ROW, COLUMN)
    assert not rank_one.subtract_outer(np.ones((2, 3)), 0.5, COLUMN[:2], ROW[:3])
    np.testing.assert_array_equal(rank_one.outer(COLUMN * 1j, ROW), np.outer(COLUMN * 1j, ROW))
    assert blas.asked == []


def test_it_is_not_used_for_a_matrix_that_is_not_aligned(pretended):
    blas, _ = pretended
    x = np.frombuffer(bytearray(130 * 140 * 8 + 1), offset=1).reshape(130, 140)
    assert not rank_one.subtract_outer(x, 0.5, COLUMN, ROW)
    wanted = -0.1 * gx.grad(lambda w: np.sum(np.sin(w @ ROW + 1.0)))(x)
    gx.descend(lambda w: np.sum(np.sin(w @ ROW + 1.0)), x, 0.1)
    np.testing.assert_allclose(x, wanted, rtol=1e-12)
    assert "dger" not in blas.asked


def test_a_step_in_place_uses_it(pretended):
    blas, _ = pretended
    w = np.ones((130, 140))
    wanted = w - 0.1 * gx.grad(lambda w: np.sum(np.sin(w @ ROW)))(w)
    gx.descend(lambda w: np.sum(np.sin(w @ ROW)), w, 0.1)
    np.testing.assert_allclose(w, wanted, rtol=1e-12)
    assert blas.asked == ["dgemm", "dger"]


def test_with_scipy_itself():
    pytest.importorskip("scipy.linalg.blas", reason="SciPy is optional")
    for dtype in (np.float64, np.float32):
        column, row = COLUMN.astype(dtype), ROW.astype(dtype)
        x = np.ones((130, 140), dtype)
        with gx.blas_threads(1):
            assert rank_one.subtract_outer(x, 0.5, column, row)
            product = rank_one.outer(column, row)
        np.testing.assert_allclose(product, np.outer(column, row), rtol=1e-6)
        np.testing.assert_allclose(x, 1 - 0.5 * np.outer(column, row), rtol=1e-5)
