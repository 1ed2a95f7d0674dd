"""The sweep adds into sums that it made itself, and never writes into anything else."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

import gradx as gx
from gradx.core.cotangent import merge
from gradx.native import native
from gradx.reverse import backward, run
from tests.native.native import bits, outcome

N = 1 << 14


@pytest.fixture(params=["python", "c"], autouse=True)
def swept(request, monkeypatch):
    """Both sweeps, whichever is in use."""
    if request.param == "c" and native is None:
        pytest.skip("gradx is without its C code here")
    chosen = backward.sweep if request.param == "python" else native.sweep
    monkeypatch.setattr(run, "sweep_host", chosen)
    return request.param


def summed_apart(f, *xs):
    """The gradients without writing in place: each sum is a new array."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backward, "_summed", lambda known, h, key, made: merge(known, h))
        patch.setattr(run, "sweep_host", backward.sweep)
        return gx.grad_bp(f, *xs)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.exp(-(np.exp(-x) * 3.0)),
        lambda x: 1 / (1 + np.exp(-x)),
        lambda x: (y := np.exp(x)) * y + y,
        lambda x: -(x / 2.0) / np.exp(x),
        lambda x: np.sin(x) * x - x * x + np.cos(x),
        lambda x: (-x, x * x, -x),
        lambda x: np.exp(x**2) + np.square(np.exp(-x)),
        lambda x: np.exp(np.tanh(x)) + np.exp(np.tan(x) / 10) * np.exp(np.arctan(x)),
        lambda x: np.exp(np.sqrt(x)) * np.exp(np.log(x)) - np.exp(np.log1p(x)),
        lambda x: np.exp(np.reciprocal(x)) + np.exp(1.0 / x) * np.exp(1 / x),
    ],
)
@pytest.mark.parametrize("shape", [(N,), (N // 32, 32)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_numbers_are_the_same(f, shape, order):
    x = np.asarray(np.linspace(0.5, 1.5, N).reshape(shape), order=order)
    assert bits(gx.grad_bp(f, x)) == bits(summed_apart(f, x))


@pytest.mark.parametrize("n", [1, 10, 1024, 1025])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.dot(x, x),
        lambda x: np.dot(x, x) * np.dot(x, np.exp(x)) + np.dot(np.exp(x), x) * 3.0,
        lambda x: np.dot(x, x) + np.sum(-x) + np.dot(x, x) / np.sum(x * x),
        lambda x: np.dot(x * 1e200, x) * np.dot(x, x * 1e200),
        lambda x: np.dot(x / 0.0, x) + np.dot(x, x),
    ],
)
def test_products_with_numbers_are_summed_as_numpy_sums_them(f, n):
    x = np.linspace(0.5, 1.5, n) * np.where(np.arange(n) % 3, 1.0, -1.0)
    with np.errstate(all="ignore"):
        assert bits(gx.grad_bp(f, x)) == bits(summed_apart(f, x))


@pytest.mark.parametrize("factor", [1e308, np.inf])
def test_sums_in_place_warn_as_numpy_does(factor):
    def f(x):
        return factor * np.dot(x, np.ones(3)) - factor * np.dot(x, -np.ones(3))

    def warned(gradient):
        result, messages = outcome(lambda: gradient(f, np.ones(3)))
        return result, [m for m in messages if "add" in m]

    assert warned(gx.grad_bp) == warned(summed_apart)


def test_sums_of_two_orders_in_memory():
    c, f = np.ones((3, 4)), np.asfortranarray(np.full((3, 4), 2.0))
    for first, second in ((c, f), (f, c)):
        for x in (np.ones((3, 4)), np.asfortranarray(np.ones((3, 4)))):
            g, expected = (
                gradient(lambda x, a=first, b=second: np.sum(x * a) + np.sum(x * b), x)
                for gradient in (gx.grad_bp, summed_apart)
            )
            assert bits(g) == bits(expected)


def test_it_does_write_in_place():
    x = np.linspace(0.0, 1.0, N)

    def f(x):
        total = x * 0.0
        for i in range(20):
            total = total + x * float(i)
        return total

    _, pullback = gx.backprop_with(f, x)
    seed = np.ones(N)
    tracemalloc.start()
    try:
        pullback(seed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The cotangent, the sum and one product at a time: no second sum.
    assert peak < 3.5 * seed.nbytes


def test_a_cotangent_of_the_caller_stays():
    _, pullback = gx.backprop_with(lambda x: np.exp(-x), np.linspace(0.0, 1.0, N))
    seed = np.ones(N)
    first = pullback(seed)
    np.testing.assert_array_equal(seed, np.ones(N))
    np.testing.assert_array_equal(pullback(seed), first)
    np.testing.assert_array_equal(pullback(np.ones(N)), first)


def test_what_the_pullback_of_an_op_keeps_stays():
    kept = np.full(N, 2.0)
    op = gx.op1(lambda x: (2.0 * x, lambda g: kept))
    views = [kept[:], kept[::-1]]
    for given in (kept, *views):
        op = gx.op1(lambda x, given=given: (2.0 * x, lambda g: given))
        gx.grad_bp(lambda x, op=op: np.sum(gx.lift_op1(op)(np.exp(-x))), np.ones(N))
        np.testing.assert_array_equal(kept, np.full(N, 2.0))


def test_one_cotangent_for_two_operands():
    x, y = np.linspace(0.0, 1.0, N), np.linspace(1.0, 2.0, N)
    g, h = gx.grad_bp(lambda x, y: np.exp(np.exp(x) + -y), x, y)
    z = np.exp(np.exp(x) - y)
    np.testing.assert_allclose(g, z * np.exp(x))
    np.testing.assert_allclose(h, -z)


def test_no_gradient_is_another_or_an_operand():
    x, y = np.ones(N), np.ones(N)
    g, h = gx.grad_bp(lambda x, y: np.sum(x * y) + np.sum(-x + y), x, y)
    for a, b in ((g, h), (g, x), (g, y), (h, x), (h, y)):
        assert not np.shares_memory(a, b)


def test_a_rule_may_be_an_object_without_a_hash():
    @dataclasses.dataclass
    class Times:
        factor: float

        def __call__(self, g):
            return g * self.factor

    thrice = gx.Op("thrice", lambda x: 3.0 * x, Times(3.0))
    g = gx.grad_bp(lambda x: gx.lift_op1(thrice)(np.exp(x)), np.zeros(N))
    np.testing.assert_array_equal(g, np.full(N, 3.0))
