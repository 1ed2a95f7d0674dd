"""`gx.vmap`: what is read of an array before it is written into stays, as in a loop."""

import numpy as np
import pytest

import gradx as gx
from gradx.errors import AssignmentError
from tests.batch.in_a_loop import assert_agrees

XS = np.random.default_rng(7).uniform(0.5, 2.0, (3, 4))


def written(x):
    """An array that the run has made and may write into in place."""
    y = x * 1
    y[...] = y * 1.5
    return y


def exchanged(x):
    y = written(x)
    for i in range(3):
        kept = y[i]
        y[i] = y[i + 1]
        y[i + 1] = kept
    return y


def exchanged_at_once(x):
    y = written(x)
    y[0], y[1] = y[1], y[0]
    return y * y[0]


def running(x):
    y = written(x)
    before = y[0]
    for i in range(1, 4):
        here = y[i]
        y[i] = before * here
        before = here
    return y


def left_by_a_block(x):
    y = written(x)

    def taken():
        try:
            return y[0]
        finally:
            y[0] = 0

    return taken() + y


@pytest.mark.parametrize("f", [exchanged, exchanged_at_once, running, left_by_a_block])
def test_a_number_of_an_array_stays_when_the_array_is_written_into(f):
    assert_agrees(f, XS)


READ = {
    "item": lambda y: y[1],
    "item of a view": lambda y: y[1:][0],
    "item of an iteration": lambda y: [*y][1],
    "item()": lambda y: y.item(1),
    "flat": lambda y: y.flat[1],
    "take": lambda y: np.take(y, 1),
    "squeeze": lambda y: np.squeeze(y[1:2])[()],
    "shape of a number": lambda y: np.reshape(y[1], (1, 1)),
    "taken row": lambda y: np.take(y.reshape(2, 2), 1, axis=0),
    "taken column": lambda y: np.take(y.reshape(2, 2), 0, axis=-1),
}


@pytest.mark.parametrize("name", READ)
def test_what_numpy_copies_is_a_copy(name):
    def f(x):
        y = written(x)
        read = READ[name](y)
        y[...] = 0.0
        return read * 2 + y.sum()

    assert_agrees(f, XS, orders=1)


def test_an_array_of_objects_that_does_not_show_a_write_is_not_used():
    def late(x):
        y = written(x)
        items = np.asarray(y)
        y[1] = 9.0
        return np.sum(items * 2.0)

    def in_time(x):
        y = written(x)
        total = np.sum(np.asarray(y) * 2.0)
        y[1] = 9.0
        return total * y

    with pytest.raises(AssignmentError, match="had read it"):
        gx.vmap(late)(XS)
    assert_agrees(in_time, XS)


def test_arrays_of_one_shape_are_broadcast_to_themselves():
    def f(x):
        y = written(x)
        first, second = np.broadcast_arrays(y, x)
        first[0] = second[1]
        return y * first

    assert_agrees(f, XS)
    wanted = f(XS[0].copy())
    np.testing.assert_array_equal(gx.backprop(f, XS[0])[0], wanted)
    np.testing.assert_array_equal(gx.jvp(f, (XS[0],), (XS[0],))[0], wanted)
