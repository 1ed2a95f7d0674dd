"""Masks that differ between examples: programs that choose, change and write items by them.

The values are those of a loop over the examples to the bit, and no item that is not chosen is
computed, so that nothing warns.
"""

import numpy as np
import pytest

import gradx as gx
from gradx.values.operations import leaves_of
from tests.batch.in_a_loop import assert_agrees, copies, rows_of, stacked

RNG = np.random.default_rng(11)
SIZE, N, ROWS = 4, 6, 3
X, Y = RNG.standard_normal((2, SIZE, N))
W = RNG.standard_normal((SIZE, ROWS, N))
C = RNG.standard_normal(SIZE)
K = RNG.integers(0, N, (SIZE, N))
M = X > 0
M[3] = False  # an example of which nothing is chosen


def assert_same_bits(f, *args):
    with np.errstate(all="raise"):
        got = gx.vmap(f)(*copies(args))
        wanted = stacked([f(*row) for row in rows_of(args, [0] * len(args))])
    for x, y in zip(*map(leaves_of, (got, wanted)), strict=True):
        np.testing.assert_array_equal(x, y, strict=True)


# --- Programs as they are written -----------------------------------------------------------------


def in_place(x, m, c):
    y = x * 2 + c * 0
    y[m] += c
    y[~m] *= 3
    y[m] **= 2
    return y * x


def with_items_of_another(x, m, y):
    z = x * 1 + y * 0
    z[m] *= y[m]
    z[~m] = np.sin(x[~m]) * y[0]
    return z


def logarithms(x):
    y = np.zeros_like(x)
    y[x > 0] = np.log(x[x > 0])
    y[y < -1] = -y[y < -1]
    return y


def reductions(x, m):
    return np.sum(x[m] ** 2) + x[m].sum() * np.max(x[x > -1]) + np.mean(np.exp(x[m | (x < 9)]))


def first_and_last(x):
    return x[x > -1][0] * x[x > -1][-1]


def rows(w, x):
    y = w * 2 + x[0] * 0
    m = w[:, 0] > 0
    y[m] = w[0]
    y[m, 1] = x[0]
    y[:, w[0] > 0] *= 2
    y[:, x > 0] += w[:, x > 0] * w[:, 1:2]
    y[m] += w[m] * w[m][...]
    return y


def views(w):
    y = w * 1
    y[1:][w[1:] > 0] += 1
    y.T[w.T < 0] -= w[0, 0]
    y.reshape(-1)[w.ravel() > 1] *= w[w > 1]
    return y


def chosen_places(x, k, m):
    y = x * 1
    np.add.at(y, k[m], x[m])
    return y + np.sum(x[k[m]])


def only_where(x, m, y):
    z = np.zeros_like(x * y)
    np.divide(x, y, out=z, where=m)
    np.exp(y, out=z, where=~m)
    return z


def held_in_a_name(x, m):
    t = x[m]
    t += 1
    t *= t
    y = x * 1
    y[m] = t
    return y + np.sum(t)


def one_condition(x):
    y = x * 1
    y[x[0] > 0] = x[1]
    y[x[1] > 0] *= 2
    return y * np.sum(x[x[2] > 0])


def several_results(w):
    y = w * 1
    whole, rest = np.divmod(w[w > 0], 0.5)
    y[w > 0] = rest * whole
    return y


def pieces(x):
    return np.piecewise(x, [x < 0, x > 1], [lambda v: v**2, np.log, 3.0])


PROGRAMS = [
    (in_place, X, M, C),
    (with_items_of_another, X, M, Y),
    (logarithms, X),
    (reductions, X, M),
    (first_and_last, X),
    (rows, W, X),
    (views, W),
    (chosen_places, X, K, M),
    (only_where, X, M, Y),
    (held_in_a_name, X, M),
    (one_condition, X),
    (several_results, W),
    (pieces, X),
]


@pytest.mark.parametrize(("f", "args"), [(f, args) for f, *args in PROGRAMS])
def test_programs(f, args):
    assert_same_bits(f, *args)
    assert_agrees(f, *args)


def test_a_shared_array():
    def f(table, x):
        table[x > 0] += x[x > 0]
        return table * x, table[x < 0].sum()

    assert_agrees(f, X[0], Y, axes=(None, 0), orders=0)


def test_a_variable_from_outside():
    def of(w):
        return lambda m, x: np.sum(w[m] ** 2) * x + np.max(w[~m | (x < 99)])

    def mapped(w):
        return np.sum(gx.vmap(of(w))(M, C))

    def in_a_loop(w):
        return np.sum(np.stack([of(w)(m, c) for m, c in zip(M, C, strict=True)]))

    np.testing.assert_allclose(gx.grad(mapped)(X[0]), gx.grad(in_a_loop)(X[0]), rtol=1e-12)
    np.testing.assert_allclose(gx.hessian(mapped)(X[0]), gx.hessian(in_a_loop)(X[0]), rtol=1e-12)


def test_second_derivatives_of_each_example():
    def f(x):
        y = x * 1
        y[x > 0] *= np.sin(x[x > 0])
        return np.sum(y * y) * x[0]

    wanted = np.stack([gx.hessian(f)(x) for x in X])
    np.testing.assert_allclose(gx.vmap(gx.hessian(f))(X), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x[x > 0] ** 3),
        lambda x: np.prod(1 + x[x > 0.5]) * x[0],
        lambda x: np.dot(x[x > 0], x[x > 0] ** 2),
        lambda x: np.sum(np.concatenate([x[x > 0], x[x <= 0] ** 2]) * np.arange(N) * x[1]),
        lambda x: np.sum((x * np.ones((ROWS, 1)))[:, x > 0] ** 3),
    ],
)
def test_second_derivatives_of_what_is_done_for_each_example(f):
    wanted = np.stack([gx.hessian(f)(x) for x in X])
    np.testing.assert_allclose(gx.vmap(gx.hessian(f))(X), wanted, rtol=1e-12, atol=1e-12)


def test_gradients_of_functions_of_pieces():
    def f(x):
        return np.sum(np.piecewise(x, [x < 0, x > 0.5], [np.square, np.sin, lambda t: -t]))

    wanted = np.stack([gx.grad(f)(x) for x in X])
    np.testing.assert_allclose(gx.vmap(gx.grad(f))(X), wanted, rtol=1e-12)
    np.testing.assert_allclose(gx.grad(lambda xs: np.sum(gx.vmap(f)(xs)))(X), wanted, rtol=1e-12)


def test_in_nested_batches():
    def f(x):
        y = x * 1
        y[x > 0] = 0.0
        y[x < -1] *= 2.0
        y[x > 1] += x[x > 1] * x[0]
        return y

    def reduced(x):
        return np.sum(x[x < 0] ** 2) + np.max(x[x > -9])

    for g in (f, reduced):
        np.testing.assert_array_equal(gx.vmap(gx.vmap(g))(W), [[g(x) for x in w] for w in W])
    of_one = gx.grad(lambda x: np.sum(f(x) ** 2))
    wanted = [[of_one(x) for x in w] for w in W]
    np.testing.assert_allclose(gx.vmap(gx.vmap(of_one))(W), wanted, rtol=1e-12)


# --- Random programs ------------------------------------------------------------------------------

MASKS = ["x > 0", "y < c", "~p", "p & (x < y)", "(k % 2) == 0", "x > 9", "x < 9"]
SCALARS = ["2.0", "c", "x[0]", "np.sum(y)", "y[k[0]]"]
ITEMS = ["x[{m}]", "y[{m}]", "np.sin(x[{m}])", "x[{m}] * y[{m}]", "np.exp(-np.abs(y[{m}])) - c"]
STATEMENTS = [
    "y[{m}] += {s}",
    "y[{m}] = {s}",
    "y[{m}] *= {i}",
    "y[{m}] = {i} + {s}",
    "y[{m}] -= {i} * {s}",
    "y[k[0]] += {s}",
    "y[k[{m}]] = {s}",
    "np.add.at(y, k[{m}], {i})",
    "y[1:][({m})[1:]] *= {s}",
    "y[::-1][{m}] += {i}",
    "np.multiply(x, {s}, out=y, where={m})",
    "np.copyto(y, x * {s}, where={m})",
    "np.putmask(y, {m}, x)",
    "t = {i}; t *= {s}; y[{m}] = t",
    "y = np.where({m}, y, {s})",
    "y = y + np.sum({i}) + np.count_nonzero({m})",
    "p = {m}",
    "w[:, {m}] += {s}",
    "w[w > {s}] = c",
    "w[1, {m}] = {i}",
    "w[w[:, 1] > 0] *= y",
    "w[w < 0] += w[w < 0] * {s}",
]


def random_program(seed):
    rng = np.random.default_rng(seed)
    lines = ["def f(x, m, k, c, u):", "x = x + (c + u[0]) * 0", "y, w, p = x * 1, u + x * 0, m"]
    for _ in range(6):
        line = rng.choice(STATEMENTS)
        for letter, choices in (("i", ITEMS), ("s", SCALARS)):
            line = line.replace(f"{{{letter}}}", rng.choice(choices))
        lines.append(line.replace("{m}", f"({rng.choice(MASKS)})"))
    lines.append("return y * x, np.sum(np.sin(w), axis=0), p")
    return "\n    ".join(lines)


def check_random_program(seed, orders):
    source, names = random_program(seed), {"np": np}
    exec(source, names)
    try:
        assert_same_bits(names["f"], X, M, K, C, W)
        assert_agrees(names["f"], X, M, K, C, W, orders=orders)
    except Exception as error:
        error.add_note(source)
        raise


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed):
    check_random_program(seed, orders=1)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(100, 400))
def test_many_random_programs(seed):
    check_random_program(seed, orders=1)


# --- What has no answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x[x > 0],
        lambda x: np.sort(x[x > 0]),
        lambda x: np.unique(x),
        lambda x: np.nonzero(x),
        lambda x: np.extract(x > 0, x),
        lambda x: np.where(x > 0)[0],
        lambda x: x[x > 0] * x[x < 0],
        lambda x: x[x > 0] * x,
    ],
)
def test_results_of_other_shapes_raise(f):
    with pytest.raises(
        gx.ConversionError, match=r"write np\.where.* gives each example a result of another shape"
    ):
        gx.vmap(f)(X)


@pytest.mark.parametrize(
    "f", [lambda x: len(x[x > 0]), lambda x: x[x > 0].size * 2, lambda x: np.zeros(x[x > 0].shape)]
)
def test_how_many_are_chosen_has_no_answer(f):
    with pytest.raises(gx.ConversionError, match=r"write np\.count_nonzero\(mask\) for the number"):
        gx.vmap(f)(X)
