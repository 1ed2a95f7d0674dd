"""Writing into arrays of the device: values, gradients and second derivatives are the host's.

What an item is that is written twice, CuPy leaves open; here it is NumPy's, the last. How much is
moved is in test_traffic.py.
"""

import numpy as np
import pytest

import gradx as gx
from tests.cuda.device_numpy import on_device
from tests.cuda.places import assert_same, there
from tests.cuda.test_specification import prove

MATRIX = np.array([[0.5, -1.0, 2.5], [0.25, 1.5, -0.75]])
VECTOR = np.array([1.0, 2.0, 3.0])
TWICE = np.array([2, 0, 2, 2])


def _item(v, w):
    v[0] = 1.0
    v[1, 0] = w[2] * v[1, 1]


def _row(v, w):
    v[0] = w
    v[1] *= v[0]


def _sort(v, w):
    w.sort()
    v.sort(axis=0)
    v *= w


def _partition(v, w):
    w.partition(1)
    v[0] = w[1] * v[0]


def _fill(v, w):
    w[1:].fill(2.0)
    v[0].fill(w[0])
    v *= w


def _put(v, w):
    v.put([0, 5, 0], w)
    v.put([7, -1], [0.5, 1.5], mode="wrap")
    np.put(v, [9], w[:1], mode="clip")
    np.put(v, [], w)


def _put_there(v, w):
    np.put(v, TWICE, w * w)
    np.put(w, np.array([True, False]), v[0])


def _twice(v, w):
    v[:, TWICE] = np.stack([w, v[0], v[1], w * w])[:, :2].T
    w[TWICE] *= v[0, :1]
    w[[1, 1, 2]] = w * v[0]


def _views(v, w):
    column, flat = v.T[1], v.reshape(-1)
    column *= w[:2]
    flat[::2] += column[0]
    v.flat[-1] = w[0] * w[0]


def _mask(v, w):
    v[v > 0] = 0.5
    w[w > 1] *= v[0, 0]


def _copyto(v, w):
    np.copyto(v[0], w)
    np.copyto(v, 2.0 * v, where=[True, False, True])
    np.copyto(v[1], [1.0, 2.0, 3.0], where=v[0] > 1)


def _place(v, w):
    np.place(v, v > 0, w[:2] * w[1:])
    np.place(w, [False, True, True], [0.5])


def _putmask(v, w):
    np.putmask(v, v < 1, w[:2])
    np.putmask(v, [[True, False, False], [False, False, True]], w * w)


def _along(v, w):
    np.put_along_axis(v, np.argsort(v, axis=1), v * w, axis=1)
    np.put_along_axis(v, [[0], [2]], 0.5, axis=1)


def _diagonal(v, w):
    np.fill_diagonal(v, w * w)


def _out(v, w):
    np.multiply(v, w, out=v)
    np.divide(v, w - 1, out=v, where=w != 1)
    np.sum(v, axis=0, out=w)


def _at(v, w):
    np.add.at(w, TWICE, v[0, 0])
    np.multiply.at(v, (slice(None), TWICE), w[0])
    np.subtract.at(v, [0, 0], w)


CHANGES = {
    change.__name__[1:]: change
    for change in (
        *(_item, _row, _sort, _partition, _fill, _put, _put_there, _twice, _views, _mask, _copyto),
        *(_place, _putmask, _along, _diagonal, _out, _at),
    )
}


def program(change):
    """The call that changes copies of two operands, and returns both."""

    def call(v, w):
        v, w = v * 1.0, w * 1.0
        change(v, w)
        return v, w

    return call


@pytest.mark.parametrize("name", CHANGES)
def test_writing_gives_what_it_gives_on_the_host(name):
    change = CHANGES[name]
    prove(program(change), program(on_device(change)), (MATRIX, VECTOR), 2, 1e-12)


def test_the_operand_of_the_caller_stays():
    x = there(VECTOR)

    def f(v):
        v[0] = 5.0
        return np.sum(v * v)

    assert_same(gx.grad_bp(f, x), np.array([0.0, 4.0, 6.0]))
    assert_same(x, VECTOR)


def test_a_mask_must_be_of_booleans_and_where_the_array_is():
    def copied(mask):
        return lambda v: np.copyto(v, 1.0, where=mask)

    with pytest.raises(TypeError, match="Cannot cast array data"):
        gx.grad_bp(copied(there(VECTOR)), there(VECTOR))
    with pytest.raises(gx.DeviceMismatchError, match="the mask takes arrays of one device"):
        gx.grad_bp(copied(VECTOR > 1), there(VECTOR))


def test_no_values_to_place():
    with pytest.raises(ValueError, match="Cannot insert from an empty array"):
        gx.grad_bp(lambda v: np.place(v, v > 0, []), there(VECTOR))
