"""`float(v)` and `int(v)` in adopted programs; the names are types there as everywhere."""

import warnings
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from gradx.adoption.calls import with_calls
from tests.adoption.test_public_style import agrees

X = np.array([[0.5, 1.5, 2.5], [2.25, 1.25, 0.75]])


def of_a_sum(x):
    return float(np.sum(x**2))


def of_a_float(x):
    total = 0.0
    for row in x:
        total += float(row[0])
    return float(total) * float(np.float32(3.0)) + float("2.0") + 0.0


def in_a_function_within(x):
    def halved(v):
        return float(v) / 2

    return [halved(v) for v in x[0]][1] + (lambda v: float(v))(x[1, 2])


def beside_the_type(x):
    y = float(x[0, 0]) if isinstance(x[0, 0], float) else 0.0
    z = np.array([y, 1.0], dtype=float)
    match y:
        case float(number):
            z[1] = float(number)
    return z


def of_a_single(x):
    return float(np.float32(0.5) * x.astype(np.float32)[0, 1])


def as_an_index(x):
    places = [int(v) for v in x[1]]
    return x[0, places[1] :] * int(x[1, 0]) + int("3")


@pytest.mark.parametrize(
    "program",
    [of_a_sum, of_a_float, in_a_function_within, beside_the_type, of_a_single, as_an_index],
    ids=lambda f: f.__name__,
)
def test_calls_of_builtins(program):
    plain = program(X)
    if isinstance(plain, float):
        adopted = gx.adopt(program)
        y = gx.backprop(adopted, X)[0]
        assert (type(y), y) == (type(plain), plain)
        assert gx.jvp(adopted, (X,), (X,))[1] == pytest.approx(
            np.sum(gx.grad(adopted)(X) * X), rel=1e-6
        )
        step = 1e-3 * np.ones_like(X)
        slope = (program(X + step) - program(X - step)) / 2
        assert np.sum(gx.grad(adopted)(X) * step) == pytest.approx(slope, rel=1e-4)
    else:
        agrees(program, X)


def test_a_variable_of_a_float_stays_itself():
    def same(x):
        return x * (float(x) is x)

    assert gx.grad(gx.adopt(same))(3.0) == 1.0


def test_second_derivatives():
    assert gx.hessian(gx.adopt(of_a_sum))(X).sum() == 12.0


def test_a_whole_number_becomes_a_float():
    assert gx.backprop(gx.adopt(lambda n: float(n) / 2), 3) == (1.5, 0.5)


def test_what_numpy_refuses_it_refuses():
    with pytest.raises(TypeError, match="only 0-dimensional arrays"):
        gx.grad(gx.adopt(lambda x: float(x)))(X)


def test_the_imaginary_part_is_lost_as_it_is_in_numpy():
    def halved(x):
        return float((x * (2.0 + 1.0j))[0, 1])

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y, gradient = gx.backprop(gx.adopt(halved), X)
    assert [each.category for each in caught] == [np.exceptions.ComplexWarning]
    assert y == 3.0
    np.testing.assert_array_equal(gradient, [[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])


def test_a_fraction_becomes_a_float():
    assert gx.backprop(gx.adopt(lambda x: float(x) ** 2), Fraction(1, 2)) == (0.25, Fraction(1))


def test_outside_of_an_adopted_program_it_raises():
    with pytest.raises(gx.ConversionError, match=r"gx\.adopt"):
        gx.grad(of_a_sum)(X)


def test_a_batch_has_no_one_whole_number():
    with pytest.raises(gx.ConversionError, match="one for each example"):
        gx.vmap(gx.adopt(lambda x: x * int(x)))(X[0])
    np.testing.assert_array_equal(gx.vmap(gx.adopt(lambda x: float(x) * 2))(X[0]), X[0] * 2)


def float_of_its_own():
    space = {"__name__": "own_float"}
    exec("def float(x):\n    return 7 * x\n\ndef f(x):\n    return float(x)\n", space)
    return space["f"]


def test_a_function_of_the_program_with_the_name_is_its_own():
    assert gx.grad(gx.adopt(float_of_its_own()))(1.0) == 7.0


def test_code_without_such_calls_stays_itself():
    code = agrees.__code__
    assert with_calls(code, {}) is code
    attribute = (lambda x: x.float(1)).__code__
    assert with_calls(attribute, {}) is attribute


# --- Code of any length ---------------------------------------------------------------------------

MANY = {
    "few": (0, 0),
    "more names than one byte has": (130, 0),
    "more names than two bytes have": (33_000, 0),
    "more constants than one byte has": (0, 300),
    "more constants than two bytes have": (0, 66_000),
    "more of both": (300, 300),
}


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize(("names", "constants"), MANY.values(), ids=MANY)
def test_code_of_any_length(names, constants, place):
    """Calls beside other uses of the name, in loops and with handlers, which jump over them."""
    many = "".join(f"    a{i}\n" for i in range(names))
    many += "".join(f"    y = {i}.5\n" for i in range(constants))
    text = f"""
def f(x):
{many if place == "before" else ""}
    total = 0.0
    for row in x:
        try:
            if not isinstance(row[0], float):
                continue
            total += float(row[0]) * int(row[1] + 2)
            float("no number")
        except ValueError:
            total = total + sum(map(float, row[1:])) * (float is int or 3.0)
    g = lambda v: float(v) / 2
{many if place == "after" else ""}
    return float(total) + g(total)
"""
    space = {f"a{i}": i for i in range(names)}
    exec(text, space)
    f = space["f"]
    adopted, step = gx.adopt(f), 1e-6 * np.ones_like(X)
    y, gradient = gx.backprop(adopted, X)
    assert (type(y), y) == (float, f(X))
    slope = (f(X + step) - f(X - step)) / 2
    assert np.sum(gradient * step) == pytest.approx(slope, rel=1e-4)
    lines = [[line for *_, line in code.co_lines()] for code in (f.__code__, _copy(f))]
    assert lines[0] == lines[1]


def _copy(f):
    return with_calls(f.__code__, f.__globals__)
