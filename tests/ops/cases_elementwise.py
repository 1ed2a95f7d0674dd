"""Cases of elementwise functions: ufuncs, operators, rounding, complex parts, ufuncs' methods."""

import numpy as np

import gradx as gx
from tests.ops.specification import (
    Case,
    distinct,
    normals,
    over_kinds,
    signed,
    uniforms,
    with_values,
)


def between(low, high):
    return lambda *shapes: uniforms(low, high, *shapes)


def family(functions, make, **options):
    """Cases of ufuncs over all kinds of operands."""
    return [
        case
        for name, call in functions.items()
        for case in over_kinds(name, (name,), call, make, **options)
    ]


ENTIRE = {
    "negative": lambda x: np.negative(x),
    "positive": lambda x: np.positive(x),
    "conjugate": lambda x: np.conjugate(x),
    "square": lambda x: np.square(x),
    "exp": lambda x: np.exp(x),
    "exp2": lambda x: np.exp2(x),
    "expm1": lambda x: np.expm1(x),
    "sin": lambda x: np.sin(x),
    "cos": lambda x: np.cos(x),
    "tan": lambda x: np.tan(x),
    "sinh": lambda x: np.sinh(x),
    "cosh": lambda x: np.cosh(x),
    "tanh": lambda x: np.tanh(x),
    "arctan": lambda x: np.arctan(x),
    "arcsinh": lambda x: np.arcsinh(x),
    "add": lambda x, y: np.add(x, y),
    "subtract": lambda x, y: np.subtract(x, y),
    "multiply": lambda x, y: np.multiply(x, y),
}
ENTIRE_REAL = {
    "deg2rad": lambda x: np.deg2rad(x),
    "radians": lambda x: np.radians(x),
    "rad2deg": lambda x: np.rad2deg(x),
    "degrees": lambda x: np.degrees(x),
    "arctan2": lambda x, y: np.arctan2(x, y),
    "hypot": lambda x, y: np.hypot(x, y),
    "logaddexp": lambda x, y: np.logaddexp(x, y),
    "logaddexp2": lambda x, y: np.logaddexp2(x, y),
}
POSITIVE = {
    "sqrt": lambda x: np.sqrt(x),
    "log": lambda x: np.log(x),
    "log2": lambda x: np.log2(x),
    "log10": lambda x: np.log10(x),
    "log1p": lambda x: np.log1p(x),
    "reciprocal": lambda x: np.reciprocal(x),
    "divide": lambda x, y: np.divide(x, y),
    "power": lambda x, y: np.power(x, y),
    "float_power": lambda x, y: np.float_power(x, y),
}
INSIDE = {
    "arcsin": lambda x: np.arcsin(x),
    "arccos": lambda x: np.arccos(x),
    "arctanh": lambda x: np.arctanh(x),
}
KINKED = {
    "absolute": lambda x: np.absolute(x),
    "sign": lambda x: np.sign(x),
}
KINKED_REAL = {
    "fabs": lambda x: np.fabs(x),
    "cbrt": lambda x: np.cbrt(x),
    "copysign": lambda x, y: np.copysign(x, y),
}
CHOOSING = {
    "maximum": lambda x, y: np.maximum(x, y),
    "minimum": lambda x, y: np.minimum(x, y),
    "fmax": lambda x, y: np.fmax(x, y),
    "fmin": lambda x, y: np.fmin(x, y),
}
TURNING = {"remainder": lambda x, y: np.remainder(x, y)}
TURNING_UNLIKE_AUTOGRAD = {
    "fmod": lambda x, y: np.fmod(x, y),
    "divmod": lambda x, y: np.divmod(x, y),
}

UFUNCS = [
    *family(ENTIRE, normals),
    *family(ENTIRE_REAL, normals, complex=False),
    *family(POSITIVE, between(0.4, 2.0)),
    *family(INSIDE, between(-0.8, 0.8)),
    *over_kinds("arccosh", ("arccosh",), lambda x: np.arccosh(x), between(1.3, 3.0)),
    *family(KINKED, signed),
    *family(KINKED_REAL, signed, complex=False),
    *family(CHOOSING, distinct, complex=False),
    *family(TURNING, signed, complex=False),
    *family(TURNING_UNLIKE_AUTOGRAD, signed, complex=False, reference=None),
    *over_kinds("modf", ("modf",), lambda x: np.modf(x), between(-0.9, -0.1), complex=False),
    *over_kinds("frexp", ("frexp",), lambda x: np.frexp(x), between(1.1, 1.9), complex=False),
    *[
        Case(
            f"nextafter/{kind}",
            ("nextafter",),
            lambda x, y: np.nextafter(x, y),
            make,
            complex=False,
            reference=None,
        )
        for kind, make in {"array": normals((3,), (3,)), "broadcast": normals((3,), ())}.items()
    ],
    Case(
        "ldexp",
        ("ldexp",),
        lambda x: np.ldexp(x, [-1, 0, 3]),
        normals((2, 3)),
        complex=False,
    ),
    Case(
        "heaviside/at-zero",
        ("heaviside",),
        lambda y: np.heaviside(np.array([-1.0, 0.0, 2.0]), y),
        normals((2, 3)),
        complex=False,
    ),
    Case("power/square", ("power",), lambda x: np.power(x, 2), normals((2, 3))),
    Case(
        "power/constant-exponent", ("power",), lambda x: np.power(x, 2.5), uniforms(0.4, 2.0, (3,))
    ),
    Case("power/constant-base", ("power",), lambda x: np.power(2.0, x), normals((3,))),
    Case("power/exponents", ("power",), lambda x: np.power(x, [0, 1, 3]), normals((2, 3))),
    Case("power/int8", ("power",), lambda x: x ** np.array([0, 1, 3], np.int8), normals((3,))),
    Case("power/boolean", ("power",), lambda x: np.power(x, [True, False]), normals((2,))),
]


SCALED = [
    Case(
        "scaled/second-order", ("scaling.product",), lambda x, y: np.sin(x) * y, normals((3,), (3,))
    ),
    Case("divided/second-order", ("scaling.quotient",), lambda x, y: x / y, signed((3,), (3,))),
]


# --- The operators of Python ----------------------------------------------------------------------

OPERATORS = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
}
POSITIVE_OPERATORS = {
    "divide": lambda x, y: x / y,
    "power": lambda x, y: x**y,
}
UNARY_OPERATORS = {
    "negative": lambda x: -x,
    "positive": lambda x: +x,
    "absolute": lambda x: abs(x),
}


def operators(functions, make, **options):
    return [
        case
        for name, call in functions.items()
        for case in over_kinds(f"operator/{name}", (f"numbers.{name}",), call, make, **options)
    ]


OPERATOR_CASES = [
    *operators(OPERATORS, normals),
    *operators(POSITIVE_OPERATORS, between(0.4, 2.0)),
    *operators(UNARY_OPERATORS, signed),
    *operators({"remainder": lambda x, y: x % y}, signed, complex=False),
    Case("operator/square", ("elementwise.squared",), lambda x: x**2, normals((2, 3))),
    Case("operator/one-over", ("elementwise.one_over",), lambda x: 1 / x, signed((2, 3))),
    Case("operator/one-over-1.0", ("elementwise.one_over",), lambda x: 1.0 / x, signed((3,))),
    Case("operator/cube", ("elementwise.integer_power",), lambda x: x**3, normals((2, 3))),
    Case("operator/power-1", ("elementwise.integer_power",), lambda x: x**1, normals(float)),
    Case("operator/power-0", ("elementwise.integer_power",), lambda x: x**0, normals((3,))),
    Case("operator/power-negative", ("elementwise.integer_power",), lambda x: x**-2, signed((3,))),
    Case("operator/constants", ("numbers.divide",), lambda x: 2 / (3 - x), normals((3,))),
    Case(
        "operator/conjugate",
        ("numbers.conjugate",),
        lambda x: (x * (1 + 2j)).conjugate() * x,
        normals(float),
    ),
    Case("operator/rpow", ("numbers.power",), lambda x: 2.0**x, normals((3,))),
    Case("operator/matmul", ("matmul",), lambda x, y: x @ y, normals((2, 3), (3,))),
    Case("operator/plain-first", ("add",), lambda x: np.ones((2, 3)) + x, normals((3,))),
]


# --- Functions ------------------------------------------------------------------------------------

FUNCTIONS = [
    Case("real", ("real",), lambda x: np.real(x * (1 + 2j)), normals((2, 3))),
    Case("imag", ("imag",), lambda x: np.imag(x * (1 + 2j)), normals((2, 3))),
    Case("real/of-real", ("multiply",), lambda x: np.real(x * 2), normals((2, 3))),
    Case("imag/of-real", ("multiply",), lambda x: np.imag(x) * x, normals((2, 3))),
    Case("angle", ("arctan2",), lambda x: np.angle(x * (1 + 2j)), uniforms(0.2, 1.0, (2, 3))),
    Case(
        "angle/degrees",
        ("arctan2",),
        lambda x: np.angle(x + 1j, deg=True),
        uniforms(0.2, 1.0, (3,)),
        reference=None,  # autograd's forgets the degrees
    ),
    Case("angle/of-real", ("arctan2",), lambda x: np.angle(x) * x, uniforms(0.2, 1, (3,))),
    Case(
        "real_if_close/real",
        ("real",),
        lambda x: np.real_if_close(x + 0j),
        normals((3,)),
        complex=False,
        abstract=False,
    ),
    Case(
        "real_if_close/number",
        ("reshape", "real"),
        lambda x: np.real_if_close(x * (2 + 0j)),
        normals(float),
        complex=False,
        reference=None,
        abstract=False,
    ),
    Case(
        "real_if_close/complex",
        ("numbers.multiply",),
        lambda x: np.real_if_close(x * 1j),
        signed((3,)),
        reference=None,
        abstract=False,
    ),
    *over_kinds("sinc", ("sinc",), lambda x: np.sinc(x), normals),
    Case(
        "sinc/zero",
        ("sinc",),
        lambda x: np.sinc(x),
        with_values(np.array([0, 1e-4, -0.9, 1])),
        reference=None,
    ),
    Case("sinc/far", ("sinc",), lambda x: np.sinc(x), uniforms(3, 9, (4,))),
    Case(
        "nan_to_num",
        ("nan_to_num",),
        lambda x: np.nan_to_num(
            np.where([True, False, False, True], x, [0, np.nan, np.inf, 0]), nan=3.0, posinf=2.0
        ),
        uniforms(0.2, 1.0, (4,)),
        complex=False,
    ),
    Case("nan_to_num/finite", ("nan_to_num",), lambda x: np.nan_to_num(x), normals((3,))),
    Case(
        "unwrap",
        ("add",),
        lambda x: np.unwrap(x * 10),
        uniforms(-1.0, 1.0, (2, 7)),
        complex=False,
    ),
    Case(
        "unwrap/period",
        ("add",),
        lambda x: np.unwrap(x, discont=0.9, axis=0, period=1.5),
        uniforms(-3.0, 3.0, (5, 2)),
        complex=False,
    ),
    Case("round/times", ("multiply",), lambda x: np.round(x, 1) * x, signed((4,)), complex=False),
]


# --- Methods of ufuncs ----------------------------------------------------------------------------

METHODS = [
    Case("add.reduce", ("sum",), lambda x: np.add.reduce(x), normals((2, 3)), reference=None),
    Case(
        "add.reduce/axis",
        ("sum",),
        lambda x: np.add.reduce(x, axis=1),
        normals((2, 3)),
        reference=None,
    ),
    Case(
        "multiply.reduce",
        ("prod",),
        lambda x: np.multiply.reduce(x),
        normals((3, 2)),
        reference=None,
    ),
    Case(
        "maximum.reduce",
        ("reductions.max",),
        lambda x: np.maximum.reduce(x, axis=None),
        distinct((2, 3)),
        complex=False,
        reference=None,
    ),
    Case(
        "minimum.reduce",
        ("reductions.min",),
        lambda x: np.minimum.reduce(x, axis=1, keepdims=True),
        distinct((2, 3)),
        complex=False,
        reference=None,
    ),
    Case(
        "add.accumulate",
        ("cumsum",),
        lambda x: np.add.accumulate(x),
        normals((3, 2)),
        reference=None,
    ),
    Case(
        "multiply.accumulate",
        ("cumprod",),
        lambda x: np.multiply.accumulate(x, axis=1),
        normals((2, 3)),
        reference=None,
    ),
    Case(
        "multiply.outer",
        ("multiply",),
        lambda x, y: np.multiply.outer(x, y),
        normals((2, 3), (2,)),
        reference=None,
    ),
    Case(
        "add.outer/scalar",
        ("add",),
        lambda x, y: np.add.outer(x, y),
        normals((2,), float),
        reference=None,
    ),
    Case(
        "arctan2.outer",
        ("arctan2",),
        lambda x, y: np.arctan2.outer(x, y),
        normals((2,), (3,)),
        complex=False,
        reference=None,
    ),
    Case(
        "exp/dtype",
        ("exp",),
        lambda x: np.exp(x, dtype=np.float64),
        normals((3,)),
        complex=False,
        reference=None,
    ),
]

LOG_BASE = [
    *over_kinds(
        "log_base",
        ("log_base",),
        lambda a, b: gx.lift_op(gx.numeric_ops.log_base)(a, b),
        between(1.3, 3.0),
        reference=None,
    ),
]

CASES = [*UFUNCS, *SCALED, *LOG_BASE, *OPERATOR_CASES, *FUNCTIONS, *METHODS]
