"""Writes in mapped functions: at batched places and masks, through rows, in branches and loops."""

import numpy as np
import pytest

import gradx as gx
from gradx.errors import AssignmentError
from tests.batch.in_a_loop import assert_agrees, assert_same

rng = np.random.default_rng(5)
X, Y = rng.standard_normal((2, 4, 3))
M = rng.standard_normal((4, 3, 5))
P = rng.standard_normal((4, 6))
REPEATED = rng.integers(0, 3, (4, 6))
K, J = rng.integers(0, 3, 4), rng.integers(0, 5, 4)
MASK = rng.random((4, 3)) > 0.5
TABLE = rng.standard_normal((3, 5))


def by_assignment(x, i, p):
    y = x * 2 + p[:3]
    y[i] = p * y[0]
    y[i[:2]] += x[:2]
    return y * x


def by_add_at(x, i, p):
    y = x * 2 + p[:3]
    np.add.at(y, i, p * x[0])
    np.add.at(y, i[:2], 1.0)
    return np.sin(y)


def by_other_ufuncs(x, i, p):
    y = x * 2 + p[:3]
    np.multiply.at(y, i, p)
    np.subtract.at(y, i, x[0])
    return y * x


def by_put(x, i, p):
    y = x * 2 + p[:3]
    np.put(y, i, p)
    np.put(y, i[:2], x[1])
    np.put_along_axis(y, i[:1], x[:1], 0)
    return y * x


@pytest.mark.parametrize("f", [by_assignment, by_add_at, by_other_ufuncs, by_put])
def test_places_that_repeat(f):
    assert_agrees(f, X, REPEATED, P)


def test_masks():
    def f(x, mask):
        y = x * 1
        y[mask] = x[0]
        y[~mask] = 7.0
        np.copyto(y, x * 2, where=mask)
        np.putmask(y, ~mask, x[1])
        return y * x

    assert_agrees(f, X, MASK)


def test_a_row_at_a_batched_place_is_a_view():
    def f(m, k, j):
        row = m[k]
        m[k, 0] = 5.0
        row[1:][j - 1] = m[0, 0]
        row *= 2
        column = m[:, j]
        column[k] = row[2]
        m[k][2:] -= 1.0
        return m * m, row * 1, column * 1

    assert_agrees(f, M, K, J)


def test_a_row_of_an_array_that_all_examples_share():
    def f(m, k, y):
        row = m[k]
        m[k] = y + m[0]
        row[2] = 3.0
        return m * m, row * 1

    assert_agrees(f, TABLE, K, rng.standard_normal((4, 5)), axes=(None, 0, 0), orders=0)


def test_a_view_of_a_shared_array_that_has_become_batched():
    def f(m, y):
        view = m[1:]
        m[...] = y
        return np.asarray(view).sum(), float(np.ndim(np.asarray(view)))

    y = rng.standard_normal((4, 3, 5))
    total, axes = gx.vmap(f, in_axes=(None, 0))(TABLE.copy(), y)
    assert_same(total, y[:, 1:].sum((1, 2)))
    assert axes.tolist() == [2.0] * 4


def test_rows_of_a_variable_that_is_no_batch():
    def in_reverse_mode(k, y):
        def h(z):
            w = z * 1
            w[k][0] = 2
            row = w[k]
            w[k, 1] = 0
            return np.sum(w * w * z) + np.sum(row[1:] * row[:-1])

        return gx.grad(h)(TABLE) * y

    def in_forward_mode(k, y):
        def h(z):
            w = z * 1
            w[k][0] = 2
            return w * w * z

        return gx.jvp(h, (TABLE,), (TABLE * 2,))[1] * y

    for f in (in_reverse_mode, in_forward_mode):
        assert_agrees(f, K, rng.standard_normal(4), orders=1)


def test_rows_in_nested_batches():
    def of(k, c):
        def inner(m, y):
            row = m[k]
            row[0] = y
            m[k, 1] = 2 * c
            m[k][2] += 1
            return np.sum(m * row.sum() * m * c)

        return gx.grad(inner)

    def in_a_loop(k, c):
        return np.stack([of(k, c)(m.copy(), y) for m, y in zip(M, np.arange(4.0) * k, strict=True)])

    c = rng.standard_normal(4)
    found = gx.vmap(lambda k, c: gx.vmap(of(k, c))(M.copy(), np.arange(4.0) * k))(K, c)
    assert_same(found, np.stack([in_a_loop(*pair) for pair in zip(K, c, strict=True)]))


def test_batched_places_in_a_variable_from_outside():
    def of(x):
        def f(k, y):
            return x[k][1] * y + x[1, 2] * x[:, k][0] + np.take(x, k, axis=0) + np.take(x, k)

        return f

    def mapped(x):
        return np.sum(np.sin(gx.vmap(of(x))(K, ys)))

    def in_a_loop(x):
        return np.sum(np.sin(np.stack([of(x)(k, y) for k, y in zip(K, ys, strict=True)])))

    ys = rng.standard_normal((4, 5))
    assert_same(gx.grad(mapped)(TABLE), gx.grad(in_a_loop)(TABLE))
    assert_same(gx.hessian(mapped)(TABLE), gx.hessian(in_a_loop)(TABLE))
    assert_same(gx.jvp(mapped, (TABLE,), (TABLE,)), gx.jvp(in_a_loop, (TABLE,), (TABLE,)))


def test_a_write_into_a_variable_from_outside_raises():
    def at_a_place(w, k):
        w[k] = 1.0

    def into_a_row(w, k):
        row = w[k]
        row[0] = 1.0

    for write in (at_a_place, into_a_row):

        def f(x, write=write):
            w = x * 1
            gx.vmap(lambda k: write(w, k) or k)(K)
            return np.sum(w)

        with pytest.raises(AssignmentError, match="was made outside of the mapped function"):
            gx.grad(f)(TABLE)


def test_a_variable_into_a_batched_array_that_is_none_raises():
    def f(x, y):
        y[0] = x[0]
        return np.sum(y)

    with pytest.raises(AssignmentError, match="is no variable of a differentiated function"):
        gx.vmap(gx.grad(f))(X, Y)
    with pytest.raises(AssignmentError, match="is no variable of a differentiated function"):
        gx.vmap(lambda x, y: gx.jvp(lambda v: f(v, y), (x,), (x,)))(X, Y)


# --- Whole numbers have no gradient ---------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.astype(int) * 1.5,
        lambda x: x.astype(bool) * 1.5,
        lambda x: np.sum(x, dtype=int) * 1.5,
        lambda x: np.concatenate([x, x], dtype=int, casting="unsafe") * 1.5,
        lambda x: np.linspace(x[0], 3 * x[1], 4, dtype=int) * 1.5,
    ],
)
def test_a_cast_to_whole_numbers_stops_the_gradient(f):
    assert_agrees(f, 3 * X)


def test_linspace_of_whole_numbers_rounds_down():
    found = gx.grad(lambda x: np.sum(np.linspace(x, 1.0, 3, dtype=int)) * x)(-1.5)
    assert found == np.linspace(-1.5, 1.0, 3, dtype=int).sum() == -2


# --- In branches and loops ------------------------------------------------------------------------


def test_a_branch_writes_for_its_own_examples():
    def f(x, k, mask):
        y = x * 1

        def yes():
            y[mask] = 5.0
            np.add.at(y, [0, 0, 1], x[2])
            y[k] += 3
            return 0.0

        def no():
            np.multiply(y, 2, out=y)
            y[1:] = y[:-1]
            return 0.0

        gx.cond(np.sum(x) > 0, yes, no)
        gx.cond(x[0] > 0, lambda: gx.cond(x[1] > 0, yes, no), no)
        return y * x

    assert_agrees(f, X, K, MASK)


def test_a_loop_writes_while_its_condition_holds():
    def f(steps, x):
        def body(state):
            state["buffer"][1:] *= 2
            state["buffer"][state["n"]] += state["v"]
            state["n"] += 1
            state["v"] = state["v"] ** 2
            return state

        first = {"n": 0, "buffer": x * 1, "v": x[1]}
        last = gx.while_loop(lambda state: state["n"] < steps, body, first)
        return last["buffer"] * x, last["v"], first["buffer"] * 1

    assert_agrees(f, np.array([1, 2, 3, 0]), X)


def test_a_branch_that_changes_a_container_raises():
    def change(parts):
        parts["a"] = parts["a"] * 2
        return parts

    with pytest.raises(AssignmentError, match=r"'change', a branch of gx\.cond, changed a list"):
        gx.vmap(lambda x: gx.cond(x[0] > 0, change, lambda parts: parts, {"a": x}))(X)
