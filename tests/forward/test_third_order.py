"""Third derivatives of every case of the specification: forward and reverse mode in every order.

``RFR`` stands for a gradient of a tangent of a gradient; each is taken along three directions, so
that all eight give one number. A difference of second derivatives says that it is the right one.
"""

import itertools

import pytest

import gradx as gx
from tests.forward.test_specification import contraction_of, drawn, scalar
from tests.ops.cases import ALL_CASES
from tests.ops.test_specification import (
    COMPLEX,
    assert_close,
    complex_operands,
    has_gradient,
    per_case,
    quiet,
)

__all__ = ["quiet"]

ORDERS = tuple(map("".join, itertools.product("FR", repeat=3)))


def along(mode, f, t):
    """The derivative of a function of one number along a direction, by one of the two modes."""
    if mode == "F":
        return lambda v: gx.jvp(f, (v,), (t,))[1]
    return lambda v: contraction_of(gx.grad_bp(f, v), t)


def derivative(modes, f, directions):
    """That by several modes, the innermost first."""
    for mode, t in zip(modes, directions, strict=False):
        f = along(mode, f, t)
    return f


def check_third(case, xs):
    f, directions = scalar(case, xs, 2), [drawn(xs, seed) for seed in (1, 3, 4)]
    found = {modes: float(derivative(modes, f, directions)(xs)) for modes in ORDERS}
    second = derivative("RF", f, directions)

    def at(step):
        pairs = zip(xs, directions[2], strict=True)
        return float(second(tuple(x + step * t if has_gradient(x) else x for x, t in pairs)))

    h = 1e-4
    difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    assert_close(found["RRR"], difference, max(1e-4, 10 * case.tolerance))
    for modes, value in found.items():
        assert abs(value - found["RRR"]) <= 1e-8 * max(abs(value), 1e-2), modes


def of_third_order(cases):
    return [case for case in cases if case.order == 2]


@per_case(of_third_order(ALL_CASES), every=25)
def test_third_derivatives_agree(case, rng):
    check_third(case, case.make(rng))


@pytest.mark.thorough
@per_case(of_third_order(COMPLEX), every=50)
def test_complex_third_derivatives_agree(case, rng):
    check_third(case, complex_operands(case, rng))
