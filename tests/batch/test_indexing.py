"""Places and writes in mapped functions: what differs between examples, and what does not."""

import numpy as np
import pytest

import gradx as gx

RNG = np.random.default_rng(7)
XS = RNG.standard_normal((5, 3, 4))
ROWS = RNG.integers(-3, 3, (5,))
PAIRS = RNG.integers(0, 3, (5, 2))
COLUMNS = RNG.integers(0, 4, (5, 2))


def check(f, *inputs):
    """Values and gradients of a function of one example are those of a loop, inside and around."""
    want = [f(*xs) for xs in zip(*inputs, strict=True)]
    np.testing.assert_array_equal(gx.vmap(f)(*inputs), np.stack(want))

    def squared(*xs):
        return np.sum(f(*xs) ** 2)

    wanted = np.stack([gx.grad(squared)(*xs) for xs in zip(*inputs, strict=True)])
    np.testing.assert_allclose(gx.vmap(gx.grad(squared))(*inputs), wanted, rtol=1e-12)

    def every(x):
        return np.sum(gx.vmap(f)(x, *inputs[1:]) ** 2)

    np.testing.assert_allclose(gx.grad(every)(inputs[0]), wanted, rtol=1e-12)


TAKING = {
    "row": (lambda x, i, p, q: x[i], "i"),
    "item": (lambda x, i, p, q: x[i, 1], "i"),
    "column": (lambda x, i, p, q: x[:, i], "i"),
    "after dots": (lambda x, i, p, q: x[..., i], "i"),
    "rows": (lambda x, i, p, q: x[p], "p"),
    "columns": (lambda x, i, p, q: x[:, q], "q"),
    "pairs": (lambda x, i, p, q: x[p, q], "pq"),
    "apart": (lambda x, i, p, q: x[None][0, p, None, q], "pq"),
    "grid": (lambda x, i, p, q: x[p[:, None], q], "pq"),
    "plain beside": (lambda x, i, p, q: x[p, np.array([1, 0])], "p"),
    "plain": (lambda x, i, p, q: x[[2, 0], 1:], ""),
    "plain apart": (lambda x, i, p, q: x[None, [0, 2], :, None][:, :, [1, 3]], ""),
    "plain mask": (lambda x, i, p, q: x[np.array([True, False, True])], ""),
    "take": (lambda x, i, p, q: np.take(x, q, axis=1), "q"),
    "take one": (lambda x, i, p, q: np.take(x, i, axis=0), "i"),
    "take along": (lambda x, i, p, q: np.take_along_axis(x, p[:, None], axis=0), "p"),
    "choose": (lambda x, i, p, q: np.choose(p, [x[0, :2], x[1, :2], x[2, :2]]), "p"),
}


@pytest.mark.parametrize("name", TAKING)
def test_taking(name):
    f, _ = TAKING[name]
    check(f, XS, ROWS, PAIRS, COLUMNS)


def copied_and(write):
    def f(x, *places):
        y = x * 1.0
        write(y, *places)
        return y

    return f


def in_views(y, i, p, q):
    y.reshape(-1)[3] = y[0, 0] * 2
    y.T[1, i] = 5.0
    z = y[1:]
    z[0] += y[0]
    z[:, 1] *= 2
    y.real[0, 1] = 3.0


def add_at(y, i, p, q):
    np.add.at(y, p, 2.0 * y[q % 3])
    np.add.at(y, (slice(None), q), 1.0)


def in_order(y, i, p, q):
    y[i] = y[0] * 2
    y[:, 1] -= y[:, 2]
    np.put_along_axis(y, p[:, None], y[:2, 2:3] * 1.0, axis=0)


WRITING = {
    "row": lambda y, i, p, q: y.__setitem__(i, y[0] * 3),
    "item": lambda y, i, p, q: y.__setitem__((i, 2), 7.0),
    "column": lambda y, i, p, q: y.__setitem__((slice(None), q[0]), y[:, 1] * y[:, 2]),
    "pairs": lambda y, i, p, q: y.__setitem__((np.array([0, 1]), q), y[:2, 0] * 2),
    "mask": lambda y, i, p, q: y.__setitem__(y < 0, 0.0),
    "plain": lambda y, i, p, q: y.__setitem__([2, 0], y[:2] ** 2),
    "whole": lambda y, i, p, q: y.__setitem__(..., y[0]),
    "constant": lambda y, i, p, q: y.__setitem__(1, np.arange(4.0)),
    "views": in_views,
    "add.at": add_at,
    "in order": in_order,
}


@pytest.mark.parametrize("name", WRITING)
def test_writing(name):
    f = copied_and(WRITING[name])
    want = [f(*xs) for xs in zip(XS, ROWS, PAIRS, COLUMNS, strict=True)]
    np.testing.assert_array_equal(gx.vmap(f)(XS, ROWS, PAIRS, COLUMNS), np.stack(want))
    if name not in ("pairs", "add.at", "in order"):
        check(f, XS, ROWS, PAIRS, COLUMNS)


def test_gradients_through_writes_at_batched_places():
    def f(x, i):
        y = np.zeros_like(x)
        y[i] = x[0] * x[1]
        y[1:] += 1
        return np.sum(y**2)

    wanted = [gx.grad(f)(x, i) for x, i in zip(XS, ROWS, strict=True)]
    np.testing.assert_allclose(gx.vmap(gx.grad(f))(XS, ROWS), wanted)
    around = gx.grad(lambda xs: np.sum(gx.vmap(f)(xs, ROWS)))(XS)
    np.testing.assert_allclose(around, wanted)


def test_a_buffer_that_is_filled_in_a_loop():
    def f(x):
        y = np.zeros_like(x[0])
        for i in range(4):
            y[i] = np.sum(x[:, i]) + (y[i - 1] if i else 0.0)
        return y

    np.testing.assert_array_equal(gx.vmap(f)(XS), [f(x) for x in XS])


def test_an_adopted_buffer_becomes_batched():
    np.testing.assert_array_equal(gx.vmap(gx.adopt(filled))(XS), [filled(x) for x in XS])
    wanted = [gx.grad(gx.adopt(lambda x: np.sum(filled(x) ** 2)))(x) for x in XS]
    got = gx.vmap(gx.grad(gx.adopt(lambda x: np.sum(filled(x) ** 2))))(XS)
    np.testing.assert_allclose(got, wanted)


def filled(x):
    y = np.zeros((2, 3))
    row = y[1]
    y[0] = x[:, 0]
    row[1:] = x[1:, 1] * 2
    y[0, 0] += 1
    return y


def test_an_array_that_is_the_same_for_all_examples_becomes_batched():
    def f(w, x):
        w[0] = x[0]
        w[1] += 1
        return w * 2

    w = np.zeros((3, 4))
    got = gx.vmap(f, in_axes=(None, 0))(w, XS)
    np.testing.assert_array_equal(got, [f(w.copy(), x) for x in XS])
    assert not w.any()


def test_a_table_is_looked_up_by_batched_places():
    table = RNG.standard_normal((3, 2))

    def f(table, i):
        return np.sum(table[i] ** 2)

    got = gx.vmap(gx.grad(f), in_axes=(None, 0))(table, ROWS)
    np.testing.assert_allclose(got, [gx.grad(f)(table, i) for i in ROWS])
    closed = gx.vmap(lambda i: gx.grad(lambda t: f(t, i))(table))(ROWS)
    np.testing.assert_allclose(closed, got)
    np.testing.assert_array_equal(
        gx.vmap(lambda i: gx.numpy.take(table, i, axis=0))(ROWS), table[ROWS]
    )


def test_inputs_are_not_changed():
    before = XS.copy()
    gx.vmap(lambda x: x.__setitem__(0, 1.0) or x)(XS)
    np.testing.assert_array_equal(XS, before)


def test_places_that_change_after_use():
    def f(x, p):
        def inner(x):
            j = p.copy()
            y = x[j]
            j[:] = 0
            return np.sum(y**2)

        return gx.grad(inner)(x)

    np.testing.assert_allclose(
        gx.vmap(f)(XS, PAIRS), [f(x, p) for x, p in zip(XS, PAIRS, strict=True)]
    )


def test_a_value_that_a_rule_keeps_is_not_written_into():
    def f(x):
        y = np.zeros_like(x)
        y[0] = 2.0
        y[1] = 4.0

        def product(w):
            s = np.sum(w * y)
            y[0] = 5.0
            return s

        return gx.grad(product)(x)

    np.testing.assert_array_equal(gx.vmap(f)(XS), [f(x) for x in XS])


def test_a_batched_value_is_not_written_into_an_array_from_outside():
    def f(w):
        return gx.vmap(lambda x: w.__setitem__(0, x[0, 0]) or x)(XS)

    with pytest.raises(gx.AssignmentError, match="was made outside of the mapped function"):
        gx.grad_bp(f, np.zeros(3))


def test_a_view_that_cannot_be_written_through():
    def f(x):
        w = np.lib.stride_tricks.sliding_window_view(x, 2, 0)
        w[0] = 1.0
        return x

    with pytest.raises((gx.AssignmentError, ValueError), match=r"read-only|cannot be written into"):
        gx.vmap(f)(XS)


def test_a_mask_takes_no_array_of_items():
    with pytest.raises(gx.ConversionError, match="items at a mask and on others gives"):
        gx.vmap(lambda x: x.__setitem__(x > 0, np.ones(2)))(XS)
