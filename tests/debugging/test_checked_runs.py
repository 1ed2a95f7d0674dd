"""`gx.debug` in forward and batch runs: what is not finite raises where it is made."""

import numpy as np
import pytest

import gradx as gx

YS = np.array([4.0, 1.0, 0.0, 9.0])


def refuses(f, *parts):
    with gx.debug(), np.errstate(all="ignore"), pytest.raises(gx.NonFiniteError) as caught:
        f()
    text = str(caught.value)
    for part in parts:
        assert part in text, text


def logarithm(x):
    return np.sum(np.log(x))


def test_a_result_of_a_forward_run():
    refuses(
        lambda: gx.jvp(logarithm, (np.array([-1.0, 2.0]),), (np.ones(2),)),
        "log gave NaN where its operands are finite, at ",
        "test_checked_runs.py",
        "in logarithm, 'return np.sum(np.log(x))'",
        "operand 0 is float64 of shape (2,), from -1.0 to 2.0",
        "or pass inf=False to gx.debug",
    )


def test_a_tangent():
    refuses(
        lambda: gx.jvp(lambda x: 2 * np.sqrt(x), (0.0,), (1.0,)),
        "the tangent of sqrt is an infinity where its operands and their tangents are finite, at ",
        "operand 0 is the float 0.0",
    )


def test_operators_that_go_past_the_dispatch():
    refuses(lambda: gx.jvp(lambda x: x * x, (1e200,), (1.0,)), "operator.mul gave an infinity")
    refuses(lambda: gx.jvp(lambda x: x[0] / 0.0, (YS,), (YS,)), "operator.truediv gave an infinity")


def test_an_example_of_a_batch():
    refuses(
        lambda: gx.vmap(lambda x: 1 + np.log(x))(YS),
        "log gave an infinity for example 2 of 4, whose operands are finite, at ",
        "operand 0 is BatchScalar(float64; 4 examples)",
    )


def test_a_batch_of_tangents():
    def slope(x):
        return gx.jvp(np.sqrt, (x,), (1.0,))[1]

    refuses(lambda: gx.vmap(slope)(YS), "sqrt is an infinity")
    refuses(lambda: gx.jacfwd(lambda x: np.sqrt(x))(YS), "the tangent of sqrt is an infinity")


def test_what_was_not_finite_before_passes():
    xs = np.array([np.inf, 1.0])
    with gx.debug() as report:
        gx.jvp(lambda x: 2 * x, (xs,), (np.ones(2),))
        gx.jvp(lambda x: 2 * x, (np.ones(2),), (xs,))
        gx.vmap(lambda x: 2 * x)(xs)
        gx.vmap(lambda x, c: x * c, in_axes=(0, None))(np.ones(2), np.inf)
    assert str(report) == "gx.debug: 4 runs, 4 operations\nnothing to tell"


def test_infinities_that_are_meant_pass_and_nan_does_not():
    with gx.debug(inf=False), np.errstate(all="ignore"):
        gx.jvp(np.log, (np.zeros(2),), (np.ones(2),))
        gx.vmap(np.log)(YS)
        with pytest.raises(gx.NonFiniteError, match="log gave NaN for example 0 of 4"):
            gx.vmap(np.log)(YS - 5)


def test_what_is_computed_is_the_same():
    def f(x):
        y = np.zeros_like(x)
        y[1:] = np.sin(x[1:]) * x[:-1]
        return y @ y, {"m": np.linalg.det(np.outer(x, y) + np.eye(4))}

    def both():
        return gx.jvp(f, (YS,), (YS,)), gx.vmap(f)(np.stack([YS, YS + 1]))

    wanted = both()
    with gx.debug() as report:
        found = both()
    assert report.runs == 2 and report.operations > 10
    assert str(found) == str(wanted)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.longdouble, np.complex128])
def test_looking_at_large_numbers_overflows_nowhere(dtype):
    xs = np.full((2, 3), np.finfo(dtype).max / 16, dtype)
    with gx.debug(), np.errstate(all="raise"):
        assert gx.grad(lambda x: np.sum(x.real * 0.5))(xs).real.tolist() == [[0.5] * 3] * 2
        assert gx.jvp(lambda x: np.sum(x.real * 0.5), (xs,), (xs,))[1] < np.inf
        assert gx.vmap(lambda x: x * 0.5)(xs).shape == (2, 3)
