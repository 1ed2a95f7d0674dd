"""Mapped functions in and around derivatives, in any order, give what loops over the examples give.

The programs take values that data chose: by masks, by ranks, by what asks for numbers. Each is
mapped once or twice, with derivatives of the first and second order inside, around and between.
"""

import numpy as np
import pytest

import gradx as gx

RNG = np.random.default_rng(5)
N = 4
X = RNG.standard_normal((2, 3, N))
Z = RNG.standard_normal((2, 3, N)) + 1j * RNG.standard_normal((2, 3, N))
K = np.arange(1.0, N + 1)


def written(x):
    y = x * 1
    y[x > 0] = x[x > 0] ** 3
    y[np.argsort(x)[:2]] *= x[:2]
    return np.sum(y * y)


def added(x):
    y = x * 1
    np.add.at(y, np.argsort(x), x**2)
    return np.sum(y**2 * K)


def of_an_op(x):
    return np.sum(asking(x) * x)


@gx.lift
def asking(x):
    """An op of a user that asks for a number."""
    sign = 1.0 if x[0] > 0 else -1.0
    return sign * x**2, lambda g: 2 * sign * g * x


REAL = {
    "a sum": lambda x: np.sum(x[x > 0] ** 3),
    "all chosen": lambda x: np.mean(np.sin(x[x > -9])) * np.max(x[x > -9]),
    "a product": lambda x: np.prod(1 + x[x > 0.1]) * x[0],
    "dot": lambda x: np.dot(x[x > 0], x[x > 0] ** 2),
    "norm": lambda x: np.linalg.norm(x[x > -9]) * x[1],
    "sorted": lambda x: np.sum(np.sort(x[x > 0]) ** 3) + np.sort(x[x > -9])[-1] ** 2,
    "running": lambda x: np.sum(np.cumsum(x[x > 0]) ** 2),
    "chosen of chosen": lambda x: np.sum(x[x > -1][x[x > -1] < 1] ** 3),
    "first and last": lambda x: x[x > -9][0] ** 3 * x[x > -9][-1],
    "joined": lambda x: np.sum(np.concatenate([x[x > 0], x[x <= 0] ** 2]) * K * x[1]),
    "columns": lambda x: np.sum((x * np.ones((3, 1)))[:, x > 0] ** 3),
    "of a matrix": lambda x: np.sum(np.outer(x, x)[np.outer(x, x) > 0] ** 2),
    "one argument": lambda x: np.sum(x[np.where(x > 0)] ** 3),
    "argsort": lambda x: np.sum(np.sin(x[np.argsort(x)]) * K),
    "argmax": lambda x: x[np.argmax(x)] ** 3 * x[0],
    "argpartition": lambda x: np.sum(x[np.argpartition(x, 2)[:2]] ** 3),
    "take": lambda x: np.sum(np.take(x, np.argsort(x)) ** 3 * K),
    "searchsorted": lambda x: x[np.searchsorted(np.array([-1.0, 0.0, 1.0]), x[0])] ** 3,
    "partition": lambda x: np.sum(np.partition(x, 2)[:2] ** 3),
    "nanmedian": lambda x: np.nanmedian(x) ** 2 * x[0],
    "polyfit": lambda x: np.sum(np.polyfit(K, x**2, 1)),
    "piecewise": lambda x: np.sum(np.piecewise(x, [x < 0], [np.square, np.sin])),
    "written": written,
    "added": added,
    "an op": of_an_op,
}
COMPLEX = {
    "a sum": lambda z: np.sum(np.abs(z[np.abs(z) > 1]) ** 3),
    "first order": lambda z: np.sum(np.abs(z[np.abs(z) > 1])),
    "parts": lambda z: np.sum(z[z.real > 0].real ** 3 * z[z.real > 0].imag),
    "argsort": lambda z: np.sum(np.abs(z[np.argsort(np.abs(z))]) ** 2 * K),
    "all chosen": lambda z: np.linalg.norm(z[z.real > -9]),
}


def direction(x):
    return np.cos(np.arange(x.size)).reshape(x.shape).astype(x.dtype)


def along(f):
    return lambda x: gx.jvp(f, (x,), (direction(x),))[1]


def twice_along(f):
    return lambda x: gx.hvp(f)(x, direction(x))


def total(f):
    return lambda x: np.sum(f(x))


def squares(f):
    return lambda x: np.sum(f(x) ** 2)


FIRST = {
    "of a gradient": lambda f, v: v(gx.grad(f)),
    "of a direction": lambda f, v: v(along(f)),
    "in a gradient": lambda f, v: gx.grad(total(v(f))),
    "in a direction": lambda f, v: along(v(f)),
    "of a gradient, twice": lambda f, v: v(v(gx.grad(f))),
    "of a direction, twice": lambda f, v: v(v(along(f))),
    "in a gradient, twice": lambda f, v: gx.grad(total(v(v(f)))),
    "in a direction, twice": lambda f, v: along(v(v(f))),
    "around and in a gradient": lambda f, v: v(gx.grad(total(v(f)))),
}
SECOND = {
    "of a Hessian": lambda f, v: v(gx.hessian(f)),
    "of rows": lambda f, v: v(gx.jacrev(gx.grad(f))),
    "of a product": lambda f, v: v(twice_along(f)),
    "of two gradients": lambda f, v: v(gx.grad(squares(gx.grad(f)))),
    "in a Hessian": lambda f, v: gx.hessian(total(v(f))),
    "between gradients": lambda f, v: gx.grad(squares(v(gx.grad(f)))),
    "in a gradient of directions": lambda f, v: gx.grad(squares(v(along(f)))),
    "of gradients, in a direction": lambda f, v: along(v(gx.grad(f))),
    "of a Hessian, twice": lambda f, v: v(v(gx.hessian(f))),
    "in a product, twice": lambda f, v: twice_along(total(v(v(f)))),
    "around and in a Hessian": lambda f, v: v(gx.hessian(total(v(f)))),
    "between and in gradients": lambda f, v: gx.grad(squares(v(gx.grad(total(v(f)))))),
    "of gradients, in one, twice": lambda f, v: gx.grad(squares(v(v(gx.grad(f))))),
}
TWICE = {name for name in (*FIRST, *SECOND) if "twice" in name or "and in" in name}


def looped(f):
    return lambda xs: np.stack([f(x) for x in xs])


def check(f, order, x, tolerance=1e-9):
    composed = (FIRST | SECOND)[order]
    x = x if order in TWICE else x[0]
    with np.errstate(all="ignore"):
        wanted, got = composed(f, looped)(x.copy()), composed(f, gx.vmap)(x.copy())
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("order", [*FIRST, *SECOND])
@pytest.mark.parametrize("name", REAL)
def test_programs(name, order):
    check(REAL[name], order, X)


@pytest.mark.parametrize("order", [*FIRST, "of a product", "of two gradients", "of a Hessian"])
@pytest.mark.parametrize("name", ["a sum", "all chosen", "sorted", "argsort", "nanmedian"])
def test_programs_of_float32(name, order):
    check(REAL[name], order, X.astype(np.float32), 2e-3)


@pytest.mark.parametrize("order", [*FIRST, "of a product", "in a product, twice"])
@pytest.mark.parametrize("name", COMPLEX)
def test_programs_of_complex_numbers(name, order):
    check(COMPLEX[name], order, Z)


@pytest.mark.parametrize("name", ["a sum", "nanmedian", "sorted", "an op"])
def test_three_batches(name):
    f, x = REAL[name], X[None]
    wanted = [[[gx.hessian(f)(v) for v in vs] for vs in x[0]]]
    np.testing.assert_allclose(gx.vmap(gx.vmap(gx.vmap(gx.hessian(f))))(x), wanted, atol=1e-9)
    got = gx.grad(total(gx.vmap(gx.vmap(gx.vmap(f)))))(x)
    np.testing.assert_allclose(got, [[[gx.grad(f)(v) for v in vs] for vs in x[0]]], atol=1e-9)


def test_jacobians_of_what_is_sorted():
    f = lambda x: x[np.argsort(x)]  # noqa: E731
    for jacobian in (gx.jacobian, gx.jacfwd, gx.jacrev):
        wanted = [jacobian(f)(x) for x in X[0]]
        np.testing.assert_array_equal(gx.vmap(jacobian(f))(X[0]), wanted)
    np.testing.assert_array_equal(gx.vmap(gx.vmap(gx.jacobian(f)))(X)[0], wanted)


@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_second_derivatives_at_equal_singular_values(order):
    a = np.stack([np.eye(3), np.diag([1.0, 2.0, 2.0]), RNG.standard_normal((3, 3))])
    f = lambda a: np.linalg.norm(a, order)  # noqa: E731
    for transform in (gx.hessian, twice_along, lambda f: gx.grad(squares(gx.grad(f)))):
        wanted = np.stack([transform(f)(x) for x in a])
        np.testing.assert_allclose(gx.vmap(transform(f))(a), wanted, atol=1e-9)


# --- Lengths --------------------------------------------------------------------------------------


def test_items_of_as_many_in_each_example_are_an_array_beside_others():
    f = lambda x: x[x > -9] * K + np.sort(x[x > -9])  # noqa: E731
    wanted = [f(x) for x in X[0]]
    with pytest.raises(gx.ConversionError, match="the mapped function gives each example"):
        gx.vmap(lambda x: x[x > -9])(X[0])
    g = lambda x: np.sum(f(x) ** 2 * K)  # noqa: E731
    np.testing.assert_allclose(gx.vmap(g)(X[0]), np.sum(np.square(wanted) * K, axis=1))
    np.testing.assert_allclose(gx.vmap(gx.hessian(g))(X[0]), [gx.hessian(g)(x) for x in X[0]])


def test_a_program_that_looks_for_no_items_is_told():
    def f(x):
        items = x[x > 0]
        return 0.0 if items.shape[0] == 0 else np.mean(items)

    some = np.array([[1.0, 2.0], [-1.0, 3.0]])
    np.testing.assert_array_equal(gx.vmap(f)(some), [1.5, 3.0])
    np.testing.assert_array_equal(gx.vmap(f)(-np.abs(some)), [0.0, 0.0])
    with pytest.raises(gx.ConversionError, match=r"write np\.count_nonzero\(mask\)"):
        gx.vmap(f)(np.array([[1.0, 2.0], [-1.0, -3.0]]))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.sort(x[x > 0]) * x),
        lambda x: np.sum(np.cumsum(x[x > 0]) + x[x < 0]),
        lambda x: np.sum(np.unique(x)),
    ],
)
def test_what_cannot_be_done_says_what_to_write(f):
    for order in ("of a Hessian", "of a gradient, twice", "in a Hessian"):
        composed = (FIRST | SECOND)[order](f, gx.vmap)
        with pytest.raises(gx.ConversionError, match=r"write np\.where\(condition, a, b\)"):
            composed(X if order in TWICE else X[0])


# --- Ops of users ---------------------------------------------------------------------------------


def test_a_pullback_that_is_not_linear_is_found_in_a_loop():
    @gx.lift
    def clipped(x):
        return x * float(x[0] > 0), lambda g: np.clip(g, -1, 1)

    with pytest.raises(gx.NotDifferentiableError, match="the pullback of clipped must be linear"):
        gx.vmap(along(clipped))(X[0])


def test_a_forward_rule_that_asks_for_a_number():
    def pullback(x):
        return x * (2.0 if x[0] > 0 else 3.0), lambda g: g * (2.0 if x[0] > 0 else 3.0)

    def forward(xs, ts):
        factor = 2.0 if xs[0][0] > 0 else 3.0
        return xs[0] * factor, ts[0] * factor

    op = gx.lift(pullback, jvp=forward)
    wanted = [along(op)(x) for x in X[0]]
    np.testing.assert_array_equal(gx.vmap(along(op))(X[0]), wanted)
