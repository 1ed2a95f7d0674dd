"""Every case of the op specification in forward mode, alone and with reverse mode."""

import numpy as np
import pytest

import gradx as gx
from gradx.core.dispatch import spec_of
from gradx.testing.gradients import contraction, random_like
from tests.ops.cases import ALL_CASES
from tests.ops.test_specification import (
    COMPLEX,
    assert_close,
    complex_operands,
    frozen,
    has_gradient,
    leaves,
    per_case,
    quiet,
    single,
)

__all__ = ["quiet"]


def drawn(xs, seed):
    rng = np.random.default_rng(seed)
    return tuple(random_like(x, rng) if has_gradient(x) else x for x in xs)


def dot(g, t):
    """The sum of the products of two values' numbers, as real numbers."""
    return float(np.real(contraction(g, t)))


NOT_TO_THE_BIT = {
    "eigvalsh/second-order": "the case takes gradients, which add in another order in a run",
    "add.at": "NumPy multiplies complex numbers one by one otherwise than in a row",
    "scipy.linalg.logm": "SciPy estimates norms in it by random vectors",
}


def assert_same(case, a, b):
    exact = case.name not in NOT_TO_THE_BIT
    for x, y in zip(leaves(a), leaves(b), strict=True):
        assert spec_of(x) == spec_of(y)
        if exact:
            np.testing.assert_array_equal(x, y)
        else:
            np.testing.assert_allclose(x, y, rtol=2e-6 if x.dtype.itemsize < 8 else 1e-11)


def together(case):
    """The case as a function of one tuple."""
    return lambda xs: case.call(*xs)


def check_forward(case, xs):
    f, ts = together(case), drawn(xs, 1)
    wanted = f(xs)
    y, t = gx.jvp(f, (xs,), (ts,))
    assert_same(case, y, wanted)
    for v, d in zip(leaves(y), leaves(t), strict=True):
        assert spec_of(gx.zero(v)) == spec_of(d)
    g = random_like(y, np.random.default_rng(2))
    _, pullback = gx.backprop_with(f, xs)
    assert_close(dot(g, t), dot(pullback(g), ts), 1e-9)
    again, linear = gx.linearize(f, xs)
    assert_same(case, again, wanted)
    for a, b in zip(leaves(linear(ts)), leaves(t), strict=True):
        assert_close(a, b, 1e-9)


@per_case(every=3)
def test_a_tangent_is_the_transpose_of_a_cotangent(case, rng):
    check_forward(case, frozen(case.make(rng)))


@per_case(COMPLEX, every=6)
def test_a_complex_tangent_is_the_transpose_of_a_cotangent(case, rng):
    check_forward(case, frozen(complex_operands(case, rng)))


@per_case(every=8)
def test_a_tangent_is_the_central_difference(case, rng):
    xs = case.make(rng)
    ts = drawn(xs, 1)

    def at(step):
        moved = [x + step * t if has_gradient(x) else x for x, t in zip(xs, ts, strict=True)]
        return leaves(case.call(*moved))

    h = 1e-6
    _, t = gx.jvp(case.call, xs, ts)
    for a, b, d in zip(at(h), at(-h), leaves(t), strict=True):
        if np.asarray(d).dtype.kind in "fc":
            assert_close(d, (np.asarray(a) - b) / (2 * h), max(1e-5, 10 * case.tolerance))


@pytest.mark.thorough
@per_case(every=8)
def test_single_precision_stays(case, rng):
    xs = tuple(map(single, case.make(rng)))
    ts = tuple(
        np.asarray(t, x.dtype) if hasattr(x, "dtype") and has_gradient(x) else t
        for x, t in zip(xs, drawn(xs, 1), strict=True)
    )
    y, t = gx.jvp(case.call, xs, ts)
    assert_same(case, y, case.call(*xs))
    for v, d in zip(leaves(y), leaves(t), strict=True):
        assert spec_of(gx.zero(v)) == spec_of(d)


# --- With reverse mode ----------------------------------------------------------------------------


def scalar(case, xs, seed):
    """The case's result times a fixed cotangent, as a real number."""
    g = random_like(case.call(*xs), np.random.default_rng(seed))
    return lambda vs: np.real(contraction(g, case.call(*vs)))


def check_second(case, xs):
    f, ts, us = scalar(case, xs, 2), drawn(xs, 1), drawn(xs, 3)
    slope = gx.grad_bp(lambda vs: contraction_of(gx.grad_bp(f, vs), ts), xs)
    wanted = dot(slope, us)
    forward_over_reverse = gx.jvp(lambda vs: gx.grad_bp(f, vs), (xs,), (us,))[1]
    assert_close(dot(forward_over_reverse, ts), wanted, 1e-8)
    reverse_over_forward = gx.grad_bp(lambda vs: gx.jvp(f, (vs,), (ts,))[1], xs)
    assert_close(dot(reverse_over_forward, us), wanted, 1e-8)
    forward_twice = gx.jvp(lambda vs: gx.jvp(f, (vs,), (ts,))[1], (xs,), (us,))[1]
    assert_close(forward_twice, wanted, 1e-8)


def contraction_of(gs, ts):
    pairs = zip(leaves(gs), leaves(ts), strict=True)
    return sum(np.sum(np.real(g * np.conj(t))) for g, t in pairs if has_gradient(t))


@per_case([case for case in ALL_CASES if case.order == 2], every=10)
def test_second_derivatives_agree(case, rng):
    check_second(case, case.make(rng))


@pytest.mark.thorough
@per_case([case for case in COMPLEX if case.order == 2], every=20)
def test_complex_second_derivatives_agree(case, rng):
    check_second(case, complex_operands(case, rng))
