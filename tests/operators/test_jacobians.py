"""Jacobians, Hessians and products with them."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx

RNG = np.random.default_rng(3)
A = RNG.normal(size=(3, 2))
X = RNG.normal(size=2)


@dataclass
class Model:
    name: str
    gain: float
    weights: np.ndarray


MODEL = Model("a model", 2.0, np.array([1.0, 3.0]))


def differences(f, x, h=1e-6):
    """The Jacobian of arrays by central differences."""
    x = np.asarray(x, float)
    columns = []
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = h
        columns.append((np.asarray(f(x + step)) - np.asarray(f(x - step))) / (2 * h))
    return np.moveaxis(np.array(columns), 0, -1).reshape(*columns[0].shape, *x.shape)


FUNCTIONS = {
    "vector": (lambda x: np.tanh(A @ x), X),
    "matrix": (lambda x: np.sin(x) @ x.T, A),
    "number": (lambda x: np.sum(x**3), X),
    "of-a-number": (lambda x: np.stack([np.sin(x), x * x]), 0.7),
    "written": (lambda x: written(x), X),
    "nothing": (lambda x: x[:0], X),
    "constant": (lambda x: np.ones(3), X),
    "itself": (lambda x: x, A),
}


def written(x):
    y = np.zeros_like(x, shape=4)
    y[1:3] = x * x
    y[3] = y[1] * x[1]
    return y


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_jacobian_is_that_of_differences(name):
    f, x = FUNCTIONS[name]
    mine = gx.jacobian(f)(x)
    wanted = differences(f, x) if np.size(f(x)) else np.zeros((0, 2))
    assert np.shape(mine) == (*np.shape(f(x)), *np.shape(x))
    np.testing.assert_allclose(mine, wanted, rtol=1e-6, atol=1e-8)


def test_a_jacobian_agrees_with_autograds():
    autograd = pytest.importorskip("autograd")
    import autograd.numpy as anp

    np.testing.assert_allclose(
        gx.jacobian(lambda x: np.tanh(A @ x))(X), autograd.jacobian(lambda x: anp.tanh(A @ x))(X)
    )
    f = lambda x, np=np: np.sum(np.exp(x) * x[0])  # noqa: E731
    np.testing.assert_allclose(gx.hessian(f)(X), autograd.hessian(lambda x: f(x, anp))(X))


def test_it_is_a_value_of_the_results_type_with_values_of_the_inputs():
    j = gx.jacobian(lambda m: {"y": m.weights * m.gain, "c": 3.0})(MODEL)
    assert type(j) is dict and type(j["y"]) is Model and j["y"].name == "a model"
    assert j["y"].gain.tolist() == [1.0, 3.0]
    assert j["y"].weights.tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert j["c"].gain == 0.0 and j["c"].weights.tolist() == [0.0, 0.0]


def test_a_hessian_of_a_record():
    h = gx.hessian(lambda m: m.gain**2 * np.sum(m.weights**2))(MODEL)
    assert h.gain.gain == 2 * 10.0 and h.gain.weights.tolist() == [8.0, 24.0]
    assert h.weights.gain.tolist() == [8.0, 24.0]
    assert h.weights.weights.tolist() == [[8.0, 0.0], [0.0, 8.0]]


def test_a_product_with_the_hessian():
    f = lambda m: m.gain**2 * np.sum(m.weights**3)  # noqa: E731
    h, v = gx.hessian(f)(MODEL), Model("a model", 0.5, np.array([1.0, -2.0]))
    product = gx.hvp(f)(MODEL, v)
    assert product.gain == pytest.approx(h.gain.gain * 0.5 + h.gain.weights @ v.weights)
    wanted = h.weights.gain * 0.5 + h.weights.weights @ v.weights
    np.testing.assert_allclose(product.weights, wanted)
    with pytest.raises(gx.CotangentError, match="v "):
        gx.hvp(f)(MODEL, 1.0)


def test_arguments_by_position_and_by_name():
    f = lambda x, y=1.0: x**2 * y  # noqa: E731
    assert gx.jacobian(f, argnums=(0, 1))(2.0, 3.0) == (12.0, 4.0)
    assert gx.jacobian(f, argnames="y")(2.0, y=3.0) == 4.0
    assert gx.hessian(f, argnums=(0, 1))(2.0, 3.0) == ((6.0, 4.0), (4.0, 0.0))
    j, aux = gx.jacobian(lambda x: (x * x, "aux"), has_aux=True)(X)
    np.testing.assert_allclose(j, np.diag(2 * X))
    assert aux == "aux"


def test_it_can_be_differentiated_again():
    f = lambda x: np.sum(gx.jacobian(lambda y: np.sin(y) * y[0])(x) ** 2)  # noqa: E731
    np.testing.assert_allclose(gx.grad(f)(X), differences(f, X), rtol=1e-5)
    third = gx.jacobian(gx.jacobian(gx.jacobian(lambda x: x**3)))(X)
    assert third.shape == (2, 2, 2, 2) and third[0, 0, 0, 0] == 6.0


def test_complex_numbers():
    z = np.array([1 + 2j, 0.5 - 1j])
    np.testing.assert_allclose(
        gx.jacobian(lambda z: np.exp(z) * z[0], holomorphic=True)(z),
        np.diag(np.exp(z) * z[0]) + np.outer(np.exp(z), [1, 0]),
    )
    with pytest.raises(gx.NotDifferentiableError, match="holomorphic=True"):
        gx.jacobian(lambda z: z * 2)(z)
    with pytest.raises(gx.NotDifferentiableError, match="astype"):
        gx.jacobian(lambda x: x * 2, holomorphic=True)(X)


@pytest.mark.parametrize(
    "z", [1 + 2j, np.complex128(1 + 2j), np.complex64(1 + 2j), np.array(1 + 2j)], ids=repr
)
def test_forms_of_complex_numbers_are_kept(z):
    def f(z):
        return abs(z) ** 4

    direction = np.zeros_like(z) + 1 if isinstance(z, np.ndarray) else type(z)(1)
    plain = gx.grad(f)(z)
    y, t = gx.jvp(gx.grad(f), (z,), (direction,))
    found = [plain, y, t, gx.hvp(f)(z, direction), gx.backprop_with(gx.grad(f), z)[0]]
    found.append(gx.holomorphic_grad(lambda z: z**3)(z))
    assert {type(x) for x in found} == {type(z)}
    assert complex(y) == pytest.approx(complex(plain), rel=1e-6)
    step = 2.0**-12
    gradient = gx.grad(f)
    slope = (gradient(complex(z) + step) - gradient(complex(z) - step)) / (2 * step)
    assert complex(t) == pytest.approx(slope, rel=1e-5)
    with pytest.raises(gx.NotDifferentiableError, match="real and the imaginary parts"):
        gx.hessian_diag(f)(z)


def test_dtypes_and_exact_numbers():
    x = X.astype(np.float32)
    assert gx.jacobian(lambda x: x * x)(x).dtype == np.float32
    assert gx.jacobian(lambda x: (x * x, x + 1))(Fraction(1, 3)) == (Fraction(2, 3), Fraction(1))


@pytest.mark.parametrize("operator", [gx.jacobian, gx.jacfwd, gx.jacrev])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble])
def test_the_dtype_is_the_inputs_in_either_direction(operator, kind):
    def f(x, a):
        return x * np.ones(9), (a * x).astype(np.float32)

    jacobian = operator(f, (0, 1))(kind(3.0), np.ones(2, kind))
    assert {block.dtype for row in jacobian for block in row} == {np.dtype(kind)}
    assert operator(lambda x: x * np.ones(9, np.float32))(3.0).dtype == float
    assert operator(lambda z: z * np.ones(9), holomorphic=True)(np.complex64(1j)).dtype == "c8"


@pytest.mark.parametrize("operator", [gx.jacobian, gx.jacfwd, gx.jacrev])
def test_its_arrays_are_its_own(operator):
    labels = np.arange(3)
    same, twice, static = operator(lambda p: (p["x"], p["x"], labels))({"x": X, "labels": labels})
    for copy in (same["labels"], twice["labels"], static):
        np.testing.assert_array_equal(copy, labels)
        assert not np.shares_memory(copy, labels)
    assert not np.shares_memory(same["x"], twice["x"])


def _filling(g):
    parts = np.zeros(2)
    for i in range(2):
        parts[i] = np.sum(g[i::2])
    return parts


PLAIN_PULLBACKS = {
    "fills a buffer": _filling,
    "casts": lambda g: np.asarray(g, dtype=float).reshape(4, 2).sum(0),
    "branches": lambda g: np.sum(g.reshape(4, 2), axis=0) if np.any(g) else np.zeros(2),
    "takes numbers": lambda g: np.array([sum(float(v) for v in g[i::2]) for i in range(2)]),
    "adds in place": lambda g: np.add(g[:2] + g[2:4] + g[4:6], g[6:], out=np.zeros(2)),
}


@pytest.mark.parametrize("name", PLAIN_PULLBACKS)
@pytest.mark.parametrize("operator", [gx.jacobian, gx.jacrev])
def test_rows_of_an_op_whose_pullback_takes_plain_numbers_alone(operator, name):
    op = gx.lift_op(gx.op1(lambda x: (np.tile(x, 4), PLAIN_PULLBACKS[name])))
    wanted = gx.jacobian(lambda x: np.tile(x * x, 4))(X)
    np.testing.assert_allclose(operator(lambda x: op(x * x))(X), wanted)


def test_a_mistake_in_a_pullback_is_told():
    op = gx.lift_op(gx.op1(lambda x: (x * x, lambda g: g.reshape(5))))
    with pytest.raises(ValueError, match="cannot reshape array of size 2"):
        gx.jacobian(op)(X)


OPERATORS = {
    "jacrev": lambda y: gx.jacrev(lambda z: np.sum(z) * y)(y),
    "jacfwd": lambda y: gx.jacfwd(lambda z: z[0] * y)(y),
    "hessian": lambda y: gx.hessian(lambda z: np.sum(z**3 * y))(y),
    "hessian_diag": lambda y: gx.hessian_diag(lambda z: np.sum(z**3 * y))(y),
    "hvp": lambda y: gx.hvp(lambda z: np.sum(z**3 * y))(y, y),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_it_can_be_written_into(name):
    def f(x):
        found = OPERATORS[name](x)
        found[0] = 5.0 * x[1]
        return np.sum(found * found)

    gx.check_grads(f, X)
    np.testing.assert_allclose(gx.vmap(f)(np.stack([X, 2 * X])), [f(X), f(2 * X)])


def test_a_diagonal_of_several_leaves_in_several_chunks():
    def f(p):
        return np.sum(p["a"] ** 3) * p["b"] ** 2 + np.sum(p["c"][0] ** 4 * p["a"][:30])

    x = np.linspace(0.5, 1.0, 1500)
    p = {"a": x, "b": 2.0, "c": [x[:900].reshape(30, 30), x[:0]], "name": "p"}
    found = gx.hessian_diag(f)(p)
    np.testing.assert_allclose(found["a"], 24.0 * x)
    assert found["b"] == pytest.approx(2.0 * np.sum(x**3)) and found["name"] == "p"
    np.testing.assert_allclose(found["c"][0], 12.0 * p["c"][0] ** 2 * x[:30])
    assert found["c"][1].shape == (0,)


def test_a_type_with_an_add_of_its_own_is_refused():
    class Bag:
        def __init__(self, x):
            self.x = x

    gx.register(
        Bag, zero=lambda b: Bag(0.0), add=lambda a, b: Bag(a.x + b.x), one=lambda b: Bag(1.0)
    )
    with pytest.raises(gx.NotDifferentiableError, match="Bag"):
        gx.jacobian(lambda b: b)(Bag(1.0))
