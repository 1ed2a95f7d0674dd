"""Formulas: the CUDA code of NumPy functions; no device is needed to write it."""

import numpy as np
import pytest

import gradx as gx
from gradx.ops import elementwise, fused
from gradx_cuda.formulas import Untraceable, formula_of

HALF, SINGLE, DOUBLE = np.dtype("e"), np.dtype("f"), np.dtype("d")
COMPLEX = np.dtype("F")


def lines(function, *inputs):
    return list(formula_of(function, inputs).lines)


def test_a_rule_becomes_its_operations():
    assert lines(elementwise.log.rules[0].pull, SINGLE, SINGLE) == [
        "const float t0 = a0 / a1;",
        "const bool t1 = t0 != t0;",
        "const bool t2 = a0 == (float)(0);",
        "const bool t3 = t1 & t2;",
        "const float t4 = t3 ? (float)(0.0) : t0;",
    ]


def test_the_source_is_a_device_function():
    formula = formula_of(lambda a, b: (a + b, a * b), [SINGLE, SINGLE])
    assert formula.source("f") == (
        "__device__ inline void f(const float a0, const float a1, float &y0, float &y1) {\n"
        "    const float t0 = a0 + a1;\n"
        "    const float t1 = a0 * a1;\n"
        "    y0 = t0;\n"
        "    y1 = t1;\n"
        "}\n"
    )
    assert not formula.single


def test_dtypes_are_those_of_numpy():
    assert formula_of(lambda a, b: a * b, [SINGLE, DOUBLE]).outputs == (DOUBLE,)
    assert formula_of(lambda a: a * 2.5, [SINGLE]).outputs == (SINGLE,)
    assert formula_of(lambda a, s: a * s, [SINGLE, float]).outputs == (SINGLE,)
    assert formula_of(lambda a: a == 0, [SINGLE]).outputs == (np.dtype(bool),)
    assert formula_of(lambda a: a + (a == 0), [SINGLE]).outputs == (SINGLE,)
    assert formula_of(lambda a: np.real(a), [COMPLEX]).outputs == (SINGLE,)
    assert formula_of(lambda a: np.where(a > 0, a, 0.0), [SINGLE]).outputs == (SINGLE,)


def test_half_precision_is_computed_in_single():
    formula = formula_of(lambda a: np.exp(a) * 2, [HALF])
    assert formula.outputs == (HALF,)
    assert formula.lines == ("const float t0 = exp(a0);", "const float t1 = t0 * (float)(2);")


def test_python_numbers_adapt():
    assert lines(lambda a, n: (1 - n) * a, SINGLE, float) == [
        "const double t0 = (double)(1) - a1;",
        "const float t1 = (float)t0 * a0;",
    ]
    assert lines(lambda a, n: (1 - n) * a, SINGLE, int) == [
        "const long long t0 = (long long)(1) - a1;",
        "const float t1 = (float)t0 * a0;",
    ]


def test_python_numbers_are_compared():
    formula = formula_of(lambda a, m, n: np.where(m < n, a, 0.0), [SINGLE, float, int])
    assert formula.lines == (
        "const bool t0 = a1 < (double)a2;",
        "const float t1 = t0 ? a0 : (float)(0.0);",
    )
    assert formula.outputs == (SINGLE,)


def test_simple_powers_are_no_power():
    assert lines(lambda a: a**2, SINGLE) == ["const float t0 = a0 * a0;"]
    assert lines(lambda a: a**0.5, SINGLE) == ["const float t0 = sqrt(a0);"]
    assert lines(lambda a: a**3, SINGLE) == ["const float t0 = pow(a0, (float)(3));"]


def test_special_constants():
    assert "(-1.0 / 0.0)" in lines(lambda a: a + -np.inf, SINGLE)[0]
    assert "nan" in lines(lambda a: a + float("nan"), SINGLE)[0]
    assert "complex<float>((float)-0.0, (float)-1.0)" in lines(lambda a: -1j * a, COMPLEX)[0]


@pytest.mark.parametrize(
    "function",
    [
        lambda a: a if a > 0 else -a,
        lambda a: np.sum(a),
        lambda a: a[0],
        lambda a: a.shape,
        lambda a: np.ldexp(a, 2),
        lambda a: a + np.ones(3),
        lambda a: a + np.float64(1),
        lambda a: 3.0,
        lambda a: float(a),
        lambda a: np.add.reduce(a),
        lambda a: gx.softmax(a),
        lambda a: fused.linear.forward(a, a),
    ],
)
def test_what_is_no_formula_is_told(function):
    with pytest.raises(Untraceable):
        formula_of(function, [SINGLE])


def test_a_complex_number_is_no_real_one():
    with pytest.raises(Untraceable, match="maximum"):
        formula_of(lambda a: np.maximum(a, 0), [COMPLEX])


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
def test_the_fused_functions_are_formulas(activation):
    backward = fused.activation_backward.forward.__wrapped__
    formula = formula_of(lambda g, y: backward(g, y, activation=activation), [SINGLE, SINGLE])
    assert formula.outputs == (SINGLE,)
