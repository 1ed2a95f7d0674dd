"""Every case of the op specification in series arithmetic: as nested forward mode."""

import gradx as gx
from gradx.core.dispatch import spec_of
from gradx.series.api import taylor
from tests.forward.test_specification import assert_same, together
from tests.ops.test_specification import (
    COMPLEX,
    assert_close,
    complex_operands,
    frozen,
    leaves,
    per_case,
    quiet,
)

__all__ = ["quiet"]


def check_series(case, xs):
    f = together(case)
    y, first, second = taylor(f, xs, 2)
    ones = gx.one(xs)
    assert_same(case, y, f(xs))
    wanted = gx.jvp(lambda v: gx.jvp(f, (v,), (ones,)), (xs,), (ones,))[1]
    for found, ts in ((first, wanted[0]), (second, wanted[1])):
        for v, d, t in zip(leaves(y), leaves(found), leaves(ts), strict=True):
            assert spec_of(gx.zero(v)) == spec_of(d)
            assert_close(d, t, 1e-8)


@per_case(every=12)
def test_the_derivatives_are_those_of_nested_forward_mode(case, rng):
    check_series(case, frozen(case.make(rng)))


@per_case(COMPLEX, every=24)
def test_complex_derivatives_are_those_of_nested_forward_mode(case, rng):
    check_series(case, frozen(complex_operands(case, rng)))
