"""A cotangent times a derivative in C: as in Python, to the bit and with the same warnings."""

import itertools

import numpy as np
import pytest

from gradx.native import native
from gradx.ops import scaling
from tests.native.native import bits, blocks_kept, layouts, only_native, outcome

pytestmark = only_native
EDGES = [0.0, -0.0, 1.0, -3.5, np.inf, -np.inf, np.nan, 5e-324, 1e308]
PAIRS = [(scaling.scaled, scaling._scaled), (scaling.divided, scaling._divided)]


def answer(f, *xs):
    """A result or an error as something that can be compared."""
    try:
        return outcome(f, *xs)
    except (TypeError, ValueError, ArithmeticError) as error:
        return type(error), str(error)


@pytest.mark.parametrize(("mine", "theirs"), PAIRS)
@np.errstate(over="ignore")  # of a double that is cast to a float
def test_edge_cases(mine, theirs):
    for g, d in itertools.product(EDGES, repeat=2):
        for make in (float, np.float64, np.float32, np.array, lambda x: np.full(5, x)):
            for other in (make, float):
                assert answer(mine, make(g), other(d)) == answer(theirs, make(g), other(d)), (g, d)
    x, y = np.array(EDGES * 9), np.repeat(EDGES, 9)
    for dtype in (np.float64, np.float32, np.float16, complex):
        both = x.astype(dtype), y.astype(dtype)
        assert answer(mine, *both) == answer(theirs, *both)
    long = [np.resize(part, 5000) for part in (x, y)]
    for kept in (slice(None), np.isfinite(long[0]) & (long[1] > 0.5) & (long[1] < 10)):
        both = [part[kept].copy() for part in long]
        assert answer(mine, *both) == answer(theirs, *both)
        assert answer(mine, both[0], 0.5) == answer(theirs, both[0], 0.5)


@pytest.mark.parametrize(("mine", "theirs"), PAIRS)
def test_layouts_and_other_values(mine, theirs, rng):
    others = [2.0, 3, 1j, np.float32(0.1), np.ones((4, 1)), np.zeros((0, 6)), [1.0] * 6, None]
    for g in layouts(rng):
        before = bits(g)
        for d in [*others, *layouts(rng)]:
            assert answer(mine, g, d) == answer(theirs, g, d)
            assert answer(mine, d, g) == answer(theirs, d, g)
        assert bits(g) == before


@np.errstate(all="ignore")
def test_a_masked_item_adds_nothing():
    g, d = np.array([0.0, 0.0, 1.0]), np.array([np.inf, np.nan, np.inf])
    assert scaling.scaled(g, d).tolist() == [0.0, 0.0, np.inf]
    assert scaling.divided(g, np.array([0.0, np.nan, 2.0])).tolist() == [0.0, 0.0, 0.5]
    assert scaling.scaled(0.0, np.inf) == 0.0


def test_it_leaves_nothing_behind():
    g, d = np.zeros(3), np.array([np.inf, 1.0, 2.0])

    def each():
        for f in (scaling.scaled, scaling.divided):
            f(g, d), f(1.0, 2.0), f(g, 2)
            with pytest.raises(TypeError):
                f(g, "text")
            with pytest.raises(TypeError, match="takes a cotangent and a derivative"):
                f(g)

    with np.errstate(all="ignore"):
        assert blocks_kept(each, 100) < 0.5


@np.errstate(all="ignore")
def test_in_a_sweep_it_is_the_same(rng):
    g, d = rng.normal(size=7), rng.normal(size=7)
    d[2], g[2] = np.inf, 0.0
    node = object()
    for pull in (scaling.scaled, scaling.factored, scaling.divided):
        edge = (node, pull, (d,), None, None)
        swept = native.sweep([edge], {id(edge): g})
        assert bits(swept[id(node)]) == bits(pull(g, d))
