"""Outer products: in one pass by the C code, if it is there and the vectors are plain."""

import numpy as np
import pytest

import gradx as gx
from gradx.native import native
from gradx.native.outer import outer
from tests.core.native import only_native

COLUMN, ROW = np.linspace(-1.0, 1.0, 13), np.linspace(0.0, 2.0, 37)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("m", [0, 1, 5])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 64, 131])
def test_the_products(m, n, dtype):
    rng = np.random.default_rng(m * 1000 + n)
    column, row = rng.normal(size=m).astype(dtype), rng.normal(size=n).astype(dtype)
    made = outer(column, row)
    assert made.dtype == dtype
    np.testing.assert_array_equal(made, np.outer(column, row))


@only_native
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("offset", range(9))
def test_wherever_the_matrix_starts(offset, dtype):
    # A line of the cache may start at any item, and nothing beside the matrix is written.
    m, n = 5, 24
    room = np.arange(200, dtype=dtype)
    before = room.copy()
    x = room[offset : offset + m * n].reshape(m, n)
    rng = np.random.default_rng(0)
    column, row = rng.normal(size=m).astype(dtype), rng.normal(size=n).astype(dtype)
    assert native.subtract_outer(x, 0.1, column, row)
    wanted = before[offset : offset + m * n].reshape(m, n) - 0.1 * np.outer(column, row)
    np.testing.assert_array_equal(x, wanted)  # rounded alike everywhere, as NumPy does
    np.testing.assert_array_equal(room[:offset], before[:offset])
    np.testing.assert_array_equal(room[offset + m * n :], before[offset + m * n :])


@only_native
@pytest.mark.parametrize(
    ("x", "column", "row"),
    [
        (np.ones((37, 13)).T, COLUMN, ROW),
        (np.ones((13, 37), np.float32), COLUMN, ROW),
        (np.ones((12, 37)), COLUMN, ROW),
        (np.ones((13, 37), complex), COLUMN + 1j, ROW + 1j),
        (np.ones((13, 37)), COLUMN[::-1], ROW),
        (np.ones((13, 37)), np.ma.masked_array(COLUMN), ROW),
        (np.ones((13, 37)), COLUMN[:, None], ROW),
        (
            np.frombuffer(bytes(13 * 37 * 8 + 1), np.uint8)[1:].view("f8").reshape(13, 37),
            COLUMN,
            ROW,
        ),
    ],
    ids=[
        "order",
        "dtype",
        "shape",
        "complex",
        "strides",
        "subclass",
        "axes",
        "read-only, unaligned",
    ],
)
def test_what_is_left_to_numpy(x, column, row):
    before = x.copy()
    assert not native.subtract_outer(x, 0.5, column, row)
    np.testing.assert_array_equal(x, before)


def test_vectors_of_any_kind():
    for column, row in ((COLUMN[::2], ROW), (COLUMN + 1j, ROW), (COLUMN.astype("f2"), ROW)):
        np.testing.assert_array_equal(outer(column, row), np.outer(column, row))


@only_native
def test_a_rate_that_is_no_number():
    with pytest.raises(TypeError):
        native.subtract_outer(np.ones((13, 37)), "half", COLUMN, ROW)


def test_a_step_in_place():
    w = np.ones((13, 37))
    wanted = w - 0.1 * gx.grad(lambda w: np.sum(np.sin(w @ ROW)))(w)
    gx.descend(lambda w: np.sum(np.sin(w @ ROW)), w, 0.1)
    np.testing.assert_array_equal(w, wanted)


def test_the_vectors_may_be_the_matrix():
    # The rows of the cotangent are the parameters' own memory, which changes under the step.
    w = np.linspace(0.0, 1.0, 12).reshape(3, 4)
    wanted = w - 0.1 * gx.grad(lambda w: np.sum((w @ w[0]) ** 2))(w)
    gx.descend(lambda w: np.sum((w @ w[0]) ** 2), w, 0.1)
    np.testing.assert_allclose(w, wanted, rtol=1e-12)
