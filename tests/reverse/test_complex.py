"""Complex numbers: the gradient is the direction of steepest ascent, at every level."""

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.core.samples import Plain, same

Z = 0.6 + 0.8j
ARRAY = np.array([1.0 + 2.0j, -0.5 + 0.25j])
KINDS = [Z, np.complex128(Z), np.complex64(Z), np.array(Z), ARRAY, ARRAY.astype(np.complex64)]


def kind(x):
    return f"{type(x).__name__}-{getattr(x, 'dtype', '')}{np.shape(x)}"


def steepest(f, z, step=2.0**-20):
    """The direction of steepest ascent of a real function, by central differences."""
    by_x = (f(z + step) - f(z - step)) / (2 * step)
    by_y = (f(z + 1j * step) - f(z - 1j * step)) / (2 * step)
    return complex(by_x, by_y)


@pytest.mark.parametrize("z", KINDS, ids=kind)
@pytest.mark.parametrize(
    "f",
    [
        lambda z: np.sum(np.abs(z) ** 2),
        lambda z: np.sum(np.real(z * np.conj(z))),
        lambda z: np.sum(z.real**2 + z.imag**2),
        lambda z: np.sum((np.conj(z) * z).real),
    ],
)
def test_the_gradient_of_the_squared_modulus_is_twice_the_number(f, z):
    g = gx.grad(f)(z)
    assert np.allclose(g, 2 * z) and type(g) is type(z)
    assert getattr(g, "dtype", None) == getattr(z, "dtype", None)
    # So that a step against it descends.
    assert f(z - 0.1 * g) < f(z)


REAL_FUNCTIONS = {
    "abs": lambda z: abs(z),
    "np.abs": np.abs,
    "real": np.real,
    "imag": np.imag,
    "real of a square": lambda z: np.real(z * z),
    "imag of an exponential": lambda z: np.imag(np.exp(z)),
    "real of a quotient": lambda z: np.real(1 / z),
    "modulus of a sine": lambda z: np.abs(np.sin(z)),
    "angle": np.angle,
    "power": lambda z: np.real(z**3) + np.imag(z**2.5),
    "conjugate": lambda z: np.real(np.conj(z) * (2.0 + 1.0j)),
    "subtraction": lambda z: np.abs(z - 1.0j) ** 2,
    "log of modulus": lambda z: np.log(np.abs(z)),
    "sign": lambda z: np.real(np.sign(z)),
}


@pytest.mark.parametrize("name", REAL_FUNCTIONS)
@pytest.mark.parametrize("z", KINDS[:2], ids=kind)
def test_gradients_point_along_steepest_ascent(name, z):
    f = REAL_FUNCTIONS[name]
    g = gx.grad(f)(z)
    assert np.isclose(g, steepest(f, complex(z)), atol=1e-6)
    assert type(g) is type(z)
    check_grads(f, z, order=2)


@pytest.mark.parametrize("f", [np.exp, np.sin, np.log, np.sqrt, lambda z: z**3, lambda z: 1 / z])
def test_a_holomorphic_pullback_conjugates_the_derivative(f):
    """For w = f(z) and a cotangent c the gradient of Re(conj(c) w) is conj(f'(z)) c."""
    c, h = 0.3 - 0.7j, 2.0**-17
    derivative = (f(Z + h) - f(Z - h)) / (2 * h)
    _, pullback = gx.backprop_with(f, Z)
    assert np.isclose(pullback(c), np.conj(derivative) * c, rtol=1e-8)


def test_real_to_complex_to_real():
    f = lambda x: np.abs(np.exp(1j * x) + 2.0) ** 2  # noqa: E731
    g = gx.grad(f)(0.7)
    assert type(g) is float and np.isclose(g, -4 * np.sin(0.7))
    assert np.isclose(gx.grad(gx.grad(f))(0.7), -4 * np.cos(0.7))
    x = np.array([0.3, 0.7])
    g = gx.grad(lambda x: np.sum(f(x)))(x)
    assert g.dtype == float and np.allclose(g, -4 * np.sin(x))
    assert gx.grad_bp(lambda x: x * 1j, np.float32(2.0)).dtype == np.float32


def test_real_parts_of_a_mixed_input():
    p = Plain(2.0, Z)
    g = gx.grad(lambda p: np.abs(p.x * p.y) ** 2)(p)
    assert type(g.x) is float and np.isclose(g.x, 2 * 2.0 * abs(Z) ** 2)
    assert type(g.y) is complex and np.isclose(g.y, 2 * 4.0 * Z)


def test_complex_constants_beside_real_variables():
    g = gx.grad_bp(lambda x: np.sum(np.real(x * ARRAY)), np.array([1.0, 2.0]))
    assert same(g, ARRAY.real.copy())
    w = np.array([[1.0 + 1.0j, 2.0], [0.5, -1.0j]])
    check_grads(lambda v: np.sum(np.abs(w @ v) ** 2), np.array([1.0, 2.0]))
    check_grads(lambda w, z: np.sum(np.abs(w @ z) ** 2), w, ARRAY)


def test_nested_runs():
    quartic = lambda z: np.abs(z) ** 4  # noqa: E731  its gradient is 4 |z|**2 z
    f = lambda z: np.abs(gx.grad(quartic)(z)) ** 2  # noqa: E731  16 |z|**6
    assert np.isclose(gx.grad(f)(Z), 16 * 6 * abs(Z) ** 4 * Z)
    g = gx.grad(lambda x: np.real(gx.grad(quartic)(x * Z)))(2.0)
    assert type(g) is float and np.isclose(g, 3 * 2.0**2 * np.real(4 * abs(Z) ** 2 * Z))


def test_nested_runs_with_an_outer_constant():
    f = lambda a: np.real(gx.grad(lambda z: np.real(a * z))(Z))  # noqa: E731  Re(conj(a)) = Re(a)
    assert np.isclose(gx.grad(f)(2.0 + 3.0j), 1.0)
    f = lambda a: np.imag(gx.grad(lambda z: np.real(a * z))(Z))  # noqa: E731  Im(conj(a)) = -Im(a)
    assert np.isclose(gx.grad(f)(2.0 + 3.0j), -1j)


def test_cotangents_of_callers_are_conjugated_once():
    _, pullback = gx.backprop_with(lambda z: z, Z)
    assert pullback(2.0 + 3.0j) == 2.0 + 3.0j
    _, pullback = gx.backprop_with(lambda z: (z, np.conj(z)), Z)
    assert pullback((0j, 2.0 + 3.0j)) == 2.0 - 3.0j


def test_the_identity_and_constants():
    assert same(gx.grad_bp(lambda z: z, Z), 1 + 0j)
    assert same(gx.grad_bp(lambda z: 1.0, Z), 0j)
    assert same(gx.grad_bp(lambda z: z, ARRAY), np.ones(2, complex))


def test_items_of_containers():
    g = gx.grad(lambda p: np.abs(p["a"] * p["b"][0]) ** 2)({"a": Z, "b": [2.0]})
    assert type(g["a"]) is complex and np.isclose(g["a"], 8 * Z)
    assert type(g["b"][0]) is float and np.isclose(g["b"][0], 4.0)


def test_gradients_of_complex_arrays_do_not_alias():
    z = ARRAY.copy()
    z.flags.writeable = False
    a, b = gx.grad_bp(lambda x, y: np.sum(np.real(x + y)), z, z)
    assert not np.shares_memory(a, b) and not np.shares_memory(a, z)
    a += 1.0
    assert same(b, np.ones(2, complex))


def test_users_ops_have_plain_transposes():
    """Inside, a rule is a plain transpose: no conjugate for a holomorphic function."""
    square = gx.lift(lambda z: (z * z, lambda g: g * 2.0 * z))
    assert np.isclose(gx.grad(lambda z: np.abs(square(z)) ** 2)(Z), 4 * abs(Z) ** 2 * Z)
