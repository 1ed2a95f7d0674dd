"""The sweep writes into large cotangents that only it knows, and never into anything else."""

import dataclasses
import sys

import numpy as np
import pytest

import gradx as gx
from gradx import cotangent

N = 1 << 14  # large enough for the sweep to write in place


def small_and_large(f, *xs):
    """The gradients, with writing in place and without."""
    large = gx.grad_bp(f, *xs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cotangent, "_LARGE", 1 << 62)
        return large, gx.grad_bp(f, *xs)


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
    large, small = small_and_large(f, x)
    np.testing.assert_array_equal(large, small)


def test_more_than_a_block():
    large, small = small_and_large(lambda x: np.exp(np.tanh(x)), np.linspace(-1.0, 1.0, 5 * N + 3))
    np.testing.assert_array_equal(large, small)


def test_it_does_write_in_place():
    spent = []

    def noting(g, y):
        spent.append(id(g))
        return np.multiply(g, y, out=g)

    if not hasattr(sys, "getrefcount"):
        pytest.skip("this interpreter does not count references")
    with pytest.MonkeyPatch.context() as patch:
        table = {**cotangent._IN_PLACE, id(cotangent.times_y): noting}
        patch.setattr(cotangent, "_IN_PLACE", table)
        gx.grad_bp(lambda x: np.sin(np.exp(np.exp(x))), np.linspace(0.0, 1.0, N))
    assert len(spent) == 2


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
