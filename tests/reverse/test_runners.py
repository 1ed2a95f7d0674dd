"""The runners: shapes of gradients, choice of arguments, seeds, nested and crossed runs."""

import functools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.core.samples import Plain, same

# ---- One input, several, by keyword --------------------------------------------------------------


def product(x, y):
    return x * np.sum(y)


VECTOR = np.array([1.0, 2.0])


def test_one_input_gives_a_gradient_of_its_type():
    assert gx.backprop(lambda x: x**2 + 3.0, 9.0) == (84.0, 18.0)
    assert gx.grad_bp(lambda x: x**2 + 3.0, 9.0) == 18.0
    assert same(gx.grad_bp(lambda p: p["a"] * p["b"], {"a": 2.0, "b": 3.0}), {"a": 3.0, "b": 2.0})
    assert gx.grad_bp(lambda p: p[0], (2.0,)) == (1.0,)


def test_several_inputs_give_a_tuple():
    y, g = gx.backprop(product, 2.0, VECTOR)
    assert y == 6.0 and same(g, (3.0, np.array([2.0, 2.0])))


def test_keyword_inputs_give_a_dict():
    y, g = gx.backprop(product, x=2.0, y=VECTOR)
    assert y == 6.0 and same(g, {"x": 3.0, "y": np.array([2.0, 2.0])})
    assert same(gx.grad_bp(product, y=VECTOR, x=2.0), {"y": np.array([2.0, 2.0]), "x": 3.0})


def test_both_give_a_pair():
    assert same(gx.grad_bp(product, 2.0, y=VECTOR), (3.0, {"y": np.array([2.0, 2.0])}))
    g = gx.grad_bp(lambda x, y, z: x * y * z, 2.0, 3.0, z=4.0)
    assert g == ((12.0, 8.0), {"z": 6.0})


def test_pullbacks_have_the_same_shapes():
    assert same(gx.backprop_with(product, 2.0, VECTOR)[1](10.0), (30.0, np.array([20.0, 20.0])))
    assert same(gx.backprop_with(product, x=2.0, y=VECTOR)[1](0.0), {"x": 0.0, "y": np.zeros(2)})


def test_eval_calls_on_plain_values():
    seen = []
    assert gx.eval_bp(lambda x, y: seen.append((x, y)) or x * y, 2.0, y=3.0) == 6.0
    assert same(seen, [(2.0, 3.0)])


@pytest.mark.parametrize("run", [gx.backprop, gx.grad_bp, gx.backprop_with])
def test_there_must_be_something_to_differentiate(run):
    with pytest.raises(TypeError, match="nothing to differentiate; pass the inputs after"):
        run(lambda: 1.0)


def test_none_is_an_input_whose_gradient_is_none():
    f = lambda x, scale: x if scale is None else x * scale  # noqa: E731
    assert gx.backprop(f, 2.0, None) == (2.0, (1.0, None))
    assert gx.backprop(f, 2.0, 3.0) == (6.0, (3.0, 2.0))
    assert gx.grad_bp(f, 2.0, scale=None) == (1.0, {"scale": None})
    y, pullback = gx.backprop_with(f, 2.0, None)
    assert (y, pullback(5.0)) == (2.0, (5.0, None))
    assert gx.backprop(lambda x: x, None) == (None, None)


@pytest.mark.parametrize("x", ["abc", True, np.sin, b"abc", len], ids=str)
@pytest.mark.parametrize("run", [gx.backprop, gx.grad_bp, gx.backprop_with])
def test_other_static_inputs_are_refused(run, x):
    with pytest.raises(gx.NotDifferentiableError, match=r"argument 1 is .*close over it"):
        run(lambda v, name: v, 2.0, x)


@pytest.mark.parametrize("argnums", [1, (0, 1)])
@pytest.mark.parametrize("x", [None, "abc", True, np.sin], ids=str)
def test_the_gradient_with_respect_to_a_static_argument_is_refused(argnums, x):
    for transform in (gx.grad, gx.value_and_grad):
        with pytest.raises(gx.NotDifferentiableError, match=r"argument 1 is .*has no gradient"):
            transform(lambda v, name: v, argnums)(2.0, x)
        transform(lambda v, name: v)(2.0, x)  # where it is not chosen it may be anything


# ---- grad and value_and_grad ---------------------------------------------------------------------


def f3(x, y, z=1.0):
    return x * y**2 * z**3


CHOICES = [
    ({}, (2.0, 3.0), {}, 9.0),
    ({"argnums": 1}, (2.0, 3.0), {}, 12.0),
    ({"argnums": -1}, (2.0, 3.0), {}, 12.0),
    ({"argnums": (0,)}, (2.0, 3.0), {}, (9.0,)),
    ({"argnums": (1, 0)}, (2.0, 3.0), {}, (12.0, 9.0)),
    ({"argnums": [0, 1]}, (2.0, 3.0), {}, (9.0, 12.0)),
    ({"argnames": "z"}, (2.0, 3.0), {"z": 1.0}, 54.0),
    ({"argnames": "z"}, (2.0, 3.0, 1.0), {}, 54.0),
    ({"argnames": ("y", "x")}, (2.0,), {"y": 3.0}, (12.0, 9.0)),
    ({"argnames": ["x"]}, (), {"x": 2.0, "y": 3.0}, (9.0,)),
]


@pytest.mark.parametrize(
    ("choice", "args", "kwargs", "gradient"), CHOICES, ids=lambda x: getattr(x, "__name__", str(x))
)
def test_arguments_are_chosen_by_position_or_name(choice, args, kwargs, gradient):
    assert gx.grad(f3, **choice)(*args, **kwargs) == gradient
    assert gx.value_and_grad(f3, **choice)(*args, **kwargs) == (18.0, gradient)


def test_arguments_that_are_not_chosen_stay_plain():
    seen = []
    gx.grad(lambda x, y, *, z: seen.append((type(y), type(z))) or x, 0)(1.0, 2.0, z=3.0)
    assert seen == [(float, float)]


def test_arguments_that_do_not_exist_are_named():
    with pytest.raises(IndexError, match="argnums=2 and 2 positional arguments were given"):
        gx.grad(f3, 2)(1.0, 2.0)
    with pytest.raises(TypeError, match=r"argnames has 'w', which is not an argument.*x, y, z"):
        gx.grad(f3, argnames="w")(1.0, 2.0)


def test_aux_goes_along_without_a_gradient():
    def f(x):
        y = x * x
        return y, {"y": y, "note": "text", "twice": (y * 2.0, 1.0)}

    aux = {"y": 9.0, "note": "text", "twice": (18.0, 1.0)}
    assert same(gx.value_and_grad(f, has_aux=True)(3.0), ((9.0, aux), 6.0))
    assert same(gx.grad(f, has_aux=True)(3.0), (6.0, aux))
    assert gx.grad(lambda x: (x * x, None), has_aux=True)(3.0) == (6.0, None)


def test_aux_of_nested_runs():
    inner = gx.grad(lambda x: (x**3, x), has_aux=True)
    assert gx.grad(inner, has_aux=True)(3.0) == (18.0, 3.0)


@pytest.mark.parametrize("result", [1.0, (1.0,), (1.0, 2.0, 3.0), [1.0, 2.0]], ids=str)
def test_aux_wants_a_pair(result):
    with pytest.raises(TypeError, match=r"with has_aux=True the function must return a pair"):
        gx.grad(lambda x: result, has_aux=True)(1.0)


def test_the_transforms_keep_the_name():
    assert gx.grad(f3).__name__ == gx.value_and_grad(f3).__name__ == "f3"
    assert gx.grad(functools.partial(f3, 2.0))(3.0) == 12.0


NON_SCALARS = {
    "array": (lambda x: x * np.ones(3), r"returned shape \(3,\)"),
    "tuple": (lambda x: (x, x), "returned tuple"),
    "one-tuple": (lambda x: (x,), "returned tuple"),
    "record": (lambda x: Plain(x, x), "returned Plain"),
    "None": (lambda x: None, "returned NoneType"),
    "text": (lambda x: "a", "returned str"),
    "complex": (lambda x: x * 1j, "returned a complex number"),
    "shape (0,)": (lambda x: x * np.ones(0), r"returned shape \(0,\)"),
    "complex (1,)": (lambda x: x * np.ones(1) * 1j, r"returned shape \(1,\)"),
}


@pytest.mark.parametrize("kind", NON_SCALARS)
def test_results_that_are_not_one_real_number_are_refused(kind):
    f, text = NON_SCALARS[kind]
    advice = (
        r"; sum it with np\.sum .*gx\.grad_bp for the gradient of the sum and gx\.backprop_with"
    )
    for run in (gx.grad, gx.value_and_grad):
        with pytest.raises(gx.NonScalarError, match=text + advice):
            run(f)(1.0)


def test_results_that_are_one_number_pass():
    for f in (lambda x: x * np.float32(2), lambda x: x * np.array(2.0), lambda x: 3, lambda x: 3.0):
        gx.grad(f)(1.0)
    assert gx.grad(lambda x: np.sum(x * x))(VECTOR).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_an_array_of_one_number_passes_and_keeps_its_shape(shape):
    y, grad = gx.value_and_grad(lambda x: x * np.full(shape, 3.0))(2.0)
    assert same((y, grad), (np.full(shape, 6.0), 3.0))
    assert gx.grad(gx.grad(lambda x: x**3 * np.ones(shape)))(2.0) == 12.0


@pytest.mark.parametrize("transform", [gx.grad, gx.value_and_grad])
def test_an_unknown_keyword_names_the_one_that_was_meant(transform):
    for key, meant in {
        "argnum": "argnums=1",
        "argname": "argnames=1",
        "x": "argnums=, argnames= or has_aux=",
    }.items():
        text = f"takes no keyword argument '{key}'; write {meant}"
        with pytest.raises(TypeError, match=text):
            transform(f3, **{key: 1})


# ---- Seeds and results ---------------------------------------------------------------------------


def test_the_seed_is_one_everywhere():
    assert gx.grad_bp(lambda x: (x, {"a": x * 10.0, "b": [x * 100.0]}), 1.0) == 111.0
    assert gx.grad_bp(lambda x: x * np.array([1.0, 2.0, 3.0]), 1.0) == 6.0
    assert gx.grad_bp(lambda x: (x, x, 5.0, None, "text"), 1.0) == 2.0


@dataclass
class Summary:
    mean: float
    parts: list
    name: str = "s"


def test_results_join_by_themselves():
    y, g = gx.backprop(lambda v: Summary(np.sum(v) / 2.0, [v[0], {"last": v[-1]}]), VECTOR)
    assert same(y, Summary(np.float64(1.5), [np.float64(1.0), {"last": np.float64(2.0)}]))
    assert same(g, np.array([1.5, 1.5]))


def test_results_hold_no_variables():
    y, _ = gx.backprop(lambda p: (p, p["a"], [p["b"][0] * 2.0], 7), {"a": 1.0, "b": (2.0, 3.0)})
    assert same(y, ({"a": 1.0, "b": (2.0, 3.0)}, 1.0, [4.0], 7))
    y, _ = gx.backprop_with(lambda p: {"p": p}, Plain(1.0, VECTOR))
    assert same(y, {"p": Plain(1.0, VECTOR)})


def test_inputs_of_different_types():
    def f(x, v, p, table, ratio):
        return x * np.sum(v) * p.x * table["k"][0] * float(gx.value(ratio)) + p.y

    g = gx.grad_bp(f, 2.0, VECTOR, Plain(3.0, 1.0), {"k": [4.0]}, Fraction(1, 2))
    assert same(g, (18.0, np.array([12.0, 12.0]), Plain(12.0, 1.0), {"k": [9.0]}, Fraction(0)))


COTANGENTS = {
    "shape": (
        lambda x: x * VECTOR,
        1.0,
        r"the cotangent is a float; the result has shape \(2,\): give",
    ),
    "shape in a tuple": (
        lambda x: (x, x * VECTOR),
        (1.0, 1.0),
        r"the cotangent\[1\] is a float; .*\(2,\)",
    ),
    "number for a tuple": (
        lambda x: (x, x),
        1.0,
        "the cotangent is a float.*is a tuple with parts",
    ),
    "short": (lambda x: (x, x), (1.0,), r"with parts \[0\]; .*with parts \[0, 1\]"),
    "keys": (lambda x: {"a": x}, {"b": 1.0}, r"with parts \['b'\]; .*with parts \['a'\]"),
    "text": (lambda x: x, "a", "the cotangent is a str; the result has shape"),
    "none": (lambda x: x, None, "the cotangent is a NoneType; the result has shape"),
    "tuple for a number": (lambda x: x, (1.0,), "the cotangent is a tuple with parts"),
}


@pytest.mark.parametrize("kind", COTANGENTS)
def test_wrong_cotangents_of_callers(kind):
    f, cotangent, text = COTANGENTS[kind]
    pullback = gx.backprop_with(f, 1.0)[1]
    with pytest.raises(gx.CotangentError, match=text):
        pullback(cotangent)


def test_cotangents_of_structures():
    _, pullback = gx.backprop_with(lambda x: Summary(x, [x * 2.0, x * 3.0], "n"), 1.0)
    assert pullback(Summary(1.0, [10.0, 100.0], "n")) == 321.0
    assert gx.backprop_with(lambda x: (x, None, "s"), 1.0)[1]((5.0, None, "s")) == 5.0
    assert gx.backprop_with(lambda x: 3.0, 1.0)[1](5.0) == 0.0


# ---- Nested runs ---------------------------------------------------------------------------------

grad = gx.grad


def derivative(f, n):
    for _ in range(n):
        f = grad(f)
    return f


TOWERS = {
    "sin": (np.sin, [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)]),
    "exp": (np.exp, [np.exp, np.exp, np.exp]),
    "log": (np.log, [lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3]),
    "sqrt": (
        np.sqrt,
        [lambda x: 0.5 * x**-0.5, lambda x: -0.25 * x**-1.5, lambda x: 0.375 * x**-2.5],
    ),
    "1/x": (lambda x: 1 / x, [lambda x: -1 / x**2, lambda x: 2 / x**3, lambda x: -6 / x**4]),
    "x**4": (lambda x: x**4, [lambda x: 4 * x**3, lambda x: 12 * x**2, lambda x: 24 * x]),
    "x**2.5": (
        lambda x: x**2.5,
        [lambda x: 2.5 * x**1.5, lambda x: 3.75 * x**0.5, lambda x: 1.875 * x**-0.5],
    ),
    "2**x": (lambda x: 2.0**x, [lambda x, n=n: np.log(2) ** n * 2.0**x for n in (1, 2, 3)]),
    "tanh": (
        np.tanh,
        [
            lambda x: 1 - np.tanh(x) ** 2,
            lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
            lambda x: (6 * np.tanh(x) ** 2 - 2) * (1 - np.tanh(x) ** 2),
        ],
    ),
}


@pytest.mark.parametrize("x", [0.7, np.float64(0.7), np.array(0.7)], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("kind", TOWERS)
def test_derivatives_of_derivatives(kind, x):
    f, wanted = TOWERS[kind]
    for n, g in enumerate(wanted, start=1):
        ours = derivative(f, n)(x)
        assert np.isclose(ours, g(0.7), rtol=1e-12), n
        assert type(ours) is type(x)


def test_derivatives_of_derivatives_of_arrays():
    hessian_times_ones = gx.grad_bp(grad(lambda v: np.sum(np.sin(v) * v[::-1])), VECTOR)
    a, b = VECTOR
    wanted = [-np.sin(a) * b + np.cos(b) + np.cos(a), -np.sin(b) * a + np.cos(a) + np.cos(b)]
    assert np.allclose(hessian_times_ones, wanted)
    check_grads(lambda v: np.sum(np.tanh(v) @ (v * v)), VECTOR, order=3)


def test_derivatives_of_derivatives_of_records():
    def f(p):
        return p.x**3 * np.sum(p.y["k"] ** 2) + p.x

    p = Plain(2.0, {"k": VECTOR})
    g = gx.grad_bp(lambda p: grad(f)(p).x, p)
    assert same(g, Plain(60.0, {"k": 12.0 * 2.0 * VECTOR}))
    both = gx.grad_bp(lambda p: grad(f)(p), p)
    assert np.isclose(both.x, 60.0 + 12.0 * 2.0 * np.sum(VECTOR))


def test_perturbations_are_not_confused():
    assert grad(lambda x: x * grad(lambda y: y * x)(1.0))(3.0) == 6.0
    assert grad(lambda x: x * grad(lambda y: x)(1.0))(3.0) == 0.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 12.0
    assert grad(lambda x: x * grad(lambda y: (x + y) ** 2)(1.0))(2.0) == 2 * 3.0 + 2.0 * 2.0
    assert grad(lambda x: grad(lambda y: grad(lambda z: x * y * z)(1.0))(2.0))(3.0) == 1.0
    assert grad(lambda x: grad(lambda y: x * y)(2.0) * grad(lambda y: x * y * y)(2.0))(3.0) == 24.0


def test_an_inner_run_on_an_outer_variable():
    assert grad(lambda x: grad(np.sin)(x) * x)(0.5) == np.cos(0.5) - 0.5 * np.sin(0.5)
    y, g = gx.backprop(lambda x: gx.backprop(lambda v: v**3, x), 2.0)
    assert same((y, g), ((8.0, 12.0), 12.0 + 12.0))
    total = grad(lambda p: gx.grad_bp(lambda q: q[0] * q[1], p)[0])
    assert total((2.0, 3.0)) == (0.0, 1.0)


def test_runs_cross():
    """An inner function that uses outer variables, an outer one that uses inner results."""

    def outer(x, y):
        inner = lambda z: z * x * y + np.sin(z) * x  # noqa: E731
        value, slope = gx.value_and_grad(inner)(y)
        return value * x + slope * y

    x, y = 0.6, 1.3
    check_grads(outer, x, y)
    d_value = y * y + np.sin(y)
    d_slope = y + np.cos(y)
    wanted = 2 * x * d_value + y * d_slope
    assert np.isclose(grad(outer)(x, y), wanted)


def test_a_pullback_of_an_inner_run_in_an_outer_run():
    def f(x):
        y, pullback = gx.backprop_with(lambda v: v**3, x)
        return y + pullback(x)

    assert grad(f)(2.0) == 3 * 4.0 + 9 * 4.0


def test_an_outer_pullback_used_in_a_later_run():
    _, pullback = gx.backprop_with(lambda v: v**3, 2.0)
    assert grad(lambda g: pullback(g) * g)(5.0) == 2 * 12.0 * 5.0


def test_gradient_descent_inside_a_gradient():
    """The derivative of the end of an optimisation by its start."""

    def end(rate):
        x = 1.0
        for _ in range(3):
            x = x - rate * grad(lambda v: v * v)(x)
        return x

    assert np.isclose(grad(end)(0.1), -6 * (1 - 0.2) ** 2)


def test_a_result_that_is_an_outer_variable():
    seen = []

    def f(x):
        y, g = gx.backprop(lambda z: x * x, 2.0)
        seen.append(g)
        return y * 3.0

    assert grad(f)(2.0) == 12.0 and seen == [0.0]
